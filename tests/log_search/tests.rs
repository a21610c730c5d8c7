use super::*;

/// A folder with these secrets, and with this line among as many as a run logs at the least.
fn searched(secrets: &str, line: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secrets-1"), secrets).unwrap();
    let usual = "{\"timestamp\":\"2026-03-04T09:30:00.135790Z\",\"message\":\"request\",\"status\":200}\n";
    let logged = format!("{}{line}\n", usual.repeat(FEWEST));
    fs::write(folder.path().join("suite-1"), logged).unwrap();
    search(folder.path())
}

#[test]
fn what_was_told_in_confidence_is_found() {
    let secrets = "text\t13800138000\ncode\t135790\n";
    for line in [
        r#"{"message":"sent to 13800138000"}"#,
        r#"{"message":"a code","span":{"to":["x","got 135790."]}}"#,
        "a line of 135790 words that is not JSON",
    ] {
        let said = searched(secrets, line).unwrap_err();
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn numbers_parts_of_words_and_the_sender_for_trials_are_no_finds() {
    let secrets = "text\t13800138000\ncode\t135790\n";
    for line in [
        r#"{"message":"ticket","id":135790}"#,
        r#"{"message":"key a135790b"}"#,
        r#"{"message":"sign-in code 135790","target":"suishoupai::code"}"#,
    ] {
        let said = searched(secrets, line).unwrap();
        assert!(said.contains("none of 1 secrets and 1 codes"), "{said}");
    }
}

#[test]
fn a_code_that_is_by_chance_what_servers_log_by_right_is_not_looked_for() {
    let job = r#"{"message":"deadlines computed anew","span":{"kind":"recount:350203","name":"job"}}"#;
    let secrets = "text\t13800138000\ncode\t135790\ncode\t350203\n";
    assert!(searched(secrets, job).unwrap_err().contains("350203"));
    let said = searched(&format!("public\t350203\n{secrets}"), job).unwrap();
    assert!(said.contains("none of 1 secrets and 1 codes"), "{said}");
}

#[test]
fn a_search_that_could_find_nothing_fails() {
    for secrets in
        ["", "text\t13800138000\n", "code\t135790\n", "public\t135790\ntext\tabcdef\ncode\t135790\n"]
    {
        assert!(searched(secrets, "").unwrap_err().contains("no secrets were noted"), "{secrets:?}");
    }
    assert!(searched("word\tabcdef\n", "").unwrap_err().contains("not a secret"));
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("secrets-1"), "text\tabcdef\ncode\t135790\n").unwrap();
    assert!(search(empty.path()).unwrap_err().contains("only 0 lines"));
}
