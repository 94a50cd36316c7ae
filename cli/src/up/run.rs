//! The run of `up`, read from top to bottom.

use std::path::Path;

use service::{Exit, Settings};

use super::{
    banner::{self, Banner},
    complaints::complaints,
    discovery,
    house::{Event, House},
    plan::{Home, Plan},
    status::{Place, places},
};
use crate::{Refusal, arguments::Up, environment::Environment, say, say::Screen};

/// Starts everything, says where it is, and ends everything.
pub(super) async fn run(arguments: &Up, environment: &Environment) -> Result<Exit, Refusal> {
    let Plan { settings, redis, home, gateway, workers, sockets } = Plan::new(arguments, environment)?;
    let screen = Screen::new(environment.get("NO_COLOR").is_some());
    let mut house = House::new(screen)?;

    if let Some(redis) = redis {
        house.start([redis]);
        match house.until_ready().await {
            Event::AllReady => {}
            event => return end(house, screen, event, home.as_ref().map(|home| home.data.as_path())).await,
        }
    }
    // The worker is ended before the gateway, so that what it still answers is still carried out.
    house.start([gateway]);
    house.start(workers);
    let event = match house.until_ready().await {
        Event::AllReady => {
            let places = house.statuses().flat_map(|(name, status)| places(name, status)).collect();
            let welcome = welcome(&settings, home.as_ref(), places, &arguments.called);
            // The watch goes on meanwhile: a signal does not wait for the welcome.
            tokio::select! {
                biased;
                event = house.until_end() => event,
                () = async { welcome.await; std::future::pending().await } => Event::AllReady,
            }
        }
        event => event,
    };
    let exit = end(house, screen, event, None).await;
    drop((home, sockets));
    exit
}

/// Finds out how everything does, and shows it.
async fn welcome(settings: &Settings, home: Option<&Home>, places: Vec<Place>, called: &str) {
    let model = banner::model(settings);
    let look = async { if model.is_some() { Vec::new() } else { discovery::look().await } };
    let (found, mut complaints, asked) =
        tokio::join!(look, all_complaints(&places), inference::model::check(&settings.model));
    complaints.extend(asked.err().map(|problem| problem.to_string()));
    let (places, pages) = (banner::rows(places, home), banner::pages(settings));
    say::answer(Banner { places, complaints: &complaints, model, found: &found, pages, called });
}

async fn all_complaints(places: &[Place]) -> Vec<String> {
    let mut all = Vec::new();
    for place in places {
        if let Some(address) = place.health() {
            all.extend(complaints(address).await.into_iter().map(|complaint| format!("{}: {complaint}", place.of)));
        }
    }
    all
}

/// Ends everything. `data` is what a Redis that cannot run was to open.
async fn end(house: House, screen: Screen, event: Event, data: Option<&Path>) -> Result<Exit, Refusal> {
    let refusal = match event {
        Event::Refused { name, ended } => {
            let exit = if ended.is_configuration() { Exit::Configuration } else { Exit::NoRedis };
            let mut lines = vec![format!("{name} cannot run: it {ended}")];
            lines.extend(data.map(|data| {
                let data = data.display();
                format!("what it says about it stands above; its data are in {data}. Mend them with redis-check-aof, or name another folder with --data-dir")
            }));
            Some(Refusal { exit, lines })
        }
        Event::AllReady | Event::Signal => {
            screen.own("stopping; Ctrl-C again ends at once");
            None
        }
    };
    let exit = house.end().await;
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    screen.own(if matches!(exit, Exit::Signal(_)) { "ended at once" } else { "stopped" });
    Ok(exit)
}
