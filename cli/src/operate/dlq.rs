//! `stargazer dlq`: what was given up, and what becomes of it.

use bus::{DeadLetters, LetterId, Replayed};
use serde_json::{Value, json};
use service::Exit;

use super::{
    Connected, age, refused,
    select::{self, Found},
    table::{cut, table},
};
use crate::{
    Refusal,
    arguments::{DlqCommand, Handle},
    say,
};

/// Characters of an error that a list shows.
const ERROR_SHOWN: usize = 60;

/// Does the command.
pub(super) async fn dlq(command: &DlqCommand, deployment: &Connected) -> Result<Exit, Refusal> {
    match command {
        DlqCommand::List { which, limit, json } => list(deployment, which, *limit, *json).await,
        DlqCommand::Show { id, json } => show(deployment, id, *json).await,
        DlqCommand::Replay(handle) => replay(deployment, handle).await,
        DlqCommand::Purge(handle) => purge(deployment, handle).await,
    }
}

async fn list(
    deployment: &Connected,
    which: &crate::arguments::Which,
    limit: usize,
    as_json: bool,
) -> Result<Exit, Refusal> {
    let (mut shown, mut more) = (Vec::new(), 0_usize);
    select::each(deployment, which, |found| {
        // Told without its body, of which a long list would hold too much.
        if shown.len() < limit {
            shown.push(Line::of(&found));
        } else {
            more += 1;
        }
    })
    .await?;
    if as_json {
        shown.iter().for_each(|line| say::answer(line.json()));
        return Ok(Exit::Clean);
    }
    if shown.is_empty() {
        say::answer(if which.is_narrow() { "no dead letter is like that" } else { "no dead letters" });
        return Ok(Exit::Clean);
    }
    let rows = shown.iter().map(Line::cells);
    say::answer(table(&["ID", "AGE", "FROM", "LANE", "TRIES", "TRACE", "ERROR"], rows));
    if more > 0 {
        say::answer(format!("and {more} more; --limit shows them, --code, --lane and --role narrow them down"));
    }
    Ok(Exit::Clean)
}

async fn show(deployment: &Connected, id: &str, as_json: bool) -> Result<Exit, Refusal> {
    let which = crate::arguments::Which { ids: vec![id.to_owned()], ..Default::default() };
    select::each(deployment, &which, |found| {
        say::answer(if as_json { whole(&found).to_string() } else { told(&found) });
    })
    .await?;
    Ok(Exit::Clean)
}

async fn replay(deployment: &Connected, handle: &Handle) -> Result<Exit, Refusal> {
    let chosen = choose(deployment, handle).await?;
    let letters = DeadLetters::new(deployment.bus.clone());
    let bound = deployment.settings.stream_bound();
    let mut done = Done::new("replayed", handle, chosen.len());
    for line in chosen {
        if handle.dry_run {
            done.would(&line);
            continue;
        }
        // Read again one by one: only one body is held at a time.
        let letter = letters.get(&line.id).await.map_err(|error| refused(&error))?;
        let Some(letter) = letter else {
            done.gone(&line);
            continue;
        };
        match letters.replay(&letter, bound).await {
            Ok(Replayed::Now) => done.did(&line),
            Ok(Replayed::Gone) => done.gone(&line),
            Err(error @ bus::Error::Full { .. }) => {
                done.tell();
                return Err(Refusal::configuration(format!("{error}; try again when workers have caught up")));
            }
            Err(error) => {
                done.tell();
                return Err(refused(&error));
            }
        }
    }
    done.tell();
    Ok(Exit::Clean)
}

async fn purge(deployment: &Connected, handle: &Handle) -> Result<Exit, Refusal> {
    let chosen = choose(deployment, handle).await?;
    let letters = DeadLetters::new(deployment.bus.clone());
    let mut done = Done::new("purged", handle, chosen.len());
    for line in chosen {
        if handle.dry_run {
            done.would(&line);
        } else if letters.purge(std::slice::from_ref(&line.id)).await.map_err(|error| refused(&error))? > 0 {
            done.did(&line);
        } else {
            done.gone(&line);
        }
    }
    done.tell();
    Ok(Exit::Clean)
}

/// Those that are meant, in the order in which they were appended at first, so that a replay keeps the order of lanes.
async fn choose(deployment: &Connected, handle: &Handle) -> Result<Vec<Line>, Refusal> {
    select::has_choice(&handle.which, handle.all)?;
    let mut chosen = Vec::new();
    select::each(deployment, &handle.which, |found| {
        chosen.push(Line::of(&found));
    })
    .await?;
    chosen.sort_by_key(|line| line.order);
    Ok(chosen)
}

/// What a list shows of a letter.
#[derive(Debug)]
struct Line {
    id: LetterId,
    role: String,
    lane: Option<String>,
    attempt: u32,
    trace_id: String,
    code: String,
    error: String,
    bytes: usize,
    /// When its envelope was appended at first. A replay keeps that time, so a letter that failed again comes before what
    /// followed it.
    order: (u64, bus::EntryId),
}

impl Line {
    fn of(found: &Found) -> Self {
        let letter = &found.letter;
        Self {
            id: letter.id.clone(),
            role: found.role_name(),
            lane: found.lane.clone(),
            attempt: letter.attempt,
            trace_id: letter.trace_id.clone(),
            code: letter.code().to_owned(),
            error: letter.error.clone(),
            bytes: letter.data.len(),
            order: (letter.ts_ms, letter.original),
        }
    }

    fn cells(&self) -> [String; 7] {
        [
            self.id.to_string(),
            age::short(age::since(self.id.entry.ms)),
            self.role.clone(),
            self.lane.clone().unwrap_or_else(|| "?".into()),
            self.attempt.to_string(),
            self.trace_id.clone(),
            cut(&self.error, ERROR_SHOWN),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(), "dead_ms": self.id.entry.ms, "role": self.role, "lane": self.lane,
            "attempt": self.attempt, "trace_id": self.trace_id, "code": self.code, "error": self.error,
            "appended_ms": self.order.0, "bytes": self.bytes,
        })
    }
}

/// Everything about a letter.
fn whole(found: &Found) -> Value {
    let letter = &found.letter;
    let mut all = Line::of(found).json();
    all["original_stream"] = letter.stream.clone().into();
    all["original_msg_id"] = letter.original.to_string().into();
    // As text, since a JSON reader would round its large numbers.
    all["envelope"] = codec::inspect::json(&letter.data).map_or(Value::Null, Value::from);
    all["hex"] = codec::inspect::hex(&letter.data).into();
    all
}

/// The same for people.
fn told(found: &Found) -> String {
    let letter = &found.letter;
    let at = |ms: u64| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
        format!("{} ({} ago)", humantime::format_rfc3339_millis(time), age::short(age::since(ms)))
    };
    let envelope = codec::inspect::json(&letter.data);
    let lines = [
        ("id", letter.id.to_string()),
        ("given up", at(letter.id.entry.ms)),
        ("error", letter.error.clone()),
        ("tries", letter.attempt.to_string()),
        ("from", format!("{} {}", letter.stream, letter.original)),
        ("lane", found.lane.clone().unwrap_or_else(|| "its envelope does not say".into())),
        ("appended", at(letter.ts_ms)),
        ("trace", letter.trace_id.clone()),
        (
            "envelope",
            envelope.unwrap_or_else(|| format!("not readable; its bytes: {}", codec::inspect::hex(&letter.data))),
        ),
    ];
    lines.map(|(name, value)| format!("{name:<9} {value}")).join("\n")
}

/// What was done to each letter, told at the end, or as it happens where a program listens.
#[derive(Debug)]
struct Done {
    what: &'static str,
    is_dry: bool,
    is_json: bool,
    chosen: usize,
    did: usize,
    gone: usize,
}

impl Done {
    fn new(what: &'static str, handle: &Handle, chosen: usize) -> Self {
        Self { what, is_dry: handle.dry_run, is_json: handle.json, chosen, did: 0, gone: 0 }
    }

    fn did(&mut self, line: &Line) {
        self.did += 1;
        self.line(line, self.what);
    }

    fn gone(&mut self, line: &Line) {
        self.gone += 1;
        self.line(line, "gone");
    }

    fn would(&self, line: &Line) {
        self.line(line, &format!("would be {}", self.what));
    }

    fn line(&self, line: &Line, result: &str) {
        if self.is_json {
            let mut told = line.json();
            told["result"] = result.into();
            say::answer(told);
        } else {
            let lane = line.lane.as_deref().unwrap_or("?");
            say::answer(format!("{result}  {}  {}  {lane}  {}", line.id, line.role, cut(&line.error, ERROR_SHOWN)));
        }
    }

    fn tell(&self) {
        if self.is_json {
            return;
        }
        let Self { what, chosen, did, gone, .. } = self;
        say::answer(match (self.is_dry, gone) {
            (true, _) => format!("{chosen} would be {what}; nothing was changed"),
            (false, 0) => format!("{did} of {chosen} {what}"),
            (false, gone) => format!("{did} of {chosen} {what}, {gone} were gone already"),
        });
    }
}
