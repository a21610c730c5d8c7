//! Looks through everything that servers logged during the tests for what clients and servers told each other in
//! confidence: telephone numbers, names, passwords, codes, tokens. `./test` calls it when all tests have passed.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use aho_corasick::AhoCorasick;
use serde_json::Value;

/// Numbers of times and durations may be any digits; keys of rows too.
const NUMBERS: [&str; 2] = ["timestamp", "duration_ms"];
/// So many finds are shown.
const SHOWN: usize = 20;
/// Fewer lines than any run of the tests logs.
const FEWEST: usize = 1000;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("log-search: name the folder that SSP_TEST_LOGS named");
        return ExitCode::FAILURE;
    };
    match search(Path::new(&folder)) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(said) => {
            eprintln!("{said}");
            ExitCode::FAILURE
        }
    }
}

/// The files of the folder whose names begin so, read.
fn read(folder: &Path, kind: &str) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("log-search: {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(kind) {
            // A program that was killed may have broken off within a character.
            files.push(String::from_utf8_lossy(&fs::read(entry.path()).map_err(failed)?).into_owned());
        }
    }
    Ok(files)
}

fn search(folder: &Path) -> Result<String, String> {
    let (mut texts, mut codes, mut public) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in read(folder, "secrets-")?.iter().flat_map(|file| file.lines()) {
        match line.split_once('\t') {
            Some(("text", text)) => texts.insert(text.to_owned()),
            Some(("code", code)) => codes.insert(code.to_owned()),
            Some(("public", number)) => public.insert(number.to_owned()),
            _ => return Err(format!("log-search: not a secret: {line}")),
        };
    }
    // Once in so many runs a code is by chance what servers log by right, and then it cannot be looked for.
    codes.retain(|code| !public.contains(code));
    if texts.is_empty() || codes.is_empty() {
        return Err("log-search: no secrets were noted, so nothing can be found".to_owned());
    }
    let texts: Vec<String> = texts.into_iter().collect();
    let finder = AhoCorasick::new(&texts).map_err(|error| format!("log-search: {error}"))?;
    let (mut lines, mut finds) = (0_usize, HashMap::<String, String>::new());
    for kind in ["suite-", "programs-"] {
        for line in read(folder, kind)?.iter().flat_map(|file| file.lines()) {
            lines += 1;
            // The sender `log`, which is for trials, tells codes there.
            if line.contains("suishoupai::code") {
                continue;
            }
            let said = said(line);
            let text = finder.find(&said).map(|found| texts[found.pattern().as_usize()].clone());
            // A code is only digits, so it is looked for as a word of its own.
            let mut words = said.split(|c: char| !c.is_alphanumeric());
            if let Some(secret) = text.or_else(|| words.find(|word| codes.contains(*word)).map(str::to_owned))
            {
                finds.entry(secret).or_insert_with(|| line.to_owned());
            }
        }
    }
    if lines < FEWEST {
        return Err(format!("log-search: only {lines} lines were logged"));
    }
    if finds.is_empty() {
        return Ok(format!(
            "log-search: {lines} lines hold none of {} secrets and {} codes",
            texts.len(),
            codes.len()
        ));
    }
    let shown: Vec<String> =
        finds.iter().take(SHOWN).map(|(secret, line)| format!("  {secret}\n    in {line}")).collect();
    Err(format!("log-search: {} secrets are in the log, such as\n{}", finds.len(), shown.join("\n")))
}

/// The words of a line: of one in JSON, all texts in it, without numbers, which may be any.
fn said(line: &str) -> String {
    let Ok(mut parsed) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    if let Some(members) = parsed.as_object_mut() {
        for name in NUMBERS {
            members.remove(name);
        }
    }
    let mut said = String::new();
    collect(&parsed, &mut said);
    said
}

fn collect(value: &Value, said: &mut String) {
    match value {
        Value::Object(members) => members.values().for_each(|value| collect(value, said)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, said)),
        Value::String(text) => {
            said.push_str(text);
            said.push(' ');
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
