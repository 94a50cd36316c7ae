//! Times every input that was found and every seed, and fails where one is far slower than the others of its target.
//!
//! To be built without sanitizer, whose own work is what would be timed. Targets are named by arguments; none means all.

use std::{env, io, process::ExitCode};

use fuzz::{TARGETS, seeds, speed};

/// How much slower than the median an input may be, by its size.
const RATIO_MAX: f64 = 10.0;

fn main() -> io::Result<ExitCode> {
    let asked: Vec<String> = env::args().skip(1).collect();
    let mut is_well = true;
    println!("{:<9} {:>7} {:>13} {:>13} {:>6}  slowest", "target", "inputs", "median ns/B", "worst ns/B", "ratio");
    for target in TARGETS.iter().filter(|target| asked.is_empty() || asked.iter().any(|name| name == *target)) {
        let folders = ["corpus", "seeds"].map(|kind| seeds::folder().join(kind).join(target));
        let Some(speed) = speed::of(target, &folders)? else {
            println!("{target:<9} {:>7}", 0);
            continue;
        };
        let slowest = speed.slowest.strip_prefix(seeds::folder()).unwrap_or(&speed.slowest).display();
        println!(
            "{target:<9} {:>7} {:>13.3} {:>13.3} {:>6.1}  fuzz/{slowest}",
            speed.inputs,
            speed.median,
            speed.worst,
            speed.ratio()
        );
        is_well &= speed.ratio() <= RATIO_MAX;
    }
    if is_well {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "an input takes more than {RATIO_MAX} times as long as the median of its target, by its size; CONTRIBUTING.md says what \
         to do with one. (If all of a kind got slow: does a new dependency lack in the list of fuzz/Cargo.toml?)"
    );
    Ok(ExitCode::FAILURE)
}
