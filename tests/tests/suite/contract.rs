//! The contract and the documents agree with the server.

use std::path::Path;

use reqwest::Method;
use suishoupai_tests::{Caller, Engine, Server, both};

both!(every_path_of_the_contract_answers, the_served_contract_is_the_committed_one);

fn project_file(name: &str) -> std::io::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(path)
}

#[test]
fn the_committed_contract_is_the_one_of_the_code() {
    let hint = "run: cargo run -p suishoupai-api -- openapi > openapi.yaml";
    assert!(
        project_file("openapi.yaml").unwrap() == suishoupai_api::openapi::Contract::shared().yaml,
        "{hint}"
    );
}

#[test]
fn the_document_shows_the_diagram_of_the_code() {
    let text = project_file("ARCHITECTURE.md").unwrap();
    let diagrams: Vec<&str> = text
        .split("```mermaid\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(diagram, _)| diagram))
        .collect();
    let drawn = suishoupai_core::flow::diagram();
    assert!(
        diagrams.contains(&drawn.as_str()),
        "ARCHITECTURE.md must contain this between mermaid fences:\n{drawn}"
    );
}

fn the_served_contract_is_the_committed_one(engine: Engine) {
    let server = Server::start(engine);
    let served = server.nobody().get("/openapi.yaml");
    assert_eq!((served.status, served.text() == project_file("openapi.yaml").unwrap()), (200, true));
}

fn every_path_of_the_contract_answers(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let contract = suishoupai_api::openapi::described();
    let mut seen = 0;
    for (path, item) in &contract.paths.paths {
        let path = path.replace("{id}", "1").replace("{kind}", "units");
        for (method, there) in [(Method::GET, item.get.is_some()), (Method::POST, item.post.is_some())] {
            if !there {
                continue;
            }
            seen += 1;
            let reply = Caller::send(admin.request(method.clone(), &path));
            let is_lost = reply.status == 404 && reply.json()["code"] == "not_found";
            assert!(!is_lost && reply.status != 405, "{method} {path}: {}", reply.text());
        }
    }
    assert!(seen >= 30, "{seen} operations");
}
