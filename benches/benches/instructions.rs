//! Instructions of the codec's operations, counted by callgrind: the same on a busy machine as on an idle one, so that
//! a regression shows where times would not. Needs valgrind and `gungraun-runner`; `./dev bench instructions` sees to
//! both.
#![expect(unused_qualifications, missing_docs, clippy::disallowed_methods, reason = "made by the macros")]

use std::hint::black_box;

use benches::codec::contenders::{Case, cases, names};
use benches::stopwatch::Contender;
use gungraun::prelude::*;

/// Ours, of a sample and an operation; run once, so that buffers have the room they will have.
fn ours(sample: usize, operation: &str) -> Contender {
    let case: Option<Case> = cases().into_iter().nth(sample);
    let operation = case.and_then(|case| case.operations.into_iter().find(|one| one.name == operation));
    let Some(mut ours) = operation.and_then(|one| one.contenders.into_iter().next()) else {
        unreachable!("the table below names what there is")
    };
    ours.run(1);
    ours
}

#[library_benchmark(setup = ours)]
#[bench::encode_short(0, names::ENCODE)]
#[bench::encode_lists(1, names::ENCODE)]
#[bench::encode_long(2, names::ENCODE)]
#[bench::encode_file(3, names::ENCODE)]
#[bench::peek_short(0, names::PEEK)]
#[bench::peek_lists(1, names::PEEK)]
#[bench::peek_long(2, names::PEEK)]
#[bench::peek_file(3, names::PEEK)]
#[bench::view_short(0, names::VIEW)]
#[bench::view_lists(1, names::VIEW)]
#[bench::view_long(2, names::VIEW)]
#[bench::view_file(3, names::VIEW)]
#[bench::read_short(0, names::READ)]
#[bench::read_lists(1, names::READ)]
#[bench::read_long(2, names::READ)]
#[bench::read_file(3, names::READ)]
#[bench::own_short(0, names::OWN)]
#[bench::own_lists(1, names::OWN)]
#[bench::own_long(2, names::OWN)]
#[bench::own_file(3, names::OWN)]
fn codec(mut ours: Contender) -> Contender {
    black_box(&mut ours).run(1);
    ours
}

library_benchmark_group!(name = instructions, benchmarks = codec);
main!(library_benchmark_groups = instructions);
