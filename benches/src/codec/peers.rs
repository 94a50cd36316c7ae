//! What libraries of other languages took for the same bytes, as `benches/python/compare.py` tells it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::contenders::Case;
use super::contenders::names::ENCODE;

/// Their times.
#[derive(Debug, Deserialize)]
pub struct Peers {
    versions: BTreeMap<String, String>,
    cases: Vec<Timed>,
}

#[derive(Debug, Deserialize)]
struct Timed {
    name: String,
    #[serde(flatten)]
    libraries: BTreeMap<String, Entry>,
}

/// A library's times, or what else is said about a case.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Times { decode_ns: f64, encode_ns: f64 },
    Other(serde::de::IgnoredAny),
}

impl Peers {
    /// Has `python`, an interpreter that has the libraries, take its times.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub fn measure(python: &str, cases: &[Case]) -> Result<Self, String> {
        let told = |case: &Case| {
            let hex: String = case.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({ "name": case.name, "bytes": hex })
        };
        let cases = serde_json::Value::from(cases.iter().map(told).collect::<Vec<_>>());
        let mut file = tempfile::NamedTempFile::new().map_err(|error| format!("cannot make a file: {error}"))?;
        write!(file, "{cases}").map_err(|error| format!("cannot write {}: {error}", file.path().display()))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/compare.py");
        let output = Command::new(python).arg(&script).arg(file.path()).output();
        let output = output.map_err(|error| format!("cannot run {python}: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "{python} {} failed; are the packages of its requirements.txt installed?\n{said}",
                script.display()
            ));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{} answers otherwise: {error}", script.display()))
    }

    /// Of the language and its libraries.
    #[must_use]
    pub fn versions(&self) -> String {
        self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }

    /// Nanoseconds that `library` took for `operation` on `case`.
    #[must_use]
    pub fn time(&self, case: &str, operation: &str, library: &str) -> Option<f64> {
        let case = self.cases.iter().find(|one| one.name == case)?;
        match case.libraries.get(library)? {
            Entry::Times { encode_ns, .. } if operation == ENCODE => Some(*encode_ns),
            Entry::Times { decode_ns, .. } => Some(*decode_ns),
            Entry::Other(_) => None,
        }
    }
}
