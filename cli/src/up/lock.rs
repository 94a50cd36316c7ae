//! One `up` for one data folder.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    time::SystemTime,
};

use rustix::{fs::FlockOperation, io::Errno};

use crate::Refusal;

/// The data folder is ours while this lives. The kernel takes the lock back however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, or says who has it.
    pub(super) fn take(data: &Path) -> Result<Self, Refusal> {
        let path = data.join("lock");
        let refuse = |error: io::Error| Refusal::configuration(format!("{} cannot be locked: {error}", path.display()));
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(refuse)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(held(data, &mut file)),
            Err(error) => return Err(refuse(error.into())),
        }
        let since = humantime::format_rfc3339_seconds(SystemTime::now());
        let words = format!("{} {since}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(words.as_bytes())).map_err(refuse)?;
        Ok(Self { _file: file })
    }
}

fn held(data: &Path, file: &mut File) -> Refusal {
    let mut words = String::new();
    // Who holds it is a courtesy; that it is held is sure.
    let _ = file.read_to_string(&mut words);
    let who = match words.split_whitespace().collect::<Vec<_>>()[..] {
        [pid, since] => format!("the `stargazer up` with process id {pid}, running since {since}"),
        _ => "another `stargazer up`".to_owned(),
    };
    let message = format!("{} is held by {who}; stop that one, or name another folder with --data-dir", data.display());
    Refusal::configuration(message)
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let data = tempfile::tempdir().unwrap();
        let first = Lock::take(data.path()).unwrap();
        let refusal = Lock::take(data.path()).unwrap_err();
        let expected =
            format!("is held by the `stargazer up` with process id {}, running since 20", std::process::id());
        assert!(refusal.lines[0].contains(&expected), "{refusal:?}");
        drop(first);
        Lock::take(data.path()).unwrap();
    }

    #[test]
    fn an_older_and_longer_note_leaves_nothing_behind() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("lock"), "x".repeat(200)).unwrap();
        let _held = Lock::take(data.path()).unwrap();
        assert!(!std::fs::read_to_string(data.path().join("lock")).unwrap().contains('x'));
    }
}
