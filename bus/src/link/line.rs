//! A subscriber's own connection, to Redis or to what stands in for it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use redis::{PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::sync::mpsc;

use super::{Link, Push, Session, connection, subscribe::CONFIRM_TIMEOUT};
use crate::Error;

/// What the connection tells beside the messages that it forwards.
pub(super) enum Seen {
    Confirmed(Arc<str>),
    Broken,
}

/// Where what comes in goes.
pub(super) struct Inbox {
    pub(super) seen: mpsc::Sender<Seen>,
    pub(super) pushes: mpsc::Sender<Push>,
    /// Something did not fit, and was dropped.
    pub(super) overflowed: Arc<AtomicBool>,
}

pub(super) enum Line {
    Redis(MultiplexedConnection),
    Simulated { session: Box<dyn Session>, seen: mpsc::Sender<Seen> },
}

impl Line {
    pub(super) async fn connect(link: &Link, inbox: Inbox) -> Result<Self, Error> {
        match link {
            Link::Redis(clients) => {
                let config = connection(Some(CONFIRM_TIMEOUT)).set_push_sender(forward(inbox));
                Ok(Self::Redis(clients.resp3.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Link::Simulated(server) => {
                let Inbox { seen, pushes, overflowed } = inbox;
                let session = server.connect_pushed(Box::new(move |channel, payload| {
                    let message = Push::Message { channel: channel.into(), payload: Bytes::copy_from_slice(payload) };
                    if pushes.try_send(message).is_err() {
                        overflowed.store(true, Ordering::Release);
                    }
                }));
                Ok(Self::Simulated { session, seen })
            }
        }
    }

    /// Sends one (un)subscribe. Its confirmation comes as [`Seen::Confirmed`].
    pub(super) async fn send(&mut self, sharded: bool, add: bool, channel: &Arc<str>) -> Result<(), Error> {
        let name = match (sharded, add) {
            (true, true) => "SSUBSCRIBE",
            (true, false) => "SUNSUBSCRIBE",
            (false, true) => "SUBSCRIBE",
            (false, false) => "UNSUBSCRIBE",
        };
        match self {
            Self::Redis(connection) => {
                // The confirmation comes as a push, so no reply is waited for here.
                let mut command = redis::cmd(name);
                command.arg(&**channel).set_no_response(true);
                Ok(connection.send_packed_command(&command).await.map(drop)?)
            }
            Self::Simulated { session, seen } => {
                session.call(vec![name.into(), channel.as_bytes().to_vec()]).await.map_err(broken)?;
                if add {
                    let _ = seen.try_send(Seen::Confirmed(Arc::clone(channel)));
                }
                Ok(())
            }
        }
    }

    /// A sign of life. Commands are done in order, so everything that was sent before is done.
    pub(super) async fn ping(&mut self) -> Result<(), Error> {
        match self {
            Self::Redis(connection) => Ok(redis::cmd("PING").query_async::<()>(connection).await?),
            Self::Simulated { session, .. } => session.call(vec![b"PING".to_vec()]).await.map(drop).map_err(broken),
        }
    }
}

fn broken(error: io::Error) -> Error {
    RedisError::from(error).into()
}

/// The callback of the connection. It must not wait, so what does not fit is dropped and remembered.
fn forward(inbox: Inbox) -> impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static {
    move |push| {
        let Inbox { seen, pushes, overflowed } = &inbox;
        let fits = match push.kind {
            PushKind::Message | PushKind::SMessage => {
                message(push.data).is_none_or(|push| pushes.try_send(push).is_ok())
            }
            PushKind::Subscribe | PushKind::SSubscribe => {
                channel(push.data.first()).is_none_or(|channel| seen.try_send(Seen::Confirmed(channel)).is_ok())
            }
            PushKind::Disconnection => seen.try_send(Seen::Broken).is_ok(),
            _ => true,
        };
        if !fits {
            overflowed.store(true, Ordering::Release);
        }
        Ok(())
    }
}

fn message(data: Vec<Value>) -> Option<Push> {
    let mut parts = data.into_iter();
    let channel = channel(parts.next().as_ref())?;
    match parts.next()? {
        Value::BulkString(bytes) => Some(Push::Message { channel, payload: Bytes::from(bytes) }),
        _ => None,
    }
}

fn channel(value: Option<&Value>) -> Option<Arc<str>> {
    match value? {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok().map(Arc::from),
        Value::SimpleString(text) => Some(text.as_str().into()),
        _ => None,
    }
}
