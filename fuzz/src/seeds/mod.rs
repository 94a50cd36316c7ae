//! Where a run begins: a few dozen small inputs and a dictionary, made from what the code writes.
//!
//! They lie in `seeds/<target>/`, not in `corpus/`: there cargo-fuzz puts what it finds, thousands of files that git
//! ignores. `cargo run --bin seeds` writes them anew, `-- --check` compares. Files of other names are left alone: inputs
//! that once crashed a target are kept beside these.

mod dictionary;
mod edges;
mod envelopes;
mod replies;
mod texts;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file of this package that is made from the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Path from the package's folder.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Name and bytes of inputs for one target.
type Inputs = Vec<(String, Vec<u8>)>;

/// Every seed, and the dictionary.
///
/// # Errors
/// No redis-server could be started, or it did not answer.
pub fn all() -> io::Result<Vec<Made>> {
    let targets = [
        ("inbound", envelopes::inbound()),
        ("outbound", envelopes::outbound()),
        ("preview", envelopes::preview()),
        ("reply", replies::all()?),
        ("split", texts::all()),
    ];
    let mut made = vec![Made { path: "wire.dict".into(), bytes: dictionary::text().into_bytes() }];
    for (target, inputs) in targets {
        let folder = Path::new("seeds").join(target);
        made.extend(inputs.into_iter().map(|(name, bytes)| Made { path: folder.join(name), bytes }));
    }
    Ok(made)
}

/// The folder of this package.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Made {
    /// Whether the file in the tree holds this.
    #[must_use]
    pub fn is_there(&self) -> bool {
        fs::read(folder().join(&self.path)).is_ok_and(|bytes| bytes == self.bytes)
    }

    /// Writes it into the tree.
    ///
    /// # Errors
    /// As of the file system.
    pub fn write(&self) -> io::Result<()> {
        let path = folder().join(&self.path);
        fs::create_dir_all(path.parent().unwrap_or(folder()))?;
        fs::write(path, &self.bytes)
    }
}
