//! Which settings someone wrote, and where. Never their values: some are secrets.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::environment::Environment;

/// What is read when no file is named; `service` has the same name.
const FILE_DEFAULT: &str = "stargazer.toml";
/// Short names of keys of platforms, as `service` has them.
const SHORT: [(&str, &str); 2] =
    [("SG_DISCORD_TOKEN", "platform.discord.token"), ("SG_WEBCHAT_ADDR", "platform.webchat.addr")];

/// The places that settings come from.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The file and the keys in it, when there is one.
    pub(crate) file: Option<(PathBuf, Vec<String>)>,
    /// The environment's variables.
    pub(crate) variables: Vec<String>,
}

impl Written {
    /// Looks where `service` looks. What cannot be read has nothing here; reading the settings reports it.
    pub(crate) fn find(file: Option<&Path>, environment: &Environment) -> Self {
        let path =
            file.or_else(|| environment.get("SG_CONFIG").map(Path::new)).unwrap_or_else(|| Path::new(FILE_DEFAULT));
        let table = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<Table>().ok());
        let file = table.map(|table| {
            let mut keys = Vec::new();
            flatten(&table, "", &mut keys);
            (path.to_owned(), keys)
        });
        Self { file, variables: environment.own_names().map(str::to_owned).collect() }
    }

    /// The platforms of which more is set than whether they are started.
    pub(crate) fn platforms(&self) -> BTreeSet<String> {
        let keys = self.file.iter().flat_map(|(_, keys)| keys.iter().map(String::clone));
        let long = |variable: &String| {
            let key = variable.strip_prefix("SG_")?.to_lowercase().replace("__", ".");
            Some(SHORT.iter().find(|(short, _)| short == variable).map_or(key, |(_, key)| (*key).to_owned()))
        };
        let of = |key: String| {
            let (name, key) = key.strip_prefix("platform.")?.split_once('.')?;
            (key != "enabled").then(|| name.to_owned())
        };
        keys.chain(self.variables.iter().filter_map(long)).filter_map(of).collect()
    }

    /// Whether `section.key` is set, by its long name, by `short`, or by a file that holds it.
    pub(crate) fn sets(&self, key: &str, short: Option<&str>) -> bool {
        let from_file = format!("{key}_file");
        let [long, long_file] = [key, &from_file].map(|key| format!("SG_{}", key.replace('.', "__").to_uppercase()));
        let in_environment =
            |name: &String| *name == long || *name == long_file || short.is_some_and(|short| name == short);
        let in_file = |name: &String| name == key || *name == from_file;
        self.variables.iter().any(in_environment)
            || self.file.as_ref().is_some_and(|(_, keys)| keys.iter().any(in_file))
    }
}

fn flatten(table: &Table, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(inner, &key, keys),
            _ => keys.push(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Written;
    use crate::environment::Environment;

    #[test]
    fn a_key_is_set_by_file_or_by_any_of_its_variables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, "[redis]\nurl_file = \"/run/key\"\n[platform.webchat]\naddr = \"127.0.0.1:0\"\n")
            .unwrap();
        let sets = |file: bool, variable: &str| {
            let environment = Environment::of(&[(variable, "x")]);
            let nowhere = folder.path().join("none.toml");
            Written::find(Some(if file { &path } else { &nowhere }), &environment)
                .sets("redis.url", Some("SG_REDIS_URL"))
        };
        assert!(sets(true, "HOME"));
        for variable in ["SG_REDIS_URL", "SG_REDIS__URL", "SG_REDIS__URL_FILE"] {
            assert!(sets(false, variable), "{variable}");
        }
        assert!(!sets(false, "SG_REDIS__URLS"));
        let written = Written::find(Some(&path), &Environment::default());
        assert!(written.sets("platform.webchat.addr", None) && !written.sets("platform.webchat", None));
    }
}
