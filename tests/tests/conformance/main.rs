//! The server of the simulations answers as a real one: the same random commands and scripts on both, every reply compared, over
//! two connections of which now and then one breaks: before a reply, in the middle of a command, between WATCH and EXEC.
//!
//! `SG_SEED` repeats one sequence, `SG_SEEDS` runs so many. Ids that a server made up, and times, are not compared. A sequence
//! that fails is made small, and printed so that it can be kept in `KEPT`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]
#![expect(clippy::panic, reason = "two servers that differ are a fault")]

mod both;
mod commands;
mod sequence;
mod shown;

use std::path::PathBuf;

use both::{Compared, Difference, Real};
use fastrand::Rng;
use sequence::{Step, generate, parse, shrink};
use tests::{RedisServer, Reply};

/// Commands of one sequence.
const STEPS: usize = 300;
const SEEDS: u64 = 40;

/// Sequences that once failed, or that chance seldom makes, each with what it is about.
const KEPT: [(&str, &str); 3] = [
    (
        "what a connection had queued is gone with it, and its watch as well",
        "0: SET fence T
         1: WATCH fence
         1: MULTI
         1: XADD x1 5-0 data a
         1/ EXEC
         0: EXISTS x1
         1: EXEC",
    ),
    (
        "a transaction is done though nobody hears of it",
        "0: SET fence T
         0: XADD x1 5-0 data a
         0: XGROUP CREATE x1 g 0 MKSTREAM
         1: WATCH fence
         1: MULTI
         1: XREADGROUP GROUP g c1 COUNT 1 STREAMS x1 >
         1? EXEC
         0: XPENDING x1 g",
    ),
    (
        "a fence that is written again as it is refuses who watches it",
        "0: SET fence T
         1: WATCH fence
         1: MULTI
         1: GET fence
         0: EVAL @touch 1 fence T
         1: EXEC",
    ),
];

/// Replies of Redis 8 that are not those of Redis 7.0.
const REDIS_8: [Difference; 1] = [Difference {
    reason: "a consumer is made by its first claim or read also where that brings nothing; nobody counts them but drop_idle_consumers.lua",
    hide: |reply| {
        if let Reply::List(parts) = reply
            && let [Reply::Text(name), _, Reply::Text(consumers), count, ..] = &mut parts[..]
            && (name.as_str(), consumers.as_str()) == ("name", "consumers")
        {
            *count = Reply::Nil;
        }
    },
}];

async fn hold_against(real: &Real) {
    #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
    let wish = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = wish("SG_SEED").map_or_else(|| 0..wish("SG_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let seeds_run = seeds.end - seeds.start;
    let mut compared = Compared::default();
    for (name, text) in KEPT {
        if let Err(apart) = real.compare(&parse(text), &mut compared).await {
            panic!("{name}: {apart}");
        }
    }
    for seed in seeds {
        let sequence = generate(&mut Rng::with_seed(seed), STEPS);
        if let Err(apart) = real.compare(&sequence, &mut compared).await {
            let small = shrink(sequence[..=apart.at].to_vec(), async |steps: &[Step]| {
                real.compare(steps, &mut Compared::default()).await.is_err()
            });
            let small = small.await;
            let lines: Vec<_> = small.iter().map(ToString::to_string).collect();
            let apart = real.compare(&small, &mut Compared::default()).await.err().unwrap_or(apart);
            panic!("seed {seed}: {apart}\nafter\n{}", lines.join("\n"));
        }
    }
    let Compared { values, errors, refused, broken, differences } = compared;
    assert!(values > 100 && values > 2 * errors, "too little was compared: {values} values, {errors} errors");
    if seeds_run < SEEDS {
        return;
    }
    assert!(refused > 10 && broken > 100, "too little went wrong: {refused} refused, {broken} broken");
    for (difference, met) in real.differences.iter().zip(differences) {
        assert!(met > 0, "a difference that is never met is none: {}", difference.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_server_answers_as_a_real_one() {
    hold_against(&Real::new(PathBuf::from("redis-server"), &[]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_server_answers_as_redis_8() {
    hold_against(&Real::new(RedisServer::redis_8(), &REDIS_8).await).await;
}

/// What is printed of a failure can be kept.
#[test]
fn a_sequence_is_read_as_it_is_written() {
    for seed in 0..SEEDS {
        let sequence = generate(&mut Rng::with_seed(seed), STEPS);
        let lines: Vec<_> = sequence.iter().map(ToString::to_string).collect();
        assert_eq!(parse(&lines.join("\n")), sequence);
    }
}

/// A failure becomes as small as it can be: here it takes a WATCH and a later EXEC of one connection, which takes a MULTI.
#[tokio::test]
async fn a_failure_is_made_small() {
    let sequence = generate(&mut Rng::with_seed(1), STEPS);
    let is_call = |step: &Step, word: &str| matches!(step, Step::Call(1, command) if command[0] == word);
    let fails = |steps: &[Step]| {
        let watch = steps.iter().position(|step| is_call(step, "WATCH"));
        watch.is_some_and(|at| steps[at..].iter().any(|step| is_call(step, "EXEC")))
    };
    assert!(fails(&sequence), "this seed has both");
    let small = shrink(sequence, async |steps: &[Step]| fails(steps)).await;
    assert_eq!(small.len(), 3, "{small:?}");
}
