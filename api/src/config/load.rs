//! Reads the layers of the settings, and turns what is wrong in them into errors that name the key.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use config::{FileFormat, Map, Source, Value, ValueKind};
use serde::Deserialize as _;

use super::table::{KEYS, Kind, find};
use super::{Config, ConfigError};

/// Variables with this prefix are settings: `SUISHOUPAI_HTTP__LISTEN` is `http.listen`.
const PREFIX: &str = "SUISHOUPAI_";
/// The name of the file where none is given.
const FILE_NAME: &str = "suishoupai.toml";
/// A longer file is not a configuration.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where to look for settings.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The file given by `--config`; it must exist.
    pub file: Option<PathBuf>,
    /// The folder in which `suishoupai.toml` is looked for; empty is the working directory.
    pub working_dir: PathBuf,
    /// The data directory given on the command line.
    pub data_dir: Option<PathBuf>,
    /// The address to listen on given on the command line.
    pub listen: Option<String>,
    /// The environment; only names that begin with `SUISHOUPAI_` are looked at.
    pub environment: Vec<(OsString, OsString)>,
}

impl LoadOptions {
    /// The environment and the working directory of this process, without any option.
    pub fn from_process() -> Self {
        Self { environment: std::env::vars_os().collect(), ..Self::default() }
    }
}

/// Values that name where each was written: variables, or options of the command line.
#[derive(Clone, Debug, Default)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

pub(super) fn load(options: &LoadOptions) -> Result<Config, ConfigError> {
    let environment = environment(&options.environment)?;
    let command_line = command_line(options)?;
    let file = find_file(options, &environment)?;
    let mut builder = config::Config::builder();
    if let Some((path, text)) = &file {
        // Parsed alone first, so that an error of syntax can only be about this file.
        toml::from_str::<toml::Table>(text)
            .map_err(|error| ConfigError::BadFile { path: path.clone(), problem: syntax(&error, text) })?;
        builder = builder.add_source(config::File::from_str(text, FileFormat::Toml));
    }
    let file_origin = file.map_or_else(|| "default".to_owned(), |(path, _)| path.display().to_string());
    let merged = builder.add_source(environment).add_source(command_line).build().map_err(|error| {
        ConfigError::BadValue {
            key: "settings".to_owned(),
            origin: file_origin.clone(),
            problem: error.to_string(),
        }
    })?;
    let config = typed(merged.cache, &file_origin)?;
    config.validate()?;
    Ok(config)
}

/// What is wrong and where. The library's own text would quote the line, and so perhaps a password.
fn syntax(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

/// The variables of the environment that are settings, by key.
fn environment(variables: &[(OsString, OsString)]) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let key = rest.to_ascii_lowercase().replace("__", ".");
        let origin = format!("environment variable {name}");
        if find(&key).is_none() {
            return Err(unknown(key, origin));
        }
        let Some(value) = value.to_str() else {
            return Err(ConfigError::BadValue { key, origin, problem: "is not UTF-8".to_owned() });
        };
        layer.0.insert(key, Value::new(Some(&origin), value));
    }
    Ok(layer)
}

fn command_line(options: &LoadOptions) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    if let Some(dir) = &options.data_dir {
        let origin = "command line".to_owned();
        let Some(dir) = dir.to_str() else {
            return Err(ConfigError::BadValue {
                key: "data.dir".to_owned(),
                origin,
                problem: "is not UTF-8".into(),
            });
        };
        layer.0.insert("data.dir".to_owned(), Value::new(Some(&origin), dir));
    }
    if let Some(listen) = &options.listen {
        layer
            .0
            .insert("http.listen".to_owned(), Value::new(Some(&"command line".to_owned()), listen.as_str()));
    }
    Ok(layer)
}

/// The configuration file and its text, if there is one.
fn find_file(options: &LoadOptions, environment: &Layer) -> Result<Option<(PathBuf, String)>, ConfigError> {
    if let Some(path) = &options.file {
        return match read(path)? {
            Some(text) => Ok(Some((path.clone(), text))),
            None => {
                let source = std::io::Error::from(ErrorKind::NotFound);
                Err(ConfigError::Unreadable { path: path.clone(), source })
            }
        };
    }
    let set =
        environment.0.get("data.dir").and_then(|value| value.clone().into_string().ok()).map(PathBuf::from);
    let data_dir = options.data_dir.clone().or(set).unwrap_or_else(|| Config::default().data.dir);
    for folder in [options.working_dir.clone(), options.working_dir.join(data_dir)] {
        let path = folder.join(FILE_NAME);
        if let Some(text) = read(&path)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// The text of a file, or `None` if there is no such file.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let bad = |problem: &str| ConfigError::BadFile { path: path.to_owned(), problem: problem.to_owned() };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(bad("longer than 1 MiB"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| bad("not UTF-8"))
}

/// Gives each merged value the kind that the table asks for, and builds the settings.
///
/// The `config` crate would round 8.6 to 8 and read `yes` as 1; here a value of another kind is an error.
fn typed(merged: Value, file: &str) -> Result<Config, ConfigError> {
    let origin_of = |value: &Value| value.origin().unwrap_or(file).to_owned();
    let ValueKind::Table(sections) = merged.kind else { return Ok(Config::default()) };
    let mut tables: BTreeMap<String, toml::Table> = BTreeMap::new();
    let mut origins = BTreeMap::new();
    for (section, values) in sections {
        let origin = origin_of(&values);
        if !KEYS.iter().any(|keys| keys.iter().any(|key| key.section == section)) {
            return Err(unknown(section, origin));
        }
        let ValueKind::Table(values) = values.kind else {
            let problem = format!("is a section; write [{section}] and its keys below it");
            return Err(ConfigError::BadValue { key: section, origin, problem });
        };
        for (name, value) in values {
            let (path, origin) = (format!("{section}.{name}"), origin_of(&value));
            let Some(key) = find(&path) else { return Err(unknown(path, origin)) };
            let value = convert(value, key.kind).map_err(|problem| ConfigError::BadValue {
                key: path.clone(),
                origin: origin.clone(),
                problem,
            })?;
            tables.entry(section.clone()).or_default().insert(name, value);
            origins.insert(path, origin);
        }
    }
    build(tables, origins)
}

fn build(
    tables: BTreeMap<String, toml::Table>,
    origins: BTreeMap<String, String>,
) -> Result<Config, ConfigError> {
    let table: toml::Table =
        tables.into_iter().map(|(name, table)| (name, toml::Value::Table(table))).collect();
    let mut track = serde_path_to_error::Track::new();
    let parsed = Config::deserialize(serde_path_to_error::Deserializer::new(table, &mut track));
    match parsed {
        Ok(config) => Ok(Config { origins, ..config }),
        Err(error) => {
            let key = track.path().to_string();
            let origin = origins.get(&key).cloned().unwrap_or_default();
            Err(ConfigError::BadValue { key, origin, problem: error.to_string().trim().to_owned() })
        }
    }
}

/// The value as the kind that its key takes; a text from the environment is read as that kind.
fn convert(value: Value, kind: Kind) -> Result<toml::Value, String> {
    let wanted = format!("must be {}", kind.in_words());
    let parsed = match (kind, value.kind) {
        (Kind::Integer, ValueKind::I64(whole)) => Some(toml::Value::Integer(whole)),
        (Kind::Integer, ValueKind::String(text)) => text.parse().ok().map(toml::Value::Integer),
        (Kind::Number, ValueKind::I64(whole)) => Some(toml::Value::Float(whole as f64)),
        (Kind::Number, ValueKind::Float(float)) => Some(toml::Value::Float(float)),
        (Kind::Number, ValueKind::String(text)) => text.parse().ok().map(toml::Value::Float),
        (Kind::Boolean, ValueKind::Boolean(flag)) => Some(toml::Value::Boolean(flag)),
        (Kind::Boolean, ValueKind::String(text)) => text.parse().ok().map(toml::Value::Boolean),
        (Kind::Text | Kind::Secret, ValueKind::String(text)) => Some(toml::Value::String(text)),
        _ => None,
    };
    // A negative number would be refused by its unsigned type with a text for programmers.
    if parsed.as_ref().and_then(toml::Value::as_integer).is_some_and(|whole| whole < 0) {
        return Err("must not be negative".to_owned());
    }
    parsed.ok_or(wanted)
}

fn unknown(key: String, origin: String) -> ConfigError {
    let section = key.split('.').next().unwrap_or_default();
    let names = |keys: &[super::Key]| keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
    let hint = match KEYS.iter().find(|keys| keys.iter().any(|known| known.section == section)) {
        Some(keys) => format!("{section} has {}", names(keys)),
        None => {
            let sections: Vec<_> =
                KEYS.iter().filter_map(|keys| keys.first()).map(|key| key.section).collect();
            format!("the sections are {}; variables are named {PREFIX}SECTION__KEY", sections.join(", "))
        }
    };
    ConfigError::UnknownKey { key, origin, hint }
}
