//! The process's environment, read once.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A copy of the environment as it was at the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// Apart, since folders may have names that are no text.
    path: OsString,
}

impl Environment {
    pub(crate) fn from_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            if name == "PATH" {
                environment.path.clone_from(&value);
            }
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.variables.insert(name, value);
            }
        }
        environment
    }

    /// The variable, unless it is missing or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Names of the variables that are settings.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str).filter(|name| service::Source::takes(name))
    }

    /// The first of `names` that is a program on the search path; all folders are asked for the first name first.
    pub(crate) fn find_program(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().find_map(|name| {
            std::env::split_paths(&self.path).map(|folder| folder.join(name)).find(|path| is_program(path))
        })
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
impl Environment {
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let variables: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let path = variables.get("PATH").map(OsString::from).unwrap_or_default();
        Self { variables, path }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::Environment;

    #[test]
    fn a_program_is_found_by_preference_and_only_when_it_can_run() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(first.path().join("redis-server"), "no program").unwrap();
        let program = second.path().join("valkey-server");
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", first.path().display(), second.path().display());
        let environment = Environment::of(&[("PATH", &path)]);
        assert_eq!(environment.find_program(&["redis-server", "valkey-server"]), Some(program));
        assert_eq!(environment.find_program(&["redis-server"]), None);
    }

    #[test]
    fn an_empty_variable_is_none() {
        assert_eq!(Environment::of(&[("SG_REDIS_URL", "")]).get("SG_REDIS_URL"), None);
    }
}
