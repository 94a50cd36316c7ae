//! Each mode, with little of everything: whether what is counted adds up. How fast it went is nobody's business here.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::process::Command;

use serde_json::Value;

/// Runs a mode; gives what it wrote as JSON.
fn load(mode: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("load.json");
    let output =
        Command::new(env!("CARGO_BIN_EXE_loadtest")).args([mode, "--smoke", "--json"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{mode}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn goals(report: &Value) -> usize {
    let goals = report["goals"].as_array().unwrap();
    assert!(goals.iter().all(|goal| goal["measured"].as_str().is_some_and(|text| !text.contains("NaN"))), "{goals:?}");
    goals.len()
}

#[test]
fn limit_runs() {
    assert_eq!(load("limit")["tables"][0]["rows"].as_array().unwrap().len(), 3);
}

#[test]
fn bus_runs() {
    assert_eq!(goals(&load("bus")), 1);
}

#[test]
fn recovery_runs() {
    assert_eq!(goals(&load("recovery")), 3);
}

#[test]
fn stuck_runs() {
    assert_eq!(goals(&load("stuck")), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_keep_is_left_alone() {
    let redis = tests::RedisServer::in_memory().await;
    redis.command(["SET", "theirs", "kept"]).await;
    let output =
        Command::new(env!("CARGO_BIN_EXE_loadtest")).args(["limit", "--redis", &redis.url()]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("holds 1 keys"), "{error}");
    assert_eq!(redis.command(["GET", "theirs"]).await.text(), "kept");
}
