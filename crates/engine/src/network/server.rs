//! A small HTTP server: many connections at once, each with one request and for a limited time.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// How much a server does for those who connect.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections there are at once. Others wait.
    pub at_once: usize,
    /// How many bytes the head of a request may have: at least 8 KiB, which hyper wants.
    pub longest_head: usize,
    /// How long the head of a request may take to come.
    pub head: Duration,
    /// How long a connection may last.
    pub whole: Duration,
}

/// Answers for ever. Whoever is too slow, or goes away, needs no answer.
pub async fn serve<A>(
    listener: &TcpListener,
    limits: Limits,
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
) where
    A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(limits.at_once));
    // It is never closed.
    while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = timeout(limits.whole, converse(stream, limits, answer)).await;
                    drop(turn);
                });
            }
            // There are too many open files, say: others end meanwhile.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse<A>(
    stream: TcpStream,
    limits: Limits,
    answer: impl Fn(Request<Incoming>) -> A,
) -> Result<(), hyper::Error>
where
    A: Future<Output = Response<Full<Bytes>>>,
{
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .keep_alive(false)
        .max_buf_size(limits.longest_head);
    let service = service_fn(|request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    server.serve_connection(TokioIo::new(stream), service).await
}
