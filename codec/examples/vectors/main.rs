//! Writes the files of `codec/vectors` that come from the code. `./dev vectors` runs it, and then the scripts of the
//! other languages.
//!
//! `cases.json` and `schema.json` are for every language. The schema is held against the kept one first: if it broke
//! the rule of `docs/wire.md`, nothing is written. `kept.json` has the vectors of all schemas so far, and only grows.
#![expect(clippy::unwrap_used, reason = "a generator that cannot go on says so at once")]
#![expect(clippy::print_stderr, reason = "its user reads what was added")]

mod cases;
mod kept;
mod rule;
mod snapshot;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use snapshot::Schema;

fn main() -> io::Result<ExitCode> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    // Only a file that is not there is made anew: one that cannot be read is not overwritten.
    let read = |name: &str, instead: String| match fs::read_to_string(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(instead),
        read => read,
    };

    let today = Schema::today();
    let schema: Schema = serde_json::from_str(&read("schema.json", today.file())?)?;
    match rule::grown(&schema, &today) {
        Ok((grown, added)) => {
            added.iter().for_each(|line| eprintln!("schema.json: {line}"));
            fs::write(folder.join("schema.json"), grown.file())?;
        }
        Err(broken) => {
            broken.iter().for_each(|line| eprintln!("{line}"));
            eprintln!("See \"How it may change\" in docs/wire.md. Nothing was written.");
            return Ok(ExitCode::FAILURE);
        }
    }

    let cases = cases::cases();
    let file = cases::file(&cases);
    let kept = kept::grown(&read("kept.json", "[]".to_owned())?, &file);
    fs::write(folder.join("kept.json"), kept)?;
    fs::write(folder.join("cases.json"), file)?;
    eprintln!("{} cases", cases.len());
    Ok(ExitCode::SUCCESS)
}
