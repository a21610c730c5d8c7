//! How many statements the commands take that everybody waits for: each is a way to PostgreSQL and back.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Server, both};

use crate::common::until;

both!(hot_commands_take_few_statements);

/// Each is given so often; the least counts, since the server may do something else meanwhile.
const TIMES: usize = 4;
/// So many looks in a row, a few milliseconds apart, find a server at rest.
const LOOKS: u32 = 15;

/// Statements of a command on SQLite and on PostgreSQL at the most, with BEGIN and COMMIT. Five of them are for others: two by
/// which the caller is read, unless that was a moment ago, and what tells other servers and looks for jobs after a change.
///
/// A command reads the ticket with what belongs to it, and writes the ticket, a line of its history, who is told, and what
/// the command itself is about.
const MOST: [(&str, (u64, u64)); 6] = [
    ("report", (19, 10)),
    ("claim", (21, 19)),
    ("file", (19, 16)),
    ("accept", (22, 20)),
    ("finish", (26, 21)),
    ("close", (24, 20)),
];

/// Waits until the server has done what was left to do.
fn rest(server: &Server) {
    server.drain();
    let (mut last, mut looks) = (server.statements(), 0);
    until("the server rests", || {
        let now = server.statements();
        looks = if now == last { looks + 1 } else { 0 };
        last = now;
        looks >= LOOKS
    });
}

fn hot_commands_take_few_statements(engine: Engine) {
    let server = Server::start(engine);
    let (resident, grid1) = (server.resident(), server.official("grid1"));
    let (department, inspector) = (server.official("shizheng"), server.official("inspector"));
    let mut least = [u64::MAX; MOST.len()];
    let mut took = |nth: usize, body: Value, who: &Official, path: &str| -> Value {
        rest(&server);
        let before = server.statements();
        let answer = who.post(path, &body).expect(200);
        least[nth] = least[nth].min(server.statements() - before);
        // What is answered is not read again, and is what would be read.
        let ticket = path.rsplit_once('/').unwrap().0;
        assert_eq!(answer, who.get(ticket).expect(200), "{path}");
        answer
    };
    let mut reports = u64::MAX;
    for number in 0..TIMES {
        let photos = [resident.upload_any(), resident.upload_any()];
        rest(&server);
        let mut draft = suishoupai_tests::Resident::draft(&format!("路面坑洞 {number}"));
        draft["photo_ids"] = json!(photos);
        let before = server.statements();
        let report = resident.post("reports", &draft).expect(201);
        reports = reports.min(server.statements() - before);
        let ticket = &report["ticket_id"];
        let path = |verb: &str| format!("tickets/{ticket}/{verb}");
        took(1, json!({ "version": 1 }), &grid1, &path("claim"));
        let filed = took(2, json!({ "version": 2, "category": "P0201" }), &grid1, &path("file"));
        let signed = took(3, json!({ "version": filed["version"] }), &department, &path("accept"));
        let after = department.upload_any();
        let done = json!({ "version": signed["version"], "answer": "路面已修补。", "photo_ids": [after] });
        let done = took(4, done, &department, &path("finish"));
        let seen = inspector.upload_any();
        let check = json!({ "version": done["version"], "photo_ids": [seen], "off_spot_reason": "视频核查" });
        took(5, check, &inspector, &path("close"));
    }
    least[0] = reports;
    let too_many = MOST.into_iter().zip(least).filter_map(|((verb, (sqlite, postgres)), least)| {
        let most = if engine == Engine::Sqlite { sqlite } else { postgres };
        (least > most).then(|| format!("{verb} takes {least} statements, more than {most}"))
    });
    let too_many: Vec<String> = too_many.collect();
    assert!(too_many.is_empty(), "{}", too_many.join("; "));
}
