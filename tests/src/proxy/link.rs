//! One connection through the proxy: two directions, each with what happens to it.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

use super::{Flow, Policy, Shared, reset, rewrite::Rewriter};

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;

/// Passes bytes on until one end closes or the proxy resets its connections.
pub(super) async fn serve(mut client: TcpStream, number: u64, shared: Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let mut resets = shared.resets.subscribe();
    let Ok(mut server) = UnixStream::connect(&shared.socket).await else { return reset(client) };
    {
        let (mut client_reader, mut client_writer) = client.split();
        let (mut server_reader, mut server_writer) = server.split();
        tokio::select! {
            _ = requests(&mut client_reader, &mut server_writer, number, &shared) => {}
            _ = replies(&mut server_reader, &mut client_writer, number, &shared) => {}
            _ = resets.changed() => {}
        }
    }
    reset(client);
}

async fn requests(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    number: u64,
    shared: &Shared,
) -> io::Result<()> {
    let mut rewriter = shared.saboteur.clone().map(Rewriter::new);
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        if passes(number, shared, |policy| policy.requests).await {
            match &mut rewriter {
                Some(rewriter) => to.write_all(&rewriter.pass(&chunk[..count])).await?,
                None => to.write_all(&chunk[..count]).await?,
            }
        }
    }
}

async fn replies(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    number: u64,
    shared: &Shared,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut is_heard = true;
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        if passes(number, shared, |policy| policy.replies).await && is_heard {
            let left = shared.replies_left.fetch_sub(count as i64, Ordering::Relaxed);
            let count = usize::try_from(left).map_or(0, |left| left.min(count));
            // A process that is gone may have sent something that is still held back, and that shall arrive.
            is_heard = to.write_all(&chunk[..count]).await.is_ok();
        }
    }
}

/// Waits as long as the bytes of a direction have to; false when they are lost.
async fn passes(number: u64, shared: &Shared, flow: impl Fn(&Policy) -> Flow) -> bool {
    let mut policy = shared.policy.subscribe();
    loop {
        let now = *policy.borrow_and_update();
        match flow(&now) {
            _ if number < now.half_open => return false,
            Flow::Open => return true,
            Flow::Late(time) => {
                tokio::time::sleep(time).await;
                return true;
            }
            Flow::Held => {
                if policy.changed().await.is_err() {
                    return false;
                }
            }
        }
    }
}
