//! The codec's goals, and all that they are measured by, in one table each. `./dev bench` runs it with everything.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a program")]

use std::fs;
use std::process::ExitCode;

use benches::codec::contenders::{Case, cases};
use benches::codec::goals::{Goal, Measured, Run};
use benches::codec::peers::Peers;
use benches::stopwatch::race;
use comfy_table::{CellAlignment, Table, presets};

const USAGE: &str = "usage: codec_goals [--python INTERPRETER] [--fuzzing FILE]
  --python   one that has the packages of benches/python/requirements.txt; its libraries are timed before and after ours
  --fuzzing  what `./dev fuzz all` left";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("codec_goals: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (mut python, mut fuzzing) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--python", Some(interpreter)) => python = Some(interpreter),
            ("--fuzzing", Some(file)) => {
                let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
                fuzzing = Some(text);
            }
            _ => return Err(format!("not understood: {argument}\n{USAGE}")),
        }
    }
    let mut cases = cases();
    let peers = |cases: &[Case]| python.as_deref().map(|python| Peers::measure(python, cases)).transpose();
    let before = peers(&cases)?;
    let measured: Vec<Measured> = cases.iter_mut().flat_map(measure).collect();
    let after = peers(&cases)?;

    println!("{}\nns: for one run, the lower quartile of many. x: above 1 is slower than ours.\n", times(&measured));
    if let Some(peers) = &before {
        println!("Beside, on the same bytes: {}.\n", peers.versions());
    }
    let peers: Vec<Peers> = before.into_iter().chain(after).collect();
    println!("{}", verdicts(&Run(&measured).goals(&peers, fuzzing.as_deref())));
    Ok(())
}

fn measure(case: &mut Case) -> Vec<Measured> {
    let (name, bytes) = (case.name, case.bytes.len());
    let one = |operation: &mut benches::codec::contenders::Operation| {
        let times = race(&mut operation.contenders);
        let measured = operation.contenders.iter_mut().zip(times).map(|(contender, time)| Measured {
            case: name,
            bytes,
            operation: operation.name,
            contender: contender.name,
            time,
            allocations: allocation_counter::measure(|| contender.run(1)).count_total,
        });
        measured.collect::<Vec<_>>()
    };
    case.operations.iter_mut().flat_map(one).collect()
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(head);
    table
}

fn times(measured: &[Measured]) -> Table {
    let mut table = table(&["sample", "bytes", "operation", "who", "ns", "x", "allocations"]);
    let mut ours = f64::NAN;
    let mut before = ("", "");
    for one in measured {
        if before != (one.case, one.operation) {
            ours = one.time;
        }
        table.add_row([
            if before.0 == one.case { String::new() } else { one.case.to_owned() },
            if before.0 == one.case { String::new() } else { one.bytes.to_string() },
            if before == (one.case, one.operation) { String::new() } else { one.operation.to_owned() },
            one.contender.to_owned(),
            format!("{:.1}", one.time),
            format!("{:.2}", one.time / ours),
            one.allocations.to_string(),
        ]);
        before = (one.case, one.operation);
    }
    for column in [1, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn verdicts(goals: &[Goal]) -> Table {
    let mut table = table(&["goal", "target", "figure", "met"]);
    for goal in goals {
        let met = match goal.is_met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        table.add_row([&goal.what, &goal.target, &goal.figure, met]);
    }
    table
}
