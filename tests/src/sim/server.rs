//! The server: sessions with transactions, blocking reads, and faults.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{PushTo, Server, Session, reply::Value};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{sync::Notify, time::Instant};

use super::{
    commands,
    fault::{Fault, Faults, Sabotage},
    gate::{Gate, SimProcess},
    script::Scripts,
    store::{Refused, Store},
};

/// A server in memory. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct SimServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    began: Instant,
    /// Rung after each change, for who waits for one.
    changed: Notify,
}

impl Default for Inner {
    fn default() -> Self {
        Self { state: Mutex::default(), began: Instant::now(), changed: Notify::new() }
    }
}

#[derive(Debug, Default)]
struct State {
    store: Store,
    scripts: Scripts,
    faults: Option<Box<dyn Faults>>,
    sabotage: Option<Sabotage>,
    /// Steps that were done under a token which the fence did not hold.
    stale: u64,
    sessions: u64,
    /// Sessions that wait, and whether they were told not to any more.
    waiting: HashMap<u64, bool>,
    is_down: bool,
    /// Raised when the server goes down: connections of before are broken.
    life: u64,
    /// Connections that take pushes, each with its channels.
    listeners: BTreeMap<u64, Listener>,
    /// Transactions of broken connections that are still on their way.
    stranded: Vec<Transaction>,
}

/// A connection that takes pushes.
struct Listener {
    push: PushTo,
    gate: Arc<Gate>,
    channels: BTreeSet<Vec<u8>>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("channels", &self.channels).finish_non_exhaustive()
    }
}

impl State {
    /// Tells subscribers what was published since.
    fn deliver(&mut self) {
        for (channel, payload) in std::mem::take(&mut self.store.published) {
            for listener in self.listeners.values().filter(|listener| listener.channels.contains(&channel)) {
                let is_lost = self.faults.as_mut().is_some_and(|faults| faults.loses_push());
                if !is_lost && !listener.gate.is_shut() {
                    (listener.push)(&text(&channel), &payload);
                }
            }
        }
    }

    /// (Un)subscribes a connection.
    fn subscribe(&mut self, session: u64, command: &[Vec<u8>], add: bool) -> Value {
        let Some(listener) = self.listeners.get_mut(&session) else {
            return error("ERR this connection takes no pushes");
        };
        for channel in &command[1..] {
            if add {
                listener.channels.insert(channel.clone());
            } else {
                listener.channels.remove(channel);
            }
        }
        Value::Okay
    }
}

impl SimServer {
    /// What its clock shows when it is made; ms since the epoch.
    pub const EPOCH_MS: u64 = 1_700_000_000_000;

    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `faults` decide over every command from now on.
    pub fn set_faults(&self, faults: Option<Box<dyn Faults>>) {
        self.lock().faults = faults;
    }

    /// Takes a safeguard out. Before the first command.
    pub fn sabotage(&self, what: Sabotage) {
        let mut state = self.lock();
        state.sabotage = Some(what);
        if let Sabotage::Script(text, other) = what {
            state.scripts.sabotage = Some((text, other));
        }
    }

    /// How many steps were done under a fence by someone else than its owner: none, ever.
    #[must_use]
    pub fn stale_steps(&self) -> u64 {
        self.lock().stale
    }

    /// How many scripts had something replaced.
    #[must_use]
    pub fn sabotaged_scripts(&self) -> u64 {
        self.lock().scripts.sabotaged
    }

    /// It is gone, with nothing lost: every connection breaks, and none can be had.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_down = true;
        state.life += 1;
        state.listeners.clear();
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// It is there again.
    pub fn start(&self) {
        self.lock().is_down = false;
    }

    /// One command of the test's own, without a fault. Scripts are called by `EVAL`.
    ///
    /// # Errors
    /// The server's error.
    pub fn command(&self, parts: &[&[u8]]) -> Result<Value, String> {
        let parts: Vec<_> = parts.iter().map(|part| part.to_vec()).collect();
        let done = self.run(&parts);
        self.0.changed.notify_waiters();
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, parts: &[Vec<u8>]) -> Result<Value, Refused> {
        let now = Self::EPOCH_MS + u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut state = self.lock();
        state.store.now = now;
        let done = state.run(parts);
        state.deliver();
        done
    }
}

impl State {
    fn run(&mut self, parts: &[Vec<u8>]) -> Result<Value, Refused> {
        let Self { store, scripts, sabotage, stale, waiting, .. } = self;
        let word = parts.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let part = |at: usize| parts.get(at).map(Vec::as_slice).unwrap_or_default();
        match word.as_slice() {
            b"EVAL" | b"EVALSHA" => {
                let name = if word == b"EVAL" { Scripts::name(part(1)) } else { text(part(1)) };
                if word == b"EVAL" && !scripts.knows(&name) {
                    scripts.load(&name, part(1))?;
                }
                let keys: usize = text(part(2)).parse().map_err(|_| "ERR value is not an integer or out of range")?;
                let (keys, arguments) = parts[3..]
                    .split_at_checked(keys)
                    .ok_or("ERR Number of keys can't be greater than number of args")?;
                let is_stale = is_stale(keys, arguments, store);
                let done = scripts.run(&name, keys, arguments, store);
                *stale += u64::from(is_stale && done.as_ref().is_ok_and(|done| !is_refusal(done)));
                done
            }
            b"SCRIPT" => {
                // The client computes the hash itself, and asks by it the next time; see `Session::call`.
                let name = Scripts::name(part(2));
                scripts.load(&name, part(2))?;
                Ok(Value::BulkString(name.into_bytes()))
            }
            b"CLIENT" if part(1).eq_ignore_ascii_case(b"UNBLOCK") => {
                let id: u64 = text(part(2)).parse().unwrap_or(0);
                let found = waiting.get_mut(&id).map(|told| *told = true).is_some();
                Ok(Value::Int(found.into()))
            }
            b"XAUTOCLAIM" if *sabotage == Some(Sabotage::Claim) => {
                let nothing = || Value::Array(Vec::new());
                Ok(Value::Array(vec![Value::BulkString(b"0-0".to_vec()), nothing(), nothing()]))
            }
            _ => commands::run(store, parts),
        }
    }
}

/// Whether a step is under a fence that holds another token than the step has, and not by a guest of its lane either.
fn is_stale(keys: &[Vec<u8>], arguments: &[Vec<u8>], store: &mut Store) -> bool {
    let Some(fence) = keys.first().filter(|key| key.starts_with(b"sg:fence:")) else { return false };
    let token = arguments.first();
    if store.get::<Vec<u8>>(fence).ok().flatten().map(|held| &*held) == token {
        return false;
    }
    let [_, guests, ..] = keys else { return true };
    let (Some(token), Some(lane), true) = (token, arguments.get(1), guests.starts_with(b"sg:guests:")) else {
        return true;
    };
    let passes = store.get::<Vec<(Vec<u8>, Vec<u8>)>>(guests).ok().flatten();
    let has_pass = passes.is_some_and(|passes| passes.iter().any(|(of, pass)| of == lane && pass.starts_with(token)));
    !has_pass
}

/// How steps under a fence say that it is another's.
fn is_refusal(done: &Value) -> bool {
    match done {
        Value::Int(number) => *number <= 0,
        Value::BulkString(word) => word == b"FENCED",
        Value::Array(parts) => parts.first().is_some_and(is_refusal),
        _ => false,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Server for SimServer {
    fn connect(&self) -> Box<dyn Session> {
        self.session(Arc::default(), None)
    }

    fn connect_pushed(&self, push: PushTo) -> Box<dyn Session> {
        self.session(Arc::default(), Some(push))
    }
}

impl SimServer {
    /// Whether what was watched is as it was.
    fn is_kept(&self, watched: &HashMap<Vec<u8>, u64>) -> bool {
        let mut state = self.lock();
        let has_changed = watched.iter().any(|(key, version)| state.store.version(key) != *version);
        !has_changed || state.sabotage == Some(Sabotage::Watch)
    }

    /// Transactions that were on their way arrive. Nobody hears what they answer.
    fn land(&self) {
        let stranded = std::mem::take(&mut self.lock().stranded);
        for Transaction { watched, commands } in stranded {
            if self.is_kept(&watched) {
                commands.iter().for_each(|command| _ = self.run(command));
            }
        }
    }

    /// A process that is to be frozen as a whole.
    #[must_use]
    pub fn process(&self) -> SimProcess {
        SimProcess::new(self.clone())
    }

    pub(super) fn session(&self, gate: Arc<Gate>, push: Option<PushTo>) -> Box<dyn Session> {
        let mut state = self.lock();
        state.sessions += 1;
        let id = state.sessions;
        if let Some(push) = push.filter(|_| !state.is_down) {
            state.listeners.insert(id, Listener { push, gate: Arc::clone(&gate), channels: BTreeSet::new() });
        }
        Box::new(SimSession {
            server: self.clone(),
            gate,
            id,
            life: state.life,
            is_broken: state.is_down,
            watched: HashMap::new(),
            queued: None,
            missing: None,
        })
    }
}

/// What a connection had sent to be done in one step, or one command.
#[derive(Debug)]
struct Transaction {
    watched: HashMap<Vec<u8>, u64>,
    commands: Vec<Vec<Vec<u8>>>,
}

/// One connection.
struct SimSession {
    server: SimServer,
    gate: Arc<Gate>,
    id: u64,
    life: u64,
    is_broken: bool,
    /// Versions of watched keys.
    watched: HashMap<Vec<u8>, u64>,
    /// Commands of a transaction that was begun.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    /// The hash by which an unknown script was called; what is loaded next is that one.
    missing: Option<String>,
}

impl Session for SimSession {
    fn call(&mut self, command: Vec<Vec<u8>>) -> BoxFuture<'_, io::Result<Value>> {
        async move {
            let fault = self.fault(&command)?;
            if let Fault::Late(delay) = fault {
                tokio::time::sleep(delay).await;
            }
            self.gate.pass().await;
            self.check()?;
            if fault == Fault::NotDone {
                return Err(self.broke());
            }
            if fault == Fault::Stranded {
                let is_queueing = self.queued.is_some();
                let transaction = match &*command[0] {
                    b"EXEC" => Some(self.transaction()),
                    // Without its EXEC it would never be done.
                    _ if is_queueing => None,
                    _ => Some(Transaction { watched: HashMap::new(), commands: vec![command] }),
                };
                self.server.lock().stranded.extend(transaction);
                return Err(self.broke());
            }
            let is_append = command.first().is_some_and(|word| word.eq_ignore_ascii_case(b"XADD"));
            let value = self.answer(command).await;
            if is_append {
                self.server.land();
            }
            self.server.0.changed.notify_waiters();
            self.gate.pass().await;
            if fault == Fault::NotAnswered {
                return Err(self.broke());
            }
            self.check()?;
            Ok(value)
        }
        .boxed()
    }
}

impl Drop for SimSession {
    fn drop(&mut self) {
        self.server.lock().listeners.remove(&self.id);
    }
}

impl SimSession {
    fn broke(&mut self) -> io::Error {
        self.is_broken = true;
        self.server.lock().listeners.remove(&self.id);
        io::Error::new(io::ErrorKind::BrokenPipe, "the connection broke")
    }

    /// Fails when the connection is broken, or the server it was to is gone.
    fn check(&mut self) -> io::Result<()> {
        let is_over = {
            let state = self.server.lock();
            state.is_down || state.life != self.life
        };
        if self.is_broken || is_over { Err(self.broke()) } else { Ok(()) }
    }

    fn fault(&mut self, command: &[Vec<u8>]) -> io::Result<Fault> {
        self.check()?;
        let mut state = self.server.lock();
        Ok(state.faults.as_mut().map_or(Fault::None, |faults| faults.next(command)))
    }

    async fn answer(&mut self, command: Vec<Vec<u8>>) -> Value {
        let word = command.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match word.as_slice() {
            b"MULTI" => {
                self.queued = Some(Vec::new());
                Value::Okay
            }
            b"EXEC" if self.queued.is_none() => error("ERR EXEC without MULTI"),
            b"EXEC" => self.execute(),
            b"WATCH" => {
                for key in &command[1..] {
                    let version = self.server.lock().store.version(key);
                    self.watched.entry(key.clone()).or_insert(version);
                }
                Value::Okay
            }
            b"CLIENT" if command[1].eq_ignore_ascii_case(b"ID") => Value::Int(self.id as i64),
            _ if self.queued.is_some() => {
                self.queued.get_or_insert_default().push(command);
                Value::SimpleString("QUEUED".into())
            }
            b"SUBSCRIBE" | b"SSUBSCRIBE" => self.server.lock().subscribe(self.id, &command, true),
            b"UNSUBSCRIBE" | b"SUNSUBSCRIBE" => self.server.lock().subscribe(self.id, &command, false),
            b"XREAD" => self.read(&command).await,
            _ => self.once(&command),
        }
    }

    fn once(&mut self, command: &[Vec<u8>]) -> Value {
        let is = |word: &str| command[0].eq_ignore_ascii_case(word.as_bytes());
        if is("SCRIPT")
            && let Some(name) = self.missing.take()
        {
            let loaded = self.server.lock().scripts.load(&name, &command[2]);
            return loaded.map_or_else(|refused| error(&refused), |()| Value::BulkString(name.into_bytes()));
        }
        match self.server.run(command) {
            Ok(value) => value,
            Err(refused) => {
                if is("EVALSHA") && refused.starts_with("NOSCRIPT") {
                    self.missing = Some(text(&command[1]));
                }
                error(&refused)
            }
        }
    }

    fn execute(&mut self) -> Value {
        let Transaction { watched, commands } = self.transaction();
        if !self.server.is_kept(&watched) {
            return Value::Nil;
        }
        // In one step, since nothing is awaited.
        Value::Array(commands.iter().map(|command| self.once(command)).collect())
    }

    fn transaction(&mut self) -> Transaction {
        Transaction { watched: std::mem::take(&mut self.watched), commands: self.queued.take().unwrap_or_default() }
    }

    /// Waits as long as it says for something to read.
    async fn read(&mut self, command: &[Vec<u8>]) -> Value {
        let block = command.iter().position(|word| word.eq_ignore_ascii_case(b"BLOCK"));
        let block = block.and_then(|at| text(&command[at + 1]).parse().ok()).map(Duration::from_millis);
        let deadline = Instant::now() + block.unwrap_or_default();
        loop {
            let inner = Arc::clone(&self.server.0);
            let changed = inner.changed.notified();
            let value = self.once(command);
            if value != Value::Nil || self.check().is_err() {
                return value;
            }
            self.server.lock().waiting.insert(self.id, false);
            let is_over = tokio::time::timeout_at(deadline, changed).await.is_err();
            let was_told = self.server.lock().waiting.remove(&self.id).unwrap_or(false);
            if is_over || was_told {
                return Value::Nil;
            }
        }
    }
}

/// An error as a reply.
fn error(refused: &str) -> Value {
    let line = format!("-{}\r\n", refused.replace(['\r', '\n'], " "));
    bus::reply::parse(line.as_bytes()).unwrap_or(Value::Nil)
}
