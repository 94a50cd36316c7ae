//! The daemons' programs, which stand beside this one.

use std::path::{Path, PathBuf};

use crate::Refusal;

/// The programs that `up` starts.
#[derive(Debug)]
pub(super) struct Siblings {
    /// This program itself.
    pub(super) own: PathBuf,
    pub(super) gateway: PathBuf,
    pub(super) inference: PathBuf,
}

impl Siblings {
    pub(super) fn find() -> Result<Self, Refusal> {
        let own = std::env::current_exe()
            .map_err(|error| Refusal::internal(format!("this program does not know where it is: {error}")))?;
        let folder = own.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        let [gateway, inference] = ["stargazer-gateway", "stargazer-inference"].map(|name| folder.join(name));
        let missing: Vec<_> = [&gateway, &inference].into_iter().filter(|path| !path.is_file()).collect();
        if let Some(first) = missing.first() {
            let rest = if missing.len() > 1 { " (and its sibling)" } else { "" };
            return Err(Refusal::configuration(format!(
                "{}{rest} is not there; build all three programs: cargo build --profile quick -p gateway -p inference -p cli",
                first.display()
            )));
        }
        Ok(Self { own, gateway, inference })
    }
}
