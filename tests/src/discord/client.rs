//! A client by others: a small bot on discord.py, as `tests/setup-discord-client.sh` puts it under the target folder.

use std::process::{Child, Command, Stdio};

use super::server::{BotHandle, DiscordServer};
use crate::{Log, llama_server::target_folder};

/// The running bot, `tests/discord_client.py`, ended with this value.
#[derive(Debug)]
pub struct DiscordPy {
    child: Child,
    log: Log,
}

impl DiscordPy {
    /// Starts it against this server. What it does it says in [`DiscordPy::log`].
    #[must_use]
    pub fn start(server: &DiscordServer, bot: &BotHandle) -> Self {
        let python = target_folder().join("discord-client/venv/bin/python");
        assert!(
            python.is_file(),
            "no {}; run `tests/setup-discord-client.sh` first, as `./dev test` does",
            python.display()
        );
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/discord_client.py"))
            .args([server.rest_url(), bot.token.clone(), server.gateway_url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client can be started");
        let log = Log::default();
        log.follow(child.stdout.take().expect("it is piped"));
        log.follow(child.stderr.take().expect("it is piped"));
        Self { child, log }
    }

    /// Its lines, its own and the library's.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }
}

impl Drop for DiscordPy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.log.lines().iter().for_each(|line| eprintln!("discord.py: {line}"));
        }
    }
}
