//! A way to the shared API server that can be cut.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use weft::project::ClusterRef;

use super::{admin, server};

/// Passes bytes on, whatever they are.
pub struct Relay {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
    cut: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Opens a way.
    pub async fn open() -> io::Result<Self> {
        let server = server().trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, opened, cut) = (listener.local_addr()?, Arc::<AtomicUsize>::default(), watch::Sender::new(()));
        let (count, cuts) = (Arc::clone(&opened), cut.clone());
        let task = tokio::spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (server, mut cut) = (server.clone(), cuts.subscribe());
                pipes.spawn(async move {
                    let mut far = TcpStream::connect(server).await?;
                    tokio::select! {
                        passed = tokio::io::copy_bidirectional(&mut near, &mut far) => passed.map(drop),
                        _ = cut.changed() => Ok(()),
                    }
                });
            }
        });
        Ok(Self { address, opened, cut, task })
    }

    /// The shared server, by this way.
    pub fn reference(&self) -> ClusterRef {
        ClusterRef { server: Some(format!("https://{}", self.address)), ..admin() }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Ends all connections. New ones can be made.
    pub fn cut(&self) {
        self.cut.send_replace(());
    }

    /// Ends all connections for good.
    pub fn close(&self) {
        self.task.abort();
    }
}
