//! Fetches from real servers on this machine: where they lead, what they send, and how long they take.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

mod bodies;
mod names;
mod redirects;
mod server;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use fetch::{Error, Fetched, Fetcher, Policy, Request, Resolver};
use futures_util::future::BoxFuture;

/// Long enough for any machine; what is to run out is set by its test.
const AMPLE: Duration = Duration::from_secs(30);

/// A policy that lists these.
fn policy(allow: &[&str]) -> Policy {
    Policy {
        allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
        allow_setting: "media.allow",
        is_http_allowed: true,
        bytes_max: 1000,
        redirects_max: 3,
        connect_timeout: AMPLE,
        read_timeout: AMPLE,
        total_timeout: AMPLE,
    }
}

/// Answers by a script: each host's answers one after the other, the last one for ever.
#[derive(Debug, Default)]
struct Names(Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn new(hosts: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let host = |(name, answers): &(&str, &[&[&str]])| ((*name).to_owned(), answers.iter().map(addresses).collect());
        Arc::new(Self(Mutex::new(hosts.iter().map(host).collect())))
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut hosts = self.0.lock().unwrap();
        let answers = hosts.get_mut(host).filter(|answers| !answers.is_empty());
        let answer = answers.map(|answers| match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        });
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such host")) })
    }
}

fn fetcher(policy: Policy, names: Arc<Names>) -> Fetcher {
    Fetcher::with_resolver(policy, names).unwrap()
}

/// Fetches once, with a fetcher of its own, from servers of this machine.
async fn fetch(policy: Policy, url: &str) -> Result<Fetched, Error> {
    let local: &[&[&str]] = &[&["127.0.0.1"]];
    let names = Names::new(&[("files.example", local), ("other.example", local)]);
    fetcher(policy, names).fetch(Request::new(url)).await
}
