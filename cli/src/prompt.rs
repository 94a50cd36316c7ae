//! `stargazer prompt render`: what the model would be asked.

use std::sync::Arc;

use codec::{Inbound, names};
use inference::Setup;
use serde_json::json;
use service::{Exit, Settings, Source};

use crate::{
    Refusal,
    arguments::{Prompt, PromptCommand, Render},
    environment::Environment,
    operate, say,
};

/// Does the command.
pub(crate) fn prompt(arguments: &Prompt, environment: &Environment) -> Result<Exit, Refusal> {
    let PromptCommand::Render(render) = &arguments.command;
    let settings = Settings::read(Source::from_process(arguments.place.config.as_deref()))
        .map_err(|problems| Refusal::settings(&problems))?;
    let setup = Setup::new(Arc::new(settings)).map_err(Refusal::configuration)?;
    let records = match &render.conversation {
        Some(lane) => operate::history(&arguments.place, environment, lane)?,
        None => Vec::new(),
    };
    let messages = setup.ask(&question(render), &records).map_err(Refusal::configuration)?;
    if render.json {
        say::answer(json!(messages));
    } else {
        for message in &messages {
            say::answer(format!("--- {}\n{}", json!(message.role).as_str().unwrap_or_default(), message.content));
        }
    }
    Ok(Exit::Clean)
}

/// The message that somebody might write there.
fn question(render: &Render) -> Inbound {
    let (platform, channel) = match &render.conversation {
        Some(lane) => lane.split_once(':').unwrap_or((&render.platform, lane)),
        None => (render.platform.as_str(), "1"),
    };
    Inbound {
        channel_key: names::channel_key(platform, channel, None),
        platform: platform.to_owned(),
        channel_id: channel.to_owned(),
        user_id: "1".into(),
        username: render.user.clone(),
        content: render.text.clone(),
        message_id: "1".into(),
        timestamp: bus::unix_ms() as f64 / 1000.0,
        room_name: render.room.clone(),
        is_dm: render.room.is_none(),
        is_addressed: true,
        ..Inbound::default()
    }
}
