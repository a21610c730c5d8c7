//! What stands in `deploy/` and in the operators' chapter is true: settings are known and valued as the program takes them,
//! commands have the options that they are given, and every count that is told of is described.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::Value;

use super::Arguments;
use crate::config::{Config, LoadOptions};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn chapter() -> String {
    std::fs::read_to_string(top().join("docs/operating.md")).unwrap()
}

/// The files below `deploy/` with their texts.
fn files() -> Vec<(String, String)> {
    let mut folders = vec![top().join("deploy")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() >= 10, "{} files", found.len());
    found
}

/// Names of settings in a text, each with what is assigned to it there, if anything is.
fn settings(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find("SUISHOUPAI_") {
            let after = &rest[at..];
            let end = after
                .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
                .unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            let value = tail.strip_prefix('=').or_else(|| tail.strip_prefix(": "));
            let value = value.map(|value| value.trim().trim_end_matches(" \\").trim_matches('"').to_owned());
            found.push((name.to_owned(), value));
            rest = tail;
        }
    }
    found
}

#[test]
fn every_setting_of_the_deployment_is_known_and_has_a_value_that_is_taken() {
    for (file, text) in files() {
        let mut environment = BTreeMap::new();
        for (name, value) in settings(&text) {
            if name == "SUISHOUPAI_SECTION__KEY" {
                continue;
            }
            // What an operator fills in is not there yet.
            let Some(value) = value.filter(|value| !value.is_empty() && !name.ends_with("_KEY")) else {
                let key = name.trim_start_matches("SUISHOUPAI_").to_lowercase().replace("__", ".");
                assert!(
                    crate::config::KEYS.iter().flat_map(|keys| keys.iter()).any(|known| known.path() == key),
                    "{file}: {name}"
                );
                continue;
            };
            let value = value.split('$').next().unwrap_or_default().to_owned();
            environment.insert(name, value);
        }
        let environment = environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let folder = tempfile::tempdir().unwrap();
        let options =
            LoadOptions { working_dir: folder.path().to_owned(), environment, ..LoadOptions::default() };
        Config::load(&options).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// Whether the program takes these arguments.
fn taken(words: &[String], place: &str) {
    let with_name = std::iter::once("suishoupai").chain(words.iter().map(String::as_str));
    if let Err(error) = Arguments::try_parse_from(with_name) {
        assert!(
            matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion),
            "{place}: {error}"
        );
    }
}

#[test]
fn every_command_of_the_deployment_is_one_of_the_program() {
    let mut count = 0;
    for (file, text) in files() {
        for line in text.lines().map(str::trim) {
            let list = ["CMD ", "args: ", "command: "].iter().find_map(|mark| line.strip_prefix(mark));
            let words: Option<Vec<String>> = match (list, line.strip_prefix("ExecStart=")) {
                (Some(list), _) => serde_json::from_str(list).ok(),
                (None, Some(command)) => Some(command.split(' ').map(str::to_owned).collect()),
                _ => None,
            };
            let Some(mut words) = words else { continue };
            let first = words[0].rsplit('/').next().unwrap().to_owned();
            if first == "suishoupai" {
                words.remove(0);
            } else if ["mc", "caddy", "server", "CMD-SHELL"].contains(&first.as_str()) {
                continue;
            }
            taken(&words, &format!("{file}: {line}"));
            count += 1;
        }
    }
    assert!(count >= 7, "{count} commands");
}

#[test]
fn every_command_of_the_chapter_is_one_of_the_program() {
    let text = chapter();
    let commands: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("suishoupai ")).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let command = command.split(" #").next().unwrap_or_default();
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        taken(&words, command);
    }
    for (name, _) in settings(&text) {
        let key = name.trim_start_matches("SUISHOUPAI_").to_lowercase().replace("__", ".");
        assert!(
            crate::config::KEYS.iter().flat_map(|keys| keys.iter()).any(|known| known.path() == key),
            "{name}"
        );
    }
}

#[test]
fn the_table_of_metrics_names_exactly_what_is_told() {
    let metrics = crate::metrics::Metrics::new(&Default::default(), &Default::default());
    // Families without a sample are left out of the text.
    metrics.answered(&actix_web::http::Method::GET, None, 200, std::time::Duration::ZERO);
    metrics.job("render_photo", crate::metrics::JobOutcome::Done, std::time::Instant::now());
    metrics.photo_refused("photo_empty");
    metrics.photo_rendered(true, std::time::Instant::now());
    let told = metrics.text().unwrap();
    let mut told: BTreeSet<&str> =
        told.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    // These need a database and a store.
    told.extend([
        "suishoupai_counted_timestamp_seconds",
        "suishoupai_db_work_seconds",
        "suishoupai_store_request_seconds",
    ]);
    let text = chapter();
    let table = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: BTreeSet<&str> = table
        .filter(|name| {
            !name.contains(' ') && (name.starts_with("suishoupai_") || name.starts_with("process_"))
        })
        .collect();
    assert_eq!(named, told);
}

/// The documents of a YAML file.
fn documents(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(top().join(path)).unwrap();
    text.split("\n---\n")
        .map(|part| yaml_serde::from_str(part).unwrap_or_else(|error| panic!("{path}: {error}")))
        .collect()
}

#[test]
fn the_parts_of_the_kubernetes_example_fit_together() {
    let all = documents("deploy/kubernetes/server.yaml");
    let of = |kind: &str| all.iter().find(|one| one["kind"] == kind).unwrap();
    let (deployment, service, budget) = (of("Deployment"), of("Service"), of("PodDisruptionBudget"));
    let pod = &deployment["spec"]["template"];
    let labels = &pod["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    let container = &pod["spec"]["containers"][0];
    let names: Vec<&str> =
        container["ports"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert!(names.contains(&container[probe]["httpGet"]["port"].as_str().unwrap()), "{probe}");
    }
    assert!(names.contains(&service["spec"]["ports"][0]["targetPort"].as_str().unwrap()));
    let config = &documents("deploy/kubernetes/config.yaml")[0];
    let secret = &documents("deploy/kubernetes/secret.example.yaml")[0];
    let job = &documents("deploy/kubernetes/migrate.yaml")[0];
    for from in [container, &job["spec"]["template"]["spec"]["containers"][0]] {
        assert_eq!(from["envFrom"][0]["configMapRef"]["name"], config["metadata"]["name"]);
        assert_eq!(from["envFrom"][1]["secretRef"]["name"], secret["metadata"]["name"]);
        assert_eq!(from["image"], container["image"], "one version of the program");
    }
    // The pause before the stop and the drain fit into the time that is granted.
    let drain: u64 = config["data"]["SUISHOUPAI_HTTP__DRAIN_SECONDS"].as_str().unwrap().parse().unwrap();
    let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
    let lead = Config::default().http.drain_lead_seconds;
    assert!(pause + lead + drain < pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap());
    documents("deploy/compose.yaml");
}
