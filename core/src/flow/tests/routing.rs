//! 派遣 by the duty list: which rule wins, who gets what, and the reasons that people read.

use proptest::prelude::*;

use super::fixture::{
    CENTRE, COMMUNITY, D01, D02, GRID, GRID_FAR, GRID_NEXT, HELPER_GRID, HOME, MANHOLE, NOWHERE, OTHER_GRID,
    OTHER_STREET, RUBBISH, SQUAD_1, SQUAD_2, STALLS, STREET, UNRULED, World, duty,
};
use crate::flow::{DutyList, DutyRule, Routing};
use crate::model::{DutyMode, Level, Unit, UnitId, UnitTree};

const GRIDS: [UnitId; 5] = [GRID, GRID_NEXT, GRID_FAR, OTHER_GRID, HELPER_GRID];
const CATEGORIES: [&str; 4] = [MANHOLE, RUBBISH, STALLS, UNRULED];

fn route(rules: Vec<DutyRule>, category: &str, grid: UnitId) -> Routing {
    DutyList::new(rules).route(category, grid, &World::new().tree).unwrap()
}

#[test]
fn the_list_of_the_fixture_routes_as_intended() {
    let world = World::new();
    let lead = |category, grid| world.duties.route(category, grid, &world.tree).unwrap();
    for grid in GRIDS {
        let manhole = lead(MANHOLE, grid);
        assert_eq!((manhole.lead, manhole.assist, manhole.grid_first), (D02, vec![SQUAD_1], false));
        let rubbish = lead(RUBBISH, grid);
        assert_eq!((rubbish.lead, rubbish.assist, rubbish.grid_first), (grid, vec![], true));
        let street = if [OTHER_GRID, HELPER_GRID].contains(&grid) { OTHER_STREET } else { STREET };
        assert_eq!(lead(UNRULED, grid).lead, street, "属地兜底");
        // The street's own rule is wider in categories than the district's, and still wins at home.
        assert_eq!(lead(STALLS, grid).lead, if street == STREET { STREET } else { D01 });
    }
}

#[test]
fn the_narrowest_territory_wins_before_the_narrowest_category() {
    let ladder = [
        duty("*", CENTRE, Some(D01), &[]),
        duty("E*", CENTRE, Some(D02), &[]),
        duty("E01*", CENTRE, Some(SQUAD_1), &[]),
        duty("E0102", CENTRE, Some(SQUAD_2), &[]),
        duty("*", STREET, Some(STREET), &[]),
        duty("E*", COMMUNITY, Some(COMMUNITY), &[]),
        duty("*", GRID, Some(GRID_NEXT), &[]),
    ];
    for winner in 0..ladder.len() {
        let routing = route(ladder[..=winner].to_vec(), RUBBISH, GRID);
        assert_eq!(Some(routing.lead), ladder[winner].lead, "{:?}", ladder[winner]);
    }
    // Outside its territory or its categories the narrow rule does not count.
    assert_eq!(route(ladder.to_vec(), RUBBISH, OTHER_GRID).lead, SQUAD_2);
    assert_eq!(route(ladder.to_vec(), MANHOLE, GRID_FAR).lead, STREET);
    assert_eq!(route(ladder.to_vec(), MANHOLE, OTHER_GRID).lead, D01);
}

#[test]
fn the_reasons_name_rule_territory_and_units_in_both_languages() {
    let world = World::new();
    let said = |category| world.duties.route(category, GRID, &world.tree).unwrap().reasons;
    let manhole = said(MANHOLE);
    assert_eq!(manhole[0].zh, "权责清单 P01*（思明区）：市政园林局主办。");
    assert_eq!(manhole[0].en, "Duty list P01* (思明区): 市政园林局 leads.");
    assert_eq!(manhole[1].zh, "协办：城管一中队。");
    assert_eq!(manhole[1].en, "Assisting: 城管一中队.");
    assert_eq!(said(RUBBISH)[0].zh, "权责清单 E0102（思明区）：网格自办，由甲一01网格处置。");
    assert_eq!(said(UNRULED)[0].zh, "权责清单没有覆盖 E0301 的条目，按属地兜底由甲街道处置。");
    assert_eq!(said(UNRULED)[0].en, "No duty covers E0301; the territory, 甲街道, takes it.");
    let both = route(vec![duty("E*", CENTRE, Some(D02), &[D01, SQUAD_2])], RUBBISH, GRID).reasons;
    assert_eq!(both[1].zh, "协办：城管局、城管二中队。");
}

#[test]
fn rules_whose_units_are_gone_do_not_lead_anywhere() {
    let narrow_but_dead = duty("E0102", GRID, Some(NOWHERE), &[]);
    let wide = duty("*", CENTRE, Some(D01), &[NOWHERE, D01, D02]);
    let routing = route(vec![narrow_but_dead.clone(), wide], RUBBISH, GRID);
    assert_eq!((routing.lead, routing.assist), (D01, vec![D02]), "the lead is not its own assistant");
    assert_eq!(route(vec![narrow_but_dead], RUBBISH, GRID).lead, STREET);
    assert_eq!(route(vec![duty("*", NOWHERE, Some(D01), &[])], RUBBISH, GRID).lead, STREET);
    assert_eq!(World::new().duties.route(RUBBISH, NOWHERE, &World::new().tree), None);
}

#[test]
fn a_tree_without_streets_falls_back_to_the_district() {
    let unit = |id, level, parent| Unit {
        id,
        district: HOME,
        code: format!("{id}").into(),
        name: format!("单位{id}").into(),
        level,
        parent,
        phone: None,
        center: None,
    };
    let tree = UnitTree::new([unit(1, Level::District, None), unit(2, Level::Grid, Some(1))]);
    assert_eq!(DutyList::default().route(RUBBISH, 2, &tree).map(|routing| routing.lead), Some(1));
}

#[test]
fn two_rules_for_the_same_case_are_decided_alike_in_any_order() {
    let rules = [
        duty("E0102", STREET, Some(D02), &[]),
        duty("E0102", STREET, Some(D01), &[SQUAD_1]),
        duty("E0102", STREET, None, &[]),
        duty("E0102", STREET, Some(D01), &[D02]),
    ];
    let first = route(rules.to_vec(), RUBBISH, GRID);
    for turn in 1..rules.len() {
        let mut turned = rules.to_vec();
        turned.rotate_left(turn);
        assert_eq!(route(turned.clone(), RUBBISH, GRID), first);
        turned.reverse();
        assert_eq!(route(turned, RUBBISH, GRID), first);
    }
}

fn any_rule() -> impl Strategy<Value = DutyRule> {
    let pattern =
        prop::sample::select(vec!["*", "E*", "P*", "E01*", "E02*", "P01*", "E0102", "E0201", "P0101"]);
    let territory =
        prop::sample::select(vec![CENTRE, STREET, OTHER_STREET, COMMUNITY, GRID, OTHER_GRID, NOWHERE]);
    let lead = prop::option::of(prop::sample::select(vec![D01, D02, SQUAD_1, STREET, NOWHERE]));
    let assist = prop::sample::subsequence(vec![D01, D02, SQUAD_2, NOWHERE], 0..=3);
    (pattern, territory, lead, assist)
        .prop_map(|(pattern, territory, lead, assist)| duty(pattern, territory, lead, &assist))
}

proptest! {
    #![proptest_config(super::random::fixed(128))]

    #[test]
    fn the_order_of_rules_never_matters_and_nothing_narrower_was_passed_over(
        (rules, shuffled) in prop::collection::vec(any_rule(), 0..12)
            .prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle()))
    ) {
        let world = World::new();
        let (list, other) = (DutyList::new(rules.clone()), DutyList::new(shuffled));
        for (category, grid) in CATEGORIES.iter().flat_map(|category| GRIDS.map(|grid| (*category, grid))) {
            let routing = list.route(category, grid, &world.tree).unwrap();
            prop_assert_eq!(&routing, &other.route(category, grid, &world.tree).unwrap());
            prop_assert!(world.tree.get(routing.lead).is_some());
            prop_assert!(!routing.assist.contains(&routing.lead));

            // The rules that may be followed, found by climbing from the grid instead of by comparing numbers.
            let usable = |rule: &&DutyRule| rule.categories.covers(category) && rule.lead != Some(NOWHERE);
            let narrow = |rule: &&DutyRule| rule.categories.as_str().trim_end_matches('*').len();
            let nearest = world.tree.lineage(grid).find_map(|unit| {
                let here = || rules.iter().filter(|rule| rule.territory == unit.id).filter(usable);
                let best = here().map(|rule| narrow(&rule)).max()?;
                Some(here().filter(move |rule| narrow(rule) == best).collect::<Vec<_>>())
            });
            let street = world.tree.at_level(grid, Level::Street).map(|street| street.id);
            let followed = match nearest {
                None => Some(routing.lead) == street && !routing.grid_first,
                Some(candidates) => candidates.iter().any(|rule| {
                    let grid_first = rule.mode == DutyMode::GridFirst;
                    grid_first == routing.grid_first && rule.lead.unwrap_or(grid) == routing.lead
                }),
            };
            prop_assert!(followed, "{} in {} went to {:?}", category, grid, routing);
        }
    }
}
