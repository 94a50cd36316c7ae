//! What Redis itself does to keep what it was given.

use super::Bus;
use crate::Error;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// It has an append-only file, so that a crash loses a second at the most.
    pub appends: bool,
    /// What it does when its memory is used up.
    pub policy: String,
}

impl Keeping {
    /// Whether it lets go of what it was given when its memory is used up.
    #[must_use]
    pub fn evicts(&self) -> bool {
        self.policy != "noeviction"
    }

    /// What of it loses messages, a sentence each. Whether that is meant is for people to judge.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.appends {
            faults.push(
                "redis has no append-only file, so a crash of it loses what it has not saved: `redis-cli config set appendonly yes`"
                    .to_owned(),
            );
        }
        if self.evicts() {
            faults.push(format!(
                "redis throws away what is in it when its memory is used up ({}): `redis-cli config set maxmemory-policy noeviction`",
                self.policy
            ));
        }
        faults
    }

    fn read(persistence: &str, memory: &str) -> Self {
        let appends = field(persistence, "aof_enabled") == "1";
        Self { appends, policy: field(memory, "maxmemory_policy").to_owned() }
    }
}

/// A field of what `INFO` answers; empty where it has none.
pub(crate) fn field<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim()
}

impl Bus {
    /// Asks Redis how it keeps what it is given; of a cluster one of its servers.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn keeping(&self) -> Result<Keeping, Error> {
        let mut both = redis::pipe();
        both.cmd("INFO").arg("persistence").cmd("INFO").arg("memory");
        let (persistence, memory): (String, String) = both.query_async(&mut self.shared()).await?;
        Ok(Keeping::read(&persistence, &memory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_what_redis_tells() {
        let keeping = Keeping::read("# P\r\naof_enabled:1\r\nx:2\r\n", "# M\r\nmaxmemory_policy:noeviction\r\n");
        assert_eq!(keeping, Keeping { appends: true, policy: "noeviction".into() });
        assert!(!keeping.evicts() && keeping.faults().is_empty());
        let other = Keeping::read("aof_enabled:0\n", "maxmemory_policy:allkeys-lru\n");
        assert!(!other.appends && other.evicts());
        assert_eq!(other.faults().len(), 2);
    }
}
