//! What turns are run with: as the settings and the files that they name are now. A turn keeps what it began with.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use codec::InboundView;

use service::{Context, Settings};
use tokio::{sync::watch, task::spawn_blocking, time::interval};

use crate::{
    model::{self, Model},
    prompt::Prompt,
    rooms::Rooms,
};

/// How often the prompt's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Setup {
    pub(crate) settings: Arc<Settings>,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) prompt: Prompt,
    pub(crate) rooms: Rooms,
    /// Those of rooms that have one of their own, by name.
    models: BTreeMap<String, Arc<dyn Model>>,
}

impl Setup {
    /// Of these settings, with the model that they choose.
    ///
    /// # Errors
    /// One line that says what is wrong with them.
    pub fn new(settings: Arc<Settings>) -> Result<Self, String> {
        let model = model::from_settings(&settings.model)?;
        let mut setup = Self::with_model(settings, model)?;
        if setup.settings.model.base_url.is_some() {
            for name in setup.rooms.models() {
                let settings = service::Model { name: Some(name.to_owned()), ..setup.settings.model.clone() };
                setup.models.insert(name.to_owned(), model::from_settings(&settings)?);
            }
        }
        Ok(setup)
    }

    /// Of these settings, with its files as they are now. Where the settings are the same, so are the connections to the model.
    fn renewed(&self, settings: Arc<Settings>) -> Result<Self, String> {
        if !Arc::ptr_eq(&settings, &self.settings) {
            return Self::new(settings);
        }
        let setup = Self::with_model(settings, Arc::clone(&self.model))?;
        Ok(Self { models: self.models.clone(), ..setup })
    }

    /// The same with another model.
    ///
    /// # Errors
    /// One line that says what is wrong with the prompt.
    pub fn with_model(settings: Arc<Settings>, model: Arc<dyn Model>) -> Result<Self, String> {
        let prompt = Prompt::new(&settings.prompt).map_err(|fault| format!("prompt: {fault}"))?;
        let rooms = Rooms::new(&settings.inference.rooms);
        Ok(Self { settings, model, prompt, rooms, models: BTreeMap::new() })
    }

    /// The model that answers a message.
    pub(crate) fn model_of(&self, inbound: &InboundView<'_>) -> &Arc<dyn Model> {
        self.rooms.model(inbound).and_then(|name| self.models.get(name)).unwrap_or(&self.model)
    }
}

/// Keeps it as the settings and their files are, until the process stops. What cannot be used changes nothing.
pub(crate) async fn keep(now: watch::Sender<Arc<Setup>>, context: Context) {
    let mut settings = context.live.clone();
    let (mut look, mut seen, mut told) = (interval(LOOK_EVERY), None, None);
    loop {
        let is_new = tokio::select! {
            biased;
            () = context.tasks.stop().cancelled() => return,
            changed = settings.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            _ = look.tick() => false,
        };
        let (before, wanted) = (Arc::clone(&now.borrow()), Arc::clone(&settings.borrow_and_update()));
        let next = spawn_blocking(move || {
            // What is being written is not taken before it holds still.
            let stamp = before.prompt.stale();
            let is_due = is_new || (stamp.is_some() && stamp == seen) || !Arc::ptr_eq(&wanted, &before.settings);
            (stamp, is_due.then(|| before.renewed(wanted)))
        });
        let Ok((stamp, next)) = next.await else { return };
        seen = stamp;
        match next {
            None => {}
            Some(Ok(setup)) => {
                told = None;
                tracing::info!(
                    model = setup.model.name(),
                    "turns that begin now have the settings and the prompt as they are now"
                );
                now.send_replace(Arc::new(setup));
            }
            // It is tried again at each look, and each fault is said once.
            Some(Err(fault)) if told.as_ref() != Some(&fault) => {
                tracing::error!(fault, "the settings or the prompt cannot be used, and those before stay");
                metrics::counter!("stargazer_setups_refused_total").increment(1);
                told = Some(fault);
            }
            Some(Err(_)) => {}
        }
    }
}
