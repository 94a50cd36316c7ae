//! Rules of the tree that no compiler knows: who may depend on whom, and what no source file may hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each crate may know of ours, tests and examples included. `ARCHITECTURE.md` draws the same map.
const MAP: [(&str, &[&str]); 10] = [
    ("codec", &[]),
    ("bus", &[]),
    ("fetch", &[]),
    ("service", &["bus"]),
    ("gateway", &["codec", "bus", "service", "fetch"]),
    ("inference", &["codec", "bus", "service", "fetch"]),
    ("cli", &["codec", "bus", "fetch", "service", "gateway", "inference"]),
    ("loadtest", &["codec", "bus", "fetch", "service", "gateway", "inference", "cli", "tests"]),
    ("benches", &["codec", "bus", "fetch", "service", "gateway", "inference"]),
    ("tests", &["codec", "bus", "fetch", "service", "gateway", "inference", "cli"]),
];

/// Lines that a source file may have.
const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file of the tree whose name ends so, with its text: (path from the root, text). Not what others wrote (`vendor`).
fn files(endings: &[&str]) -> Vec<(String, String)> {
    fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            let is_ours =
                !name.starts_with('.') && !name.starts_with("target") && name != "node_modules" && name != "vendor";
            if path.is_dir() && is_ours {
                walk(&path, endings, found);
            } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    let (root, mut found) = (root(), Vec::new());
    walk(&root, endings, &mut found);
    found.sort();
    assert!(!found.is_empty(), "nothing ends in {endings:?}");
    let text = |path: PathBuf| {
        (path.strip_prefix(&root).unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(text).collect()
}

/// Places (`file:line: text`) of Rust lines that are code and contain any of `words`, outside the files of `exceptions`.
fn lines_with(words: &[&str], exceptions: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (path, text) in files(&[".rs"]) {
        if exceptions.iter().any(|exception| path.starts_with(exception)) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && words.iter().any(|word| code.contains(word)) {
                places.push(format!("{path}:{}: {code}", index + 1));
            }
        }
    }
    places
}

fn none(rule: &str, places: &[String]) {
    assert!(places.is_empty(), "{rule}:\n{}", places.join("\n"));
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn names(package: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().unwrap();
    dependencies.iter().filter(|one| is_wanted(one)).map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn crates_depend_as_the_map_says() {
    let map: BTreeMap<&str, &[&str]> = MAP.into();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let allowed = map.get(name).unwrap_or_else(|| panic!("`{name}` is not on the map"));
        for known in names(&package, |dependency| dependency["path"].is_string()) {
            assert!(allowed.contains(&known.as_str()), "`{name}` may not depend on `{known}`");
        }
    }
}

#[test]
fn heavy_parts_have_one_home() {
    // In `loadtest`, `redis` is the rival: what others would write with it, beside ours.
    let homes: [(&str, &[&str]); 4] = [
        ("redis", &["bus", "loadtest"]),
        ("reqwest", &["fetch", "gateway", "inference"]),
        ("serenity", &["gateway", "tests"]),
        ("matrix-sdk", &["gateway"]),
    ];
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        for (part, homes) in homes {
            let names_it = !names(&package, |dependency| dependency["name"] == part).is_empty();
            assert!(!names_it || homes.contains(&name), "only {homes:?} name `{part}`, and not `{name}`");
        }
    }
    none(
        "serenity lives in gateway/src/platform/discord, and is tried in tests",
        &lines_with(&[concat!("seren", "ity::")], &["gateway/src/platform/discord", "tests/tests/discord_serenity.rs"]),
    );
    none(
        "matrix-sdk lives in gateway/src/platform/matrix",
        &lines_with(&[concat!("matrix_", "sdk::")], &["gateway/src/platform/matrix"]),
    );
    // The address of the model or of Discord is a setting, and may be a private one.
    none(
        "what comes from outside is fetched through `fetch`",
        &lines_with(
            &[concat!("req", "west::")],
            &["fetch/", "inference/src/model/client.rs", "gateway/src/platform/discord/"],
        ),
    );
}

/// Fuzzing is a workspace of its own, with a lock file of its own; what it tries has to be what the daemons run.
#[test]
fn fuzzing_tries_the_versions_that_run() {
    let versions = |lock: &str| -> BTreeSet<String> {
        let text = std::fs::read_to_string(root().join(lock)).unwrap();
        let package = |part: &str| {
            let mut lines = part.lines().filter(|line| line.starts_with("name = ") || line.starts_with("version = "));
            Some([lines.next()?, lines.next()?].join(", "))
        };
        text.split("[[package]]").filter_map(package).collect()
    };
    let (ours, theirs) = (versions("Cargo.lock"), versions("fuzz/Cargo.lock"));
    let tried = ["codec", "bus"];
    let parts: BTreeSet<String> = (packages().iter())
        .filter(|package| tried.contains(&package["name"].as_str().unwrap()))
        .flat_map(|package| names(package, |dependency| dependency["kind"].is_null()))
        .collect();
    // And what does redis' parsing, and the splitter's of characters.
    for name in parts.iter().map(String::as_str).chain(["combine", "unicode-segmentation"]) {
        let of_name = |one: &&String| one.starts_with(&format!("name = \"{name}\","));
        let has_it = theirs.iter().any(|one| of_name(&one));
        assert!(has_it, "fuzz/Cargo.lock has no `{name}`: cargo metadata --manifest-path fuzz/Cargo.toml adds it");
        let other: Vec<_> = theirs.difference(&ours).filter(of_name).cloned().collect();
        none(
            "fuzz/Cargo.lock is behind: cp Cargo.lock fuzz/ && cargo metadata --manifest-path fuzz/Cargo.toml",
            &other,
        );
    }
}

#[test]
fn files_are_short() {
    let long = |(path, text): (String, String)| {
        (text.lines().count() > LINES_MAX).then(|| format!("{path}: {}", text.lines().count()))
    };
    none(
        &format!("files have at most {LINES_MAX} lines"),
        &files(&[".rs"]).into_iter().filter_map(long).collect::<Vec<_>>(),
    );
}

#[test]
fn modules_say_what_they_are_for() {
    let silent = |(path, text): (String, String)| {
        let first = text.lines().find(|line| !line.is_empty()).unwrap_or_default();
        // An empty crate root has nothing to say yet.
        (!text.is_empty() && !first.starts_with("//!")).then_some(path)
    };
    none("every file opens with a module doc", &files(&[".rs"]).into_iter().filter_map(silent).collect::<Vec<_>>());
}

#[test]
fn exports_are_named() {
    let globs = lines_with(&["pub use ", "pub(crate) use ", "pub(super) use "], &["tests/tests/tree.rs"]);
    none("no glob re-exports", &globs.into_iter().filter(|place| place.contains("::*")).collect::<Vec<_>>());
}

#[test]
fn every_test_runs() {
    none("a test that does not run is no test", &lines_with(&[concat!("#[ig", "nore")], &[]));
}

#[test]
fn lints_are_silenced_with_a_reason() {
    none(
        "`expect` with a reason, never `allow`",
        &lines_with(&[concat!("#[al", "low("), concat!("#![al", "low(")], &[]),
    );
}

#[test]
fn unsafe_code_has_one_home() {
    let forms = ["{", "fn", "impl", "extern", "trait"].map(|form| format!("{} {form}", concat!("uns", "afe")));
    let attribute = concat!("uns", "afe(").to_owned();
    let forms: Vec<&str> = forms.iter().chain([&attribute]).map(String::as_str).collect();
    let places = lines_with(&forms, &["codec/src/unchecked/"]);
    none("what is unchecked lives in codec/src/unchecked", &places);
}

#[test]
fn tasks_have_an_owner() {
    // The harness and its tests own theirs by a JoinSet, or await them; clippy.toml refuses the call everywhere else too.
    let exceptions = ["service/src/tasks.rs", "tests/"];
    none(
        "no loose tasks",
        &lines_with(&[concat!("tokio::sp", "awn("), concat!("tokio::task::sp", "awn(")], &exceptions),
    );
}

#[test]
fn settings_are_read_in_one_place() {
    let exceptions = [
        "service/src/settings/source.rs",
        "cli/",   // The operator's tool finds its siblings, its folders and the terminal by the environment.
        "tests/", // The harness finds the binaries beside it, and takes wishes of who runs it.
        "loadtest/",
        "benches/",
        "codec/examples/", // Programs of their own, told by their arguments what to print.
    ];
    none("the environment is read by service::settings", &lines_with(&["std::env::", "env::var"], &exceptions));
}

#[test]
fn nothing_knows_the_machine_it_was_written_on() {
    let (places, homes) = (["/ro", "/ho", "/wo", "/Us"], ["ot/", "me/", "rk/", "ers/"]);
    let words: Vec<String> = places.iter().zip(homes).map(|(place, home)| format!("{place}{home}")).collect();
    let mut found = Vec::new();
    for (path, text) in files(&[
        ".rs", ".toml", ".md", ".sh", ".js", ".html", ".css", ".lua", ".txt", ".service", ".yml", ".yaml", ".json",
    ]) {
        for (index, line) in text.lines().enumerate() {
            // As a path begins: not in the middle of a word or of a longer path.
            let begins = |word: &String| {
                line.match_indices(word.as_str())
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}>".contains(c)))
            };
            if words.iter().any(begins) {
                found.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    none("no paths of a machine", &found);
}

/// Names of metrics in a text: `stargazer_` and what follows.
fn metrics_in(text: &str, before: &str) -> BTreeSet<String> {
    let start = format!("{before}stargazer_");
    let name = |(at, _): (usize, &str)| {
        let rest = &text[at + before.len()..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    text.match_indices(&start).map(name).collect()
}

#[test]
fn metrics_in_code_are_those_of_the_page() {
    let code: BTreeSet<String> = (files(&[".rs"]).iter())
        .filter(|(path, _)| !path.starts_with("tests/") && !path.starts_with("loadtest/"))
        .flat_map(|(_, text)| metrics_in(text, "\""))
        .collect();
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).expect("docs/metrics.md lists the metrics");
    let page = metrics_in(&page, "`");
    let missing: Vec<_> = code.difference(&page).cloned().collect();
    none("metrics that docs/metrics.md lacks", &missing);
    let stale: Vec<_> = page.difference(&code).cloned().collect();
    none("metrics of docs/metrics.md that no code has", &stale);
}

/// Who doubts a line of the page reads the test that it names.
#[test]
fn tests_that_the_page_of_complaints_names_are_there() {
    let page = std::fs::read_to_string(root().join("docs/complaints.md")).expect("docs/complaints.md names the tests");
    let (mut rows, mut faults) = (0, Vec::new());
    for (index, line) in page.lines().enumerate() {
        let Some(column) = line.strip_prefix('|').and_then(|row| row.split('|').nth(2)) else { continue };
        if ["tests that fail without it", "---"].contains(&column.trim()) {
            continue;
        }
        rows += 1;
        let quoted = column.split('`').skip(1).step_by(2);
        let tests: Vec<_> = quoted.filter_map(|name| name.split_once("::")).collect();
        if tests.is_empty() {
            faults.push(format!("line {} names no test", index + 1));
        }
        for (path, name) in tests {
            let source = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            if !source.contains(&format!("fn {name}(")) {
                faults.push(format!("line {}: {path} has no test `{name}`", index + 1));
            }
        }
    }
    assert!(rows > 0, "docs/complaints.md has no tables");
    none("docs/complaints.md names tests that are there", &faults);
}
