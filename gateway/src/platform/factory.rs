//! From a platform's settings to the platform.

use std::sync::Arc;

use codec::PlatformName;
use service::{Context, PlatformKind, Problem, Settings, StartError};

use super::Platform;
use crate::{ingress::Ingress, media::Media};

/// The platforms of the settings that this build has no code for, each with the command that adds it.
pub(crate) fn refuse(settings: &Settings) -> Vec<Problem> {
    (settings.platforms.iter())
        .filter(|platform| !is_built(&platform.kind))
        .map(|platform| Problem {
            place: format!("platform.{}", platform.name),
            message: format!(
                "this gateway was built without the platform `{kind}`; build one that has it with \
                 `cargo build --release -p gateway --features {kind}`, or set platform.{}.enabled = false",
                platform.name,
                kind = platform.kind.name(),
            ),
        })
        .collect()
}

/// One thing that was looked at: a line for people where it is good, else what is to be done.
pub type Found = Result<String, Problem>;

/// Asks the platforms of the settings what their bots lack there. Nothing is started and nothing is changed.
pub async fn check(settings: &Settings) -> Vec<Found> {
    let mut found = Vec::new();
    for platform in &settings.platforms {
        match &platform.kind {
            #[cfg(feature = "discord")]
            PlatformKind::Discord(discord) => found.extend(super::discord::check(&platform.name, discord).await),
            // Everything about them is on this machine.
            _ => {}
        }
    }
    found
}

fn is_built(kind: &PlatformKind) -> bool {
    matches!(kind, PlatformKind::WebChat(_) if cfg!(feature = "webchat"))
        || matches!(kind, PlatformKind::Discord(_) if cfg!(feature = "discord"))
}

/// Makes the platforms that are enabled, none of them connected yet.
#[cfg_attr(not(feature = "discord"), expect(unused_variables, reason = "no platform of this build has files"))]
pub(crate) async fn create(
    context: &Context,
    ingress: &Ingress,
    media: &Media,
) -> Result<Vec<Arc<dyn Platform>>, StartError> {
    let mut platforms: Vec<Arc<dyn Platform>> = Vec::new();
    for platform in &context.settings.platforms {
        let name =
            PlatformName::new(platform.name.clone()).map_err(|error| StartError::Configuration(error.to_string()))?;
        match &platform.kind {
            #[cfg(feature = "webchat")]
            PlatformKind::WebChat(settings) => {
                platforms.push(Arc::new(
                    super::webchat::WebChat::new(name, settings.clone(), context, ingress.clone()).await?,
                ));
            }
            #[cfg(feature = "discord")]
            PlatformKind::Discord(settings) => platforms.push(Arc::new(super::discord::Discord::new(
                name,
                settings.clone(),
                context,
                ingress.clone(),
                media.clone(),
            )?)),
            other => tracing::error!(%name, kind = other.name(), "not in this build"),
        }
    }
    Ok(platforms)
}
