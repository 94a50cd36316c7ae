//! What turns are run with: as the settings and the files that they name are now. A turn keeps what it began with.

use std::{sync::Arc, time::Duration};

use service::{Context, Settings};
use tokio::{sync::watch, task::spawn_blocking, time::interval};

use crate::{
    model::{self, Model},
    prompt::Prompt,
};

/// How often the prompt's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Setup {
    pub(crate) settings: Arc<Settings>,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) prompt: Prompt,
}

impl Setup {
    /// Of these settings, with the model that they choose.
    ///
    /// # Errors
    /// One line that says what is wrong with them.
    pub fn new(settings: Arc<Settings>) -> Result<Self, String> {
        let model = model::from_settings(&settings.model)?;
        Self::with_model(settings, model)
    }

    /// The same with another model.
    ///
    /// # Errors
    /// One line that says what is wrong with the prompt.
    pub fn with_model(settings: Arc<Settings>, model: Arc<dyn Model>) -> Result<Self, String> {
        let prompt = Prompt::new(&settings.prompt).map_err(|fault| format!("prompt: {fault}"))?;
        Ok(Self { settings, model, prompt })
    }
}

/// Keeps it as the settings and their files are, until the process stops. What cannot be used changes nothing.
pub(crate) async fn keep(now: watch::Sender<Arc<Setup>>, context: Context) {
    let mut settings = context.live.clone();
    let mut look = interval(LOOK_EVERY);
    let mut is_broken = false;
    loop {
        let before = Arc::clone(&now.borrow());
        let next = tokio::select! {
            biased;
            () = context.tasks.stop().cancelled() => return,
            changed = settings.changed() => match changed {
                Ok(()) => {
                    let next = Arc::clone(&settings.borrow_and_update());
                    spawn_blocking(move || Some(Setup::new(next)))
                }
                Err(_) => return,
            },
            _ = look.tick() => spawn_blocking(move || {
                let with_same_model = || Setup::with_model(Arc::clone(&before.settings), Arc::clone(&before.model));
                before.prompt.is_stale().then(with_same_model)
            }),
        };
        match next.await {
            Ok(None) => {}
            Ok(Some(Ok(setup))) => {
                is_broken = false;
                tracing::info!(
                    model = setup.model.name(),
                    "turns that begin now have the settings and the prompt as they are now"
                );
                now.send_replace(Arc::new(setup));
            }
            Ok(Some(Err(fault))) => {
                // It is looked at again each second, and said once.
                if !std::mem::replace(&mut is_broken, true) {
                    tracing::error!(fault, "the settings or the prompt cannot be used, and those before stay");
                    metrics::counter!("stargazer_setups_refused_total").increment(1);
                }
            }
            Err(_) => return,
        }
    }
}
