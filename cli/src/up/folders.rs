//! Where `up` keeps what it keeps: conversations, and sockets.

use std::{
    fs::DirBuilder,
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Refusal, environment::Environment};

/// The longest path of a unix socket that the kernel takes, without the closing zero.
const SOCKET_PATH_MAX: usize = 107;
/// The longest name of a socket that is put into a folder.
const SOCKET_NAME_MAX: usize = "/redis.sock".len();
/// Where sockets lie in a data folder.
const SOCKETS: &str = "run";
/// Only its owner may look into it: it holds people's conversations, and a server without a password.
const PRIVATE: u32 = 0o700;

/// The folder for data: `named`, or the user's own, made when it is missing.
pub(super) fn data(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, Refusal> {
    let path = named.map(Path::to_owned).or_else(|| usual(environment));
    let path = path.ok_or_else(|| {
        Refusal::configuration("there is no home folder to keep the data in; name a folder with --data-dir")
    })?;
    let refuse = |error: io::Error| {
        let path = path.display();
        Refusal::configuration(format!(
            "the data folder {path} cannot be used: {error}; name another one with --data-dir"
        ))
    };
    let path = std::path::absolute(&path).map_err(refuse)?;
    private(&path).and_then(|()| private(&path.join("redis"))).map_err(refuse)?;
    Ok(path)
}

/// The address of the private Redis of a run on the folder `named`, or on the user's own, if there is one.
pub(crate) fn private_redis(named: Option<&Path>, environment: &Environment) -> Option<String> {
    let data = std::path::absolute(named.map(Path::to_owned).or_else(|| usual(environment))?).ok()?;
    let socket = data.join(SOCKETS).join("redis.sock");
    // It stays behind when a server is killed, so whether it answers is for the connection to tell.
    socket.exists().then(|| format!("unix://{}", socket.display()))
}

/// Where the desktops' base directory rules say that a user's data belong. A relative path there is to be ignored.
fn usual(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("stargazer"))
}

/// A private folder for sockets.
#[derive(Debug)]
pub(super) enum Sockets {
    /// In the data folder.
    Kept(PathBuf),
    /// Of this run alone.
    Temporary(TempDir),
}

impl Sockets {
    /// In the data folder when the kernel takes paths that long, else in a temporary one.
    pub(super) fn new(data: Option<&Path>) -> Result<Self, Refusal> {
        if let Some(path) = data.map(|data| data.join(SOCKETS)).filter(|path| has_room(path)) {
            private(&path)
                .map_err(|error| Refusal::configuration(format!("{} cannot be used: {error}", path.display())))?;
            return Ok(Self::Kept(path));
        }
        let folder =
            tempfile::Builder::new().prefix("stargazer-").permissions(PermissionsExt::from_mode(PRIVATE)).tempdir();
        let folder = folder.map_err(|error| {
            Refusal::configuration(format!("no temporary folder: {error}; name another place with TMPDIR"))
        })?;
        if !has_room(folder.path()) {
            let path = folder.path().display();
            let message =
                format!("{path} is too long a path for sockets; name a shorter place with TMPDIR or --data-dir");
            return Err(Refusal::configuration(message));
        }
        Ok(Self::Temporary(folder))
    }

    /// The path of a socket there.
    pub(super) fn socket(&self, name: &str) -> PathBuf {
        match self {
            Self::Kept(path) => path.join(name),
            Self::Temporary(folder) => folder.path().join(name),
        }
    }
}

fn has_room(folder: &Path) -> bool {
    folder.as_os_str().as_bytes().len() + SOCKET_NAME_MAX <= SOCKET_PATH_MAX
}

/// Makes a folder private, whether it was there or not.
fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(PRIVATE))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::Path};

    use super::{Environment, Sockets, data, usual};

    #[test]
    fn the_usual_place_is_the_users_own() {
        let of = |variables: &[(&str, &str)]| usual(&Environment::of(variables));
        let home = ("HOME", "/u");
        assert_eq!(of(&[home]).as_deref(), Some(Path::new("/u/.local/share/stargazer")));
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "/d")]).as_deref(), Some(Path::new("/d/stargazer")));
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "d")]).as_deref(), Some(Path::new("/u/.local/share/stargazer")));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn folders_are_private() {
        let place = tempfile::tempdir().unwrap();
        let path = data(Some(&place.path().join("a/b")), &Environment::default()).unwrap();
        let sockets = Sockets::new(Some(&path)).unwrap();
        for folder in [path.clone(), path.join("redis"), sockets.socket("x").parent().unwrap().to_owned()] {
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
        assert_eq!(sockets.socket("redis.sock"), path.join("run/redis.sock"));
    }

    #[test]
    fn sockets_move_out_of_a_folder_with_a_long_path() {
        let place = tempfile::tempdir().unwrap();
        let path = data(Some(&place.path().join("x".repeat(80))), &Environment::default()).unwrap();
        let socket = Sockets::new(Some(&path)).unwrap().socket("redis.sock");
        assert!(!socket.starts_with(&path) && socket.as_os_str().len() < 107, "{}", socket.display());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = data(Some(&file.path().join("x")), &Environment::default()).unwrap_err();
        assert!(refusal.lines[0].contains("cannot be used") && refusal.lines[0].contains("--data-dir"), "{refusal:?}");
    }
}
