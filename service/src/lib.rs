//! How a process lives and dies: settings, boot phases, health, telemetry, task ownership, drain.
//!
//! Both daemons are a [`Daemon`] run by [`main`]; what they share beyond the bus is here and only here.
#![forbid(unsafe_code)]

mod causes;
mod exit;
mod local;
mod settings;
mod tasks;
mod telemetry;

mod boot;
mod health;

pub use boot::{Context, Daemon, Origin, Phase, Phases, StartError, main, run};
pub use causes::causes;
pub use exit::Exit;
pub use health::{Check, Health};
pub use local::is_local;
pub use settings::{
    Access, Boot, Bus, Commands, Discord, DiscordCommand, Document, Durability, Gateway, HealthSettings, History,
    Inference, Log, LogFormat, Media, Model, Platform, PlatformKind, Problem, Prompt, Redis, Room, Settings, Shutdown,
    Source, Subject, SubjectKind, WebChat,
};
pub use tasks::{OnEnd, Tasks};
