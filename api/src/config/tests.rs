//! The layers in their order, and one row for each kind of mistake.

use std::path::Path;

use super::*;

const GOOD_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn with_file(dir: &Path, text: &str) -> LoadOptions {
    std::fs::write(dir.join("suishoupai.toml"), text).unwrap();
    LoadOptions { working_dir: dir.to_owned(), ..LoadOptions::default() }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn error_of(text: &str, pairs: &[(&str, &str)]) -> String {
    let dir = folder();
    let options = LoadOptions { environment: variables(pairs), ..with_file(dir.path(), text) };
    Config::load(&options).expect_err(text).to_string()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let dir = folder();
    let options = LoadOptions { working_dir: dir.path().to_owned(), ..LoadOptions::default() };
    let config = Config::load(&options).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.data.database().unwrap(), DatabaseUrl::Sqlite("suishoupai-data/suishoupai.db".into()));
}

#[test]
fn each_layer_overrides_the_one_below() {
    let dir = folder();
    let file = "[http]\nlisten = \"10.0.0.1:1\"\ndrain_seconds = 1\nworkers = 3\n";
    let options = LoadOptions {
        environment: variables(&[
            ("SUISHOUPAI_HTTP__LISTEN", "10.0.0.2:2"),
            ("SUISHOUPAI_HTTP__DRAIN_SECONDS", "2"),
            ("SUISHOUPAI_REPORTS__REACH_M", "50"),
            ("PATH", "/bin"),
        ]),
        listen: Some("10.0.0.3:3".to_owned()),
        data_dir: Some("elsewhere".into()),
        ..with_file(dir.path(), file)
    };
    let config = Config::load(&options).unwrap();
    assert_eq!(config.http.listen.to_string(), "10.0.0.3:3");
    assert_eq!((config.http.drain_seconds, config.http.workers), (2, 3));
    assert_eq!(config.reports.reach_m, 50.0);
    assert_eq!(config.data.dir, Path::new("elsewhere"));
    assert_eq!(config.origin("http.listen"), Some("command line"));
    assert_eq!(
        config.origin("http.drain_seconds"),
        Some("environment variable SUISHOUPAI_HTTP__DRAIN_SECONDS")
    );
    assert!(config.origin("http.workers").unwrap().ends_with("suishoupai.toml"));
    assert_eq!(config.origin("http.body_limit_bytes"), None);
}

#[test]
fn the_file_is_the_given_one_then_here_then_in_the_data_directory() {
    let dir = folder();
    let data = dir.path().join("d");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("suishoupai.toml"), "[jobs]\nmax_attempts = 1").unwrap();
    std::fs::write(dir.path().join("other.toml"), "[jobs]\nmax_attempts = 3").unwrap();
    let attempts = |options: &LoadOptions| Config::load(options).unwrap().jobs.max_attempts;
    let mut options = LoadOptions {
        working_dir: dir.path().to_owned(),
        environment: variables(&[("SUISHOUPAI_DATA__DIR", "d")]),
        ..LoadOptions::default()
    };
    assert_eq!(attempts(&options), 1);
    std::fs::write(dir.path().join("suishoupai.toml"), "[jobs]\nmax_attempts = 2").unwrap();
    assert_eq!(attempts(&options), 2);
    options.file = Some(dir.path().join("other.toml"));
    assert_eq!(attempts(&options), 3);
    options.file = Some(dir.path().join("absent.toml"));
    assert!(Config::load(&options).unwrap_err().to_string().contains("absent.toml"));
}

#[test]
fn a_mistake_in_the_file_names_its_key_and_the_file() {
    let rows = [
        ("colour = 1", "colour", "the sections are http, data"),
        ("[http]\nlisten_on = 1", "http.listen_on", "http has listen, public_url"),
        ("http = 5", "http", "is a section"),
        ("[http]\nlisten = 8080", "http.listen", "must be text"),
        ("[http]\nlisten = \"localhost\"", "http.listen", "socket address"),
        ("[http]\nworkers = \"many\"", "http.workers", "must be a whole number"),
        ("[http]\nworkers = 2.6", "http.workers", "must be a whole number"),
        ("[http]\nworkers = true", "http.workers", "must be a whole number"),
        ("[http]\nworkers = -1", "http.workers", "must not be negative"),
        ("[http]\nworkers = [1]", "http.workers", "must be a whole number"),
        ("[http]\ntrust_forwarded_for = 1", "http.trust_forwarded_for", "must be true or false"),
        ("[http]\npublic_url = \"example.cn\"", "http.public_url", "http:// or https://"),
        ("[http]\npublic_url = \"https://example.cn/\"", "http.public_url", "without / at the end"),
        ("[data]\ndir = \"\"", "data.dir", "must name a folder"),
        ("[data]\ndatabase_url = \"postgre://u:hunter2@h/d\"", "data.database_url", "sqlite://PATH"),
        ("[data]\ndatabase_url = \"/var/lib/s.db\"", "data.database_url", "sqlite://PATH"),
        ("[data]\ndatabase_url = \"sqlite://\"", "data.database_url", "sqlite://PATH"),
        ("[store]\nkind = \"ftp\"", "store.kind", "folder"),
        ("[store]\nkind = \"s3\"", "store.kind", "s3 needs store.bucket"),
        ("[store]\nsecret_key = \"hunter2\"", "store.secret_key", "needs store.access_key"),
        ("[store]\nendpoint = \"minio:9000\"", "store.endpoint", "http:// or https://"),
        ("[auth]\ncode_sender = \"sms\"", "auth.code_sender", "log"),
        ("[auth]\ntoken_key = \"hunter2\"", "auth.token_key", "32 bytes in base64"),
        ("[auth]\ndata_key = \"AAAA\"", "auth.data_key", "32 bytes in base64"),
        ("[reports]\nreach_m = nan", "reports.reach_m", "0 to 5000"),
        ("[metrics]\nlisten = \"9090\"", "metrics.listen", "socket address"),
        ("[telemetry]\notlp_endpoint = \"collector:4318\"", "telemetry.otlp_endpoint", "http:// or https://"),
        ("[telemetry]\nsample_share = 1.5", "telemetry.sample_share", "0 to 1"),
        ("[log]\nlevel = \"loud=noise\"", "log.level", "info"),
        ("[log]\nformat = \"xml\"", "log.format", "json"),
    ];
    for (file, key, hint) in rows {
        let error = error_of(file, &[]);
        assert!(error.contains(key), "{file}: {error}");
        assert!(error.contains(hint), "{file}: {error}");
        assert!(error.contains("suishoupai.toml"), "{file}: {error}");
        assert!(!error.contains("hunter2"), "a secret is never repeated: {error}");
    }
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let rows = [
        ("SUISHOUPAI_HTTP__LISTNE", "1", "http has listen"),
        ("SUISHOUPAI_LISTEN", "1", "SUISHOUPAI_SECTION__KEY"),
        ("SUISHOUPAI_HTTP", "1", "http has listen"),
        ("SUISHOUPAI_HTTP__WORKERS", "yes", "must be a whole number"),
        ("SUISHOUPAI_HTTP__WORKERS", "", "must be a whole number"),
        ("SUISHOUPAI_HTTP__TRUST_FORWARDED_FOR", "1", "must be true or false"),
        ("SUISHOUPAI_AUTH__CODE_TRIES", "0", "1 to 20"),
    ];
    for (name, value, hint) in rows {
        let error = error_of("", &[(name, value)]);
        assert!(error.contains(name) && error.contains(hint), "{name}: {error}");
    }
}

#[test]
fn a_broken_file_is_named_with_the_line() {
    for text in ["[data]\ndir = ", "[data]\ndatabase_url = \"postgres://u:hunter2@h/d\n", "\n[data"] {
        let error = error_of(text, &[]);
        assert!(error.contains("suishoupai.toml") && error.contains("line 2"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let dir = folder();
    std::fs::write(dir.path().join("suishoupai.toml"), b"[http]\nlisten = \"\xff\"").unwrap();
    let options = LoadOptions { working_dir: dir.path().to_owned(), ..LoadOptions::default() };
    assert!(Config::load(&options).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn every_number_has_a_range_that_is_enforced_at_both_ends() {
    for key in KEYS.iter().flat_map(|keys| keys.iter()) {
        if !matches!(key.kind, Kind::Integer | Kind::Number) {
            continue;
        }
        let (low, high) = key.range.unwrap_or_else(|| panic!("{} has no range", key.path()));
        for (value, good) in [(low - 1.0, false), (low, true), (high, true), (high + 1.0, false)] {
            let dir = folder();
            let options = with_file(dir.path(), &format!("[{}]\n{} = {value}", key.section, key.name));
            let loaded = Config::load(&options);
            assert_eq!(loaded.is_ok(), good, "{} = {value}: {loaded:?}", key.path());
            if let Err(error) = loaded {
                assert!(error.to_string().contains(&key.path()), "{error}");
            }
        }
    }
}

#[test]
fn the_table_names_exactly_the_fields_of_the_structs() {
    let full = Config {
        http: Http {
            public_url: Some("https://a".into()),
            cors_origins: Some("https://a".into()),
            ..Http::default()
        },
        data: Data { database_url: Some(Secret::new("x")), ..Data::default() },
        store: Store {
            bucket: Some("b".into()),
            endpoint: Some("https://a".into()),
            access_key: Some(Secret::new("x")),
            secret_key: Some(Secret::new("x")),
            ..Store::default()
        },
        metrics: Metrics { listen: Some(([127, 0, 0, 1], 9090).into()), ..Metrics::default() },
        telemetry: Telemetry { otlp_endpoint: Some("http://a".into()), ..Telemetry::default() },
        privacy: Privacy { consent_version: Some("1".into()), ..Privacy::default() },
        auth: Auth {
            second_factor_roles: Some("all".into()),
            mini_program_url: Some("https://a".into()),
            mini_program_id: Some("a".into()),
            mini_program_secret: Some(Secret::new("x")),
            oidc_issuer: Some("https://a".into()),
            oidc_client_id: Some("a".into()),
            oidc_client_secret: Some(Secret::new("x")),
            oidc_redirect_url: Some("https://a".into()),
            token_keys_also: Some(Secret::new("x")),
            token_key: Some(Secret::new("x")),
            data_key: Some(Secret::new("x")),
            data_key_file: Some("k".into()),
            evidence_key: Some(Secret::new("x")),
            ..Auth::default()
        },
        videos: Videos { ffmpeg: Some("ffmpeg".into()), ..Videos::default() },
        ..Config::default()
    };
    let written = toml::Table::try_from(&full).unwrap();
    let mut fields: Vec<String> = Vec::new();
    for (section, values) in &written {
        fields.extend(values.as_table().unwrap().keys().map(|name| format!("{section}.{name}")));
    }
    let mut rows: Vec<String> = KEYS.iter().flat_map(|keys| keys.iter()).map(Key::path).collect();
    fields.sort();
    rows.sort();
    assert_eq!(fields, rows);
}

#[test]
fn what_is_printed_hides_secrets_and_loads_again() {
    let dir = folder();
    let file = format!(
        "[data]\ndatabase_url = \"postgres://u:hunter2@h/d\"\ndir = \"a \\\" b\"\n[auth]\ndata_key = \"{GOOD_KEY}\"\n[jobs]\nmax_attempts = 3\n"
    );
    let config = Config::load(&with_file(dir.path(), &file)).unwrap();
    let printed = config.redacted_toml();
    assert!(!printed.contains("hunter2") && !printed.contains(GOOD_KEY), "{printed}");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(printed.contains("max_attempts = 3 # "), "{printed}");
    assert!(printed.contains("poll_milliseconds = 500 # default"), "{printed}");

    let again = Config::load(&with_file(dir.path(), &printed)).unwrap();
    assert_eq!(again.data.dir, config.data.dir);
    assert_eq!((again.http, again.jobs, again.reports), (config.http, config.jobs, config.reports));
}

#[test]
fn a_database_address_tells_its_engine() {
    let rows = [
        ("sqlite:///var/s.db", DatabaseUrl::Sqlite("/var/s.db".into())),
        ("sqlite://s.db", DatabaseUrl::Sqlite("s.db".into())),
        ("postgres://h/d", DatabaseUrl::Postgres(Secret::new("postgres://h/d"))),
        ("postgresql://h/d", DatabaseUrl::Postgres(Secret::new("postgresql://h/d"))),
    ];
    for (url, engine) in rows {
        let data = Data { database_url: Some(Secret::new(url)), ..Data::default() };
        assert_eq!(data.database().unwrap(), engine);
    }
}
