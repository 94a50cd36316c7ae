//! Writes the seeds and the dictionary, or with `--check` says which of them are not what the code makes.

use std::{env, io, process::ExitCode};

use fuzz::seeds;

fn main() -> io::Result<ExitCode> {
    let made = seeds::all()?;
    if env::args().nth(1).as_deref() != Some("--check") {
        for file in &made {
            file.write()?;
        }
        println!("{} files written", made.len());
        return Ok(ExitCode::SUCCESS);
    }
    let stale: Vec<_> = made.iter().filter(|file| !file.is_there()).collect();
    for file in &stale {
        eprintln!("fuzz/{} is not what the code makes of it", file.path.display());
    }
    if stale.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("write them anew: cargo run --manifest-path fuzz/Cargo.toml --no-default-features --bin seeds");
    Ok(ExitCode::FAILURE)
}
