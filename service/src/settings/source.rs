//! Where settings come from: the file, over it the environment. Values stay text until a key's type reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::problem::{Problem, nearest};

/// The environment's short names, for what a newcomer sets first.
const SHORT: [(&str, &str); 11] = [
    ("SG_REDIS_URL", "redis.url"),
    ("SG_MODEL_BASE_URL", "model.base_url"),
    ("SG_MODEL_API_KEY", "model.api_key"),
    ("SG_MODEL_NAME", "model.name"),
    ("SG_WEBCHAT_ADDR", "platform.webchat.addr"),
    ("SG_DISCORD_TOKEN", "platform.discord.token"),
    ("SG_HEALTH_PORT", "health.port"),
    ("SG_INBOUND_STREAM", "bus.inbound_stream"),
    ("SG_WORKER_GROUP", "bus.worker_group"),
    ("SG_OUTBOUND_STREAM_PREFIX", "bus.outbound_stream_prefix"),
    ("SG_GATEWAY_GROUP_PREFIX", "bus.gateway_group_prefix"),
];
/// Names the file.
pub(super) const FILE_VARIABLE: &str = "SG_CONFIG";
/// The file that is read when none is named and it is there.
const FILE_DEFAULT: &str = "stargazer.toml";
const OPENROUTER: &str = "OPENROUTER_API_KEY";

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// A scalar, or a variable's text.
    Text(String),
    /// A list in the file.
    List(Vec<String>),
}

/// Everything that was written, by key.
#[derive(Debug, Default)]
pub struct Source {
    /// Key -> value and where it stands.
    values: BTreeMap<String, (Written, String)>,
    /// Keys that a section asked for.
    known: BTreeSet<String>,
    /// A file was read that has something in it.
    has_file: bool,
    openrouter: Option<String>,
    cache: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl Source {
    /// Whether a variable of the environment has the form of a setting's name. Others are somebody else's.
    #[must_use]
    pub fn takes(variable: &str) -> bool {
        variable.strip_prefix("SG_").is_some_and(|key| key.contains("__"))
            || SHORT.iter().any(|(short, _)| *short == variable)
    }

    /// Reads the file that `path`, or else `SG_CONFIG` names, or `stargazer.toml` here when it exists; over it the
    /// environment.
    #[must_use]
    pub fn from_process(path: Option<&Path>) -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::new(path, &environment)
    }

    /// As [`Source::from_process`], from a given environment.
    #[must_use]
    pub fn new(path: Option<&Path>, environment: &BTreeMap<String, String>) -> Self {
        let mut source = Self::default();
        let named = path.map(Path::to_path_buf).or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
        let file = named.clone().unwrap_or_else(|| FILE_DEFAULT.into());
        if named.is_some() || file.exists() {
            source.read_file(&file);
        }
        source.read_environment(environment);
        source
    }

    fn read_file(&mut self, path: &Path) {
        let place = path.display().to_string();
        match std::fs::read_to_string(path) {
            Err(error) => self.problems.push(Problem::new(place, format!("cannot be read: {error}"))),
            Ok(text) => match text.parse::<Table>() {
                // Whoever writes it anew empties it first.
                Ok(table) if table.is_empty() => {}
                Err(error) => self.problems.push(Problem::new(place, error.to_string())),
                Ok(table) => {
                    self.has_file = true;
                    self.flatten(&table, "", &place);
                }
            },
        }
    }

    fn flatten(&mut self, table: &Table, prefix: &str, place: &str) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let written = match value {
                Value::Table(inner) => {
                    self.flatten(inner, &key, place);
                    continue;
                }
                Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
                    for (number, item) in items.iter().enumerate() {
                        item.as_table()
                            .into_iter()
                            .for_each(|item| self.flatten(item, &format!("{key}.{number}"), place));
                    }
                    continue;
                }
                Value::Array(items) => match items.iter().map(scalar).collect::<Option<Vec<_>>>() {
                    Some(items) => Written::List(items),
                    None => {
                        self.problems.push(Problem::new(
                            key,
                            format!("in {place} is a list of something else than plain values"),
                        ));
                        continue;
                    }
                },
                other => Written::Text(scalar(other).unwrap_or_default()),
            };
            self.values.insert(key, (written, place.to_owned()));
        }
    }

    fn read_environment(&mut self, environment: &BTreeMap<String, String>) {
        self.openrouter = environment.get(OPENROUTER).filter(|key| !key.is_empty()).cloned();
        self.cache = cache(environment);
        let mut from_environment: BTreeMap<String, (String, String)> = BTreeMap::new();
        // A variable that is set to nothing is one that is not set, as shells and unit files mean it.
        for (name, value) in environment.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(rest) = name.strip_prefix("SG_") else { continue };
            let key = if let Some((_, key)) = SHORT.iter().find(|(short, _)| short == name) {
                (*key).to_owned()
            } else if rest.contains("__") {
                rest.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".")
            } else {
                let known = SHORT.iter().map(|(short, _)| *short).chain([FILE_VARIABLE]);
                let hint = nearest(name, known);
                if name != FILE_VARIABLE && !hint.is_empty() {
                    self.problems.push(Problem::new(name, format!("is no known variable{hint}")));
                }
                continue;
            };
            match from_environment.get(&key) {
                Some((other, before)) if before != value => self.problems.push(Problem::new(
                    name,
                    format!("and {other} both set `{key}`, to different values; unset one of them"),
                )),
                _ => {
                    from_environment.insert(key, (name.clone(), value.clone()));
                }
            }
        }
        for (key, (name, value)) in from_environment {
            self.values.insert(key, (Written::Text(value), name));
        }
    }

    /// Whether a file was read that has something in it.
    pub(crate) fn has_file(&self) -> bool {
        self.has_file
    }

    /// What was written, by key. Never shown: some of it is secret.
    pub(crate) fn written(&self) -> BTreeMap<String, String> {
        let text = |written: &Written| match written {
            Written::Text(text) => text.clone(),
            Written::List(items) => items.join(","),
        };
        self.values.iter().map(|(key, (written, _))| (key.clone(), text(written))).collect()
    }

    /// What was written for `key`, and where. Marks the key as known.
    pub(super) fn take(&mut self, key: &str) -> Option<(Written, String)> {
        self.known.insert(key.to_owned());
        self.values.remove(key)
    }

    /// The names directly under `prefix` that something was written for.
    pub(super) fn names_under(&self, prefix: &str) -> BTreeSet<String> {
        (self.values.keys())
            .filter_map(|key| key.strip_prefix(prefix)?.strip_prefix('.')?.split('.').next().map(str::to_owned))
            .collect()
    }

    pub(super) fn openrouter_key(&self) -> Option<String> {
        self.openrouter.clone()
    }

    /// The folder for caches, if the environment says of any.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        self.cache.clone()
    }

    pub(super) fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }

    /// What was written but no section asked for.
    pub(super) fn unknown(&self) -> Vec<Problem> {
        (self.values.iter())
            .map(|(key, (_, place))| {
                let hint = nearest(key, self.known.iter().map(String::as_str));
                let place = if place.starts_with("SG_") { place.clone() } else { format!("{key} in {place}") };
                Problem::new(place, format!("`{key}` is no known key{hint}"))
            })
            .collect()
    }
}

/// Where systemd, or else the desktops' base directory rules say that caches belong. A relative path there is to be ignored.
fn cache(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let named = |name: &str| environment.get(name).and_then(|path| absolute(path));
    // Of several, the first.
    let service = environment.get("CACHE_DIRECTORY").and_then(|paths| absolute(paths.split(':').next()?));
    service.or_else(|| {
        let user = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
        Some(user.join("stargazer"))
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
