//! How long each input takes to read, by its size.
//!
//! No input may take far longer than others of its size, or a sender of such could hold up a daemon. The measure is
//! nanoseconds per byte: of one input the least of many rounds, since noise only adds; of a target the median over its
//! inputs, since machines differ.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant},
};

use bus::reply::{self, Value};

use crate::read::{self, Read};

/// Shorter inputs count as this long. What a call costs whatever its input is (about 20 ns) would make the shortest
/// look slow, and no real envelope is shorter.
const BYTES_MIN: usize = 64;

/// How often all inputs are gone through. Not one input many times in a row: what else the machine does takes longer
/// than that, and would then count against the one.
const PASSES: usize = 40;

/// What timing one input takes at least, so that the grain of the clock does not show.
const ROUND: Duration = Duration::from_micros(5);

/// Readings between two looks at the clock.
const REPEAT: u32 = 16;

/// The speed of a target.
#[derive(Debug)]
pub struct Speed {
    /// How many inputs were read.
    pub inputs: usize,
    /// Nanoseconds per byte of the input in the middle.
    pub median: f64,
    /// Nanoseconds per byte of the slowest.
    pub worst: f64,
    /// The slowest.
    pub slowest: PathBuf,
}

impl Speed {
    /// How much slower the slowest is than the one in the middle.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.worst / self.median
    }
}

/// Times every file in `folders`. `None` when there is nothing to time.
///
/// # Errors
/// As of the file system. A folder that is not there has no inputs.
pub fn of(target: &str, folders: &[PathBuf]) -> io::Result<Option<Speed>> {
    let mut inputs = Vec::new();
    for path in files(folders)? {
        inputs.extend(Input::new(target, path)?);
    }
    for _ in 0..PASSES {
        inputs.iter_mut().for_each(Input::time);
    }
    inputs.sort_by(|one, other| one.by_byte().total_cmp(&other.by_byte()));
    let (count, median) = (inputs.len(), inputs.get(inputs.len() / 2).map(Input::by_byte));
    Ok(inputs.pop().zip(median).map(|(worst, median)| Speed {
        inputs: count,
        median,
        worst: worst.by_byte(),
        slowest: worst.path,
    }))
}

fn files(folders: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    Ok(files)
}

struct Input {
    path: PathBuf,
    bytes: usize,
    work: Work,
    least: Duration,
}

enum Work {
    Bytes(Vec<u8>, Read),
    Reply(Value),
}

impl Input {
    /// `None` for what no daemon's reader gets to see: bytes that are no reply, and the server's own errors.
    fn new(target: &str, path: PathBuf) -> io::Result<Option<Self>> {
        let bytes = fs::read(&path)?;
        let size = bytes.len().max(BYTES_MIN);
        let work = match read::bytes(target) {
            Some(read) => Some(Work::Bytes(bytes, read)),
            None => reply::parse(&bytes).ok().filter(read::is_walked).map(Work::Reply),
        };
        Ok(work.map(|work| Self { path, bytes: size, work, least: Duration::MAX }))
    }

    fn by_byte(&self) -> f64 {
        self.least.as_secs_f64() * 1e9 / self.bytes as f64
    }

    fn time(&mut self) {
        let (mut took, mut times) = (Duration::ZERO, 0);
        match &self.work {
            Work::Bytes(bytes, read) => {
                let began = Instant::now();
                while took < ROUND {
                    (0..REPEAT).for_each(|_| read(bytes));
                    times += REPEAT;
                    took = began.elapsed();
                }
            }
            Work::Reply(value) => {
                let ready = vec![[value.clone(), value.clone(), value.clone()]; REPEAT as usize];
                let began = Instant::now();
                ready.into_iter().for_each(read::reply);
                (took, times) = (began.elapsed(), REPEAT);
            }
        }
        self.least = self.least.min(took / times);
    }
}
