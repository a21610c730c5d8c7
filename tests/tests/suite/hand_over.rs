//! Up and down: handed to a squad or to the unit above and back, with one unit that answers at every moment.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Server, both};

use crate::common::{COMMUNITY, STREET, reported, stands, whole};

both!(
    one_unit_answers_until_the_next_has_signed,
    what_is_handed_down_goes_back_to_the_hand,
    a_grid_passes_up_to_the_street_and_on_to_the_centre
);

/// The codes of the units that have answered for a ticket, in order, the grid as `grid`.
fn path(ticket: &Value) -> Vec<&str> {
    let unit = |unit: &'_ Value| unit["level"] == "grid";
    let all = ticket["path"].as_array().unwrap();
    all.iter().map(|one| if unit(one) { "grid" } else { one["code"].as_str().unwrap() }).collect()
}

fn one_unit_answers_until_the_next_has_signed(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "店招松动");
    let [grid1, chengguan, squad] = ["grid1", "chengguan", "squad"].map(|login| server.official(login));
    let filed = grid1.claim_and_file(ticket, "P0306");
    let (grid, due) =
        (filed["located"]["grid"]["code"].as_str().unwrap().to_owned(), filed["due_at"].clone());
    assert_eq!(stands(&filed), ("dispatched", grid.as_str(), "D01"));
    let signed = chengguan.command(ticket, "accept", json!({}));
    assert_eq!(stands(&signed), ("handling", "D01", "D01"));

    let down = chengguan.command(ticket, "delegate", json!({ "to": server.unit("D0101") }));
    assert_eq!(stands(&down), ("dispatched", "D01", "D0101"));
    let signed = squad.command(ticket, "accept", json!({}));
    assert_eq!(stands(&signed), ("handling", "D0101", "D0101"));
    squad.try_command(ticket, "accept", json!({})).problem(409, "not_allowed_in_state");
    let up = squad.command(ticket, "escalate", json!({ "reason": "需要登高车" }));
    assert_eq!(stands(&up), ("dispatched", "D0101", "D01"));
    let signed = chengguan.command(ticket, "accept", json!({}));
    assert_eq!(stands(&signed), ("handling", "D01", "D01"));
    assert_eq!(signed["due_at"], due, "handing over moves no deadline");

    let finished = chengguan.finish(ticket, "店招已加固。");
    assert_eq!(path(&finished), ["grid", "D01", "D0101", "D01"]);
    assert_eq!(finished["returns"], 0);
    assert_eq!(path(&server.official("inspector").close(ticket)), ["grid", "D01", "D0101", "D01"]);
    assert!(server.verify().breaks.is_empty());
}

fn what_is_handed_down_goes_back_to_the_hand(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "店招松动");
    let [grid1, chengguan, squad] = ["grid1", "chengguan", "squad"].map(|login| server.official(login));
    grid1.claim_and_file(ticket, "P0306");
    chengguan.command(ticket, "accept", json!({}));
    let due = chengguan.command(ticket, "delegate", json!({ "to": server.unit("D0101") }))["due_at"].clone();
    let body = json!({ "reason": "wrong_place", "words": "不在本中队辖区" });
    let back = squad.command(ticket, "return", body);
    assert_eq!(stands(&back), ("handling", "D01", "D01"), "who never ceased to answer need not sign again");
    assert_eq!((whole(&back["returns"]), &back["due_at"]), (1, &due));
    let orders = back["orders"].as_array().unwrap();
    let states: Vec<_> = orders.iter().map(|order| (&order["unit"]["code"], &order["state"])).collect();
    assert_eq!(json!(states), json!([["D01", "released"], ["D0101", "returned"], ["D01", "accepted"]]));
    assert_eq!(orders[1]["handed_by"]["code"], "D01");
    assert_eq!(orders[1]["result"], "不在本中队辖区");
    // The squad has had an order, so it still sees the ticket, and may do nothing with it.
    assert_eq!(squad.ticket(ticket)["allowed_actions"], json!([]));
    chengguan.finish(ticket, "已由本部门处理。");
}

fn a_grid_passes_up_to_the_street_and_on_to_the_centre(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "单车占道");
    let [grid1, community, street] = ["grid1", "community", "street"].map(|login| server.official(login));
    let grid = grid1.claim_and_file(ticket, "E0501")["located"]["grid"]["code"].as_str().unwrap().to_owned();
    let up = grid1.command(ticket, "escalate", json!({ "reason": "数量太多" }));
    assert_eq!(stands(&up), ("dispatched", grid.as_str(), COMMUNITY));
    grid1.try_command(ticket, "accept", json!({})).problem(403, "forbidden");
    let back = community.command(ticket, "return", json!({ "reason": "other", "words": "网格可自行处理" }));
    assert_eq!(stands(&back), ("handling", grid.as_str(), grid.as_str()));
    grid1.command(ticket, "escalate", json!({ "reason": "确实处理不了" }));
    assert_eq!(stands(&community.command(ticket, "accept", json!({}))), ("handling", COMMUNITY, COMMUNITY));
    let up = community.command(ticket, "escalate", json!({ "reason": "跨社区" }));
    assert_eq!(stands(&up), ("dispatched", COMMUNITY, STREET));
    assert_eq!(stands(&street.command(ticket, "accept", json!({}))), ("handling", STREET, STREET));
    let up = street.command(ticket, "escalate", json!({ "reason": "需区级协调" }));
    assert_eq!(stands(&up), ("filed", STREET, crate::common::CENTRE));
    let lead = json!({ "lead": server.unit("D01"), "reason": "由城管牵头" });
    let given = server.official("dispatcher").command(ticket, "dispatch", lead);
    assert_eq!(stands(&given), ("dispatched", STREET, "D01"));
    let signed = server.official("chengguan").command(ticket, "accept", json!({}));
    assert_eq!(path(&signed), ["grid", COMMUNITY, STREET, "D01"]);
    assert_eq!(server.told("D01", ticket), ["dispatch"]);
    assert_eq!(server.told(STREET, ticket), ["escalate"]);
}
