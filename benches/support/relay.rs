//! A relay between a client and a server on this machine: it delays what the client says, or counts its requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::Failure;

/// What ends the first line of a request that is not encrypted.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";

/// A running relay. It ends with the runtime.
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Relay {
    /// Passes connections on to `server`. Each piece of data of the client arrives `delay` later; since a client says
    /// nothing more before it has its answer, that is one delay a request, and two for the handshake of TLS.
    pub fn start(runtime: &Runtime, server: SocketAddr, delay: Duration) -> Result<Self, Failure> {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that breaks is what the client sees, too.
                tokio::spawn(pass(client, server, delay, Arc::clone(&count)));
            }
        });
        Ok(Self { address, requests })
    }

    /// How many requests came by, as far as they were not encrypted.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn pass(client: TcpStream, server: SocketAddr, delay: Duration, count: Arc<AtomicUsize>) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let (mut bytes, mut carry) = (vec![0u8; 64 * 1024], Vec::<u8>::new());
    loop {
        let read = from_client.read(&mut bytes).await?;
        if read == 0 {
            return to_server.shutdown().await;
        }
        carry.extend(&bytes[..read]);
        count.fetch_add(carry.windows(REQUEST.len()).filter(|it| *it == REQUEST).count(), Ordering::Relaxed);
        carry.drain(..carry.len().saturating_sub(REQUEST.len() - 1));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        to_server.write_all(&bytes[..read]).await?;
    }
}
