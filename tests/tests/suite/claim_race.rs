//! Many claim at once: each ticket goes to exactly one.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Server, both};

both!(of_many_who_claim_exactly_one_gets_the_ticket);

const CLIENTS: usize = 64;
const TICKETS: usize = 50;

fn of_many_who_claim_exactly_one_gets_the_ticket(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let send = |number: usize| resident.report(&format!("第 {number} 处垃圾"))["ticket_id"].as_i64().unwrap();
    let tickets: Vec<i64> = (0..TICKETS).map(send).collect();
    let workers = server.grid_workers(CLIENTS);
    let start = Barrier::new(CLIENTS);
    // Each client begins with another ticket, so that winners and losers are spread over all clients.
    let answers: Vec<(i64, usize, u16, Value)> = thread::scope(|scope| {
        let (tickets, workers, start) = (&tickets, &workers, &start);
        let client = |number: usize| {
            move || {
                start.wait();
                let order = (0..TICKETS).map(|turn| tickets[(turn + number) % TICKETS]);
                let claim = |ticket: i64| {
                    let reply = workers[number].post(&format!("tickets/{ticket}/claim"), &json!({}));
                    (ticket, number, reply.status, reply.json())
                };
                order.map(claim).collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(client(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), CLIENTS * TICKETS);
    for ticket in &tickets {
        let of_ticket = || answers.iter().filter(|answer| answer.0 == *ticket);
        let won: Vec<_> = of_ticket().filter(|answer| answer.2 == 200).collect();
        assert_eq!(won.len(), 1, "ticket {ticket} was claimed {} times", won.len());
        let holder = format!("网格员 {}", won[0].1);
        for (_, _, status, problem) in of_ticket().filter(|answer| answer.2 != 200) {
            assert_eq!((*status, problem["code"].as_str()), (409, Some("already_claimed")), "{problem}");
            assert_eq!(problem["held_by"], holder.as_str());
        }
        let seen = workers[0].ticket(*ticket);
        assert_eq!((&seen["version"], &seen["holder"]["name"]), (&json!(2), &json!(holder)));
    }
    assert!(server.verify().breaks.is_empty());
}
