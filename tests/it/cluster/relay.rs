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

/// How connections end.
#[derive(Clone, Copy)]
enum End {
    /// Both sides are told.
    Cut,
    /// Nobody is told, and nothing comes any more.
    Dead,
}

/// Passes bytes on, whatever they are.
pub struct Relay {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
    end: watch::Sender<Option<End>>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Opens a way.
    pub async fn open() -> io::Result<Self> {
        let server = server().trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, opened, end) = (listener.local_addr()?, Arc::<AtomicUsize>::default(), watch::Sender::new(None));
        let (count, ends) = (Arc::clone(&opened), end.clone());
        let task = tokio::spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (server, mut end) = (server.clone(), ends.subscribe());
                pipes.spawn(async move {
                    let mut far = TcpStream::connect(server).await?;
                    tokio::select! {
                        passed = tokio::io::copy_bidirectional(&mut near, &mut far) => passed.map(drop),
                        _ = end.changed() => {
                            let is_dead = matches!(*end.borrow_and_update(), Some(End::Dead));
                            if is_dead {
                                std::future::pending::<()>().await;
                            }
                            Ok(())
                        }
                    }
                });
            }
        });
        Ok(Self { address, opened, end, task })
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
        self.end.send_replace(Some(End::Cut));
    }

    /// Nothing goes through the connections any more, and neither side knows. New ones can be made.
    pub fn deaden(&self) {
        self.end.send_replace(Some(End::Dead));
    }

    /// Ends all connections for good.
    pub fn close(&self) {
        self.task.abort();
    }
}
