//! Masks: rectangles, who may do what, and lines that make the mask.

use super::case::Case;
use super::fixture::{
    CENTRE, COMMUNITY, D01, D02, GRID, GRID_FAR, GRID_NEXT, NEIGHBOUR_CENTRE, OTHER_STREET, SQUAD_1, STREET,
    World, chief, dispatcher, head, officer, person, start, worker,
};
use crate::flow::masking::{
    Area, MOST_AREAS, Mask, MaskEvent, MaskRefusal as Refusal, MaskSubject, MaskVerb, WHOLE, mask, unmask,
};
use crate::flow::{Actor, Role, Ticket};

fn area(left: u32) -> Area {
    Area::new(left, 100_000, 200_000, 50_000).unwrap()
}

fn subject<'a>(mask: &'a Mask, tickets: &'a [Ticket]) -> MaskSubject<'a> {
    MaskSubject { photo: 7, sha256: &[0xab; 32], mask, tickets }
}

#[test]
fn a_rectangle_lies_within_the_picture_and_covers_every_pixel_that_it_touches() {
    assert!(Area::new(0, 0, WHOLE, WHOLE).is_some());
    for (left, top, width, height) in
        [(0, 0, 0, 5), (0, 0, 5, 0), (1, 0, WHOLE, 5), (0, 1, 5, WHOLE), (u32::MAX, 0, 5, 5)]
    {
        assert_eq!(Area::new(left, top, width, height), None, "{left} {top} {width} {height}");
    }
    assert_eq!(Area::new(0, 0, WHOLE, WHOLE).unwrap().pixels(2048, 1536), (0, 2048, 0, 1536));
    assert_eq!(Area::new(500_000, 250_000, 1, 1).unwrap().pixels(100, 100), (50, 51, 25, 26));
    assert_eq!(Area::new(499_999, 999_999, 2, 1).unwrap().pixels(100, 3), (49, 51, 2, 3));
}

#[test]
fn who_handles_a_ticket_may_mask_and_only_another_of_the_chiefs_may_take_it_off() {
    let world = World::new();
    let tickets = [Case::dispatched(&world, D01, &[SQUAD_1]).ticket];
    let none = Mask::default();
    let tried =
        |actor: &Actor| mask(subject(&none, &tickets), &[area(1)], "人脸", actor, &world.tree, start());
    let may = [
        worker(),
        person(Role::CommunityOfficer, COMMUNITY),
        person(Role::StreetOfficer, STREET),
        officer(D01),
        officer(SQUAD_1),
        dispatcher(),
        chief(),
        head(),
        person(Role::Inspector, CENTRE),
    ];
    for actor in &may {
        let line = tried(actor).unwrap().unwrap();
        assert_eq!((line.seq, line.role, line.areas.as_slice()), (1, actor.posts[0].role, &[area(1)][..]));
    }
    let may_not = [
        officer(D02),
        person(Role::GridWorker, GRID_NEXT),
        person(Role::GridWorker, GRID_FAR),
        person(Role::StreetOfficer, OTHER_STREET),
        person(Role::Observer, CENTRE),
        person(Role::Administrator, CENTRE),
        person(Role::Dispatcher, NEIGHBOUR_CENTRE),
        person(Role::Resident, 0),
    ];
    for actor in &may_not {
        assert_eq!(tried(actor), Err(Refusal::NotYours { verb: MaskVerb::Mask }), "{actor:?}");
    }

    let masked = none.after(&tried(&chief()).unwrap().unwrap()).unwrap();
    let taken = |mask: &Mask, actor: &Actor, on_board| {
        unmask(subject(mask, &tickets), on_board, "误打", actor, &world.tree, start())
    };
    assert_eq!(taken(&masked, &chief(), false), Err(Refusal::OwnMask));
    let stand_in = Actor { stands_for: vec![chief().account.unwrap()], ..head() };
    assert_eq!(taken(&masked, &stand_in, false), Err(Refusal::OwnMask));
    assert_eq!(taken(&masked, &worker(), false), Err(Refusal::NotYours { verb: MaskVerb::Unmask }));
    assert_eq!(taken(&masked, &head(), true), Err(Refusal::OnTheBoard));
    assert_eq!(taken(&none, &head(), false), Err(Refusal::NotMasked));
    let line = taken(&masked, &head(), false).unwrap();
    let clean = masked.after(&line).unwrap();
    assert_eq!((clean.version, clean.areas.len(), clean.maskers.len()), (2, 0, 0));
    // Without a ticket that the actor sees there is nothing by which it could be allowed.
    let alone = mask(subject(&none, &[]), &[area(1)], "x", &dispatcher(), &world.tree, start());
    assert_eq!(alone, Err(Refusal::NotYours { verb: MaskVerb::Mask }));
}

#[test]
fn a_mask_grows_and_is_what_its_lines_say() {
    let world = World::new();
    let tickets = [Case::open(&world).ticket];
    let grown = |mask_now: &Mask, areas: &[Area], actor: &Actor| {
        mask(subject(mask_now, &tickets), areas, "车牌", actor, &world.tree, start())
    };
    let first = grown(&Mask::default(), &[area(1), area(1)], &worker()).unwrap().unwrap();
    let one = Mask::default().after(&first).unwrap();
    assert_eq!(one.areas, [area(1)], "each once");
    assert_eq!(grown(&one, &[area(1)], &worker()), Ok(None), "nothing new is no line");
    let second = grown(&one, &[area(1), area(2)], &dispatcher()).unwrap().unwrap();
    let two = one.after(&second).unwrap();
    assert_eq!((two.version, two.areas.len(), two.maskers.len()), (2, 2, 2));
    let text = second.content().unwrap();
    assert_eq!(MaskEvent::parse(&text).unwrap(), second);
    let many: Vec<Area> = (0..=MOST_AREAS as u32).map(area).collect();
    assert_eq!(grown(&one, &many, &worker()), Err(Refusal::TooManyAreas));
    assert!(grown(&Mask::default(), &many[1..], &worker()).is_ok());
    // Lines that nobody could have written are seen.
    for wrong in [
        MaskEvent { seq: 3, ..second.clone() },
        MaskEvent { areas: vec![area(2)], ..second.clone() },
        MaskEvent { areas: vec![area(1)], ..second.clone() },
        MaskEvent { verb: MaskVerb::Unmask, ..second.clone() },
    ] {
        assert!(one.after(&wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(GRID, tickets[0].grid);
}
