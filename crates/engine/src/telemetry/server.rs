//! A server of a few pages, for probes and scrapers: they ask once for a path, and the connection ends with the answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use weft_base::diagnostic::{Diagnose, Kind};

/// How long a request may take to come, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest head of a request, in bytes.
const LONGEST: usize = 8 * 1024;
/// How many requests are served at once.
const AT_ONCE: usize = 256;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its text.
    pub text: String,
}

impl Answer {
    /// This text, with 200.
    pub fn text(text: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, text: text.into() }
    }

    /// Of a probe: `ok`, or 503 with what is missing.
    pub fn probe(missing: &[&str]) -> Self {
        if missing.is_empty() {
            return Self::text("ok\n");
        }
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text: missing.join("\n") + "\n" }
    }

    fn empty(status: StatusCode) -> Self {
        Self { status, text: format!("{status}\n") }
    }
}

/// A path, and what makes its answer each time.
pub type Page = (&'static str, Box<dyn Fn() -> Answer + Send + Sync>);

/// Why nothing is served.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Diagnose for TelemetryError {
    fn kind(&self) -> Kind {
        Kind::Machine
    }

    fn hint(&self) -> Option<String> {
        Some("Another process has it, or it is not one of this machine: name another one.".to_owned())
    }
}

/// Pages at an address. It is served as long as [`Server::serve`] runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    pages: Arc<[Page]>,
}

impl Server {
    /// Takes the address; with port 0 any free one.
    pub async fn bind(address: SocketAddr, pages: Vec<Page>) -> Result<Self, TelemetryError> {
        let failed = |source| TelemetryError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, pages: pages.into() })
    }

    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for ever. It holds no more than a few requests at once, and each for some seconds.
    pub async fn serve(self) {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        // It is never closed.
        while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let pages = Arc::clone(&self.pages);
                    tokio::spawn(async move {
                        // Who goes away needs no answer.
                        let _ = timeout(2 * PATIENCE, converse(stream, &pages)).await;
                        drop(turn);
                    });
                }
                // There are too many open files, say: others end meanwhile.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn converse(mut stream: TcpStream, pages: &[Page]) -> io::Result<()> {
    let (answer, body) = match timeout(PATIENCE, head(&mut stream)).await {
        Ok(head) => answer(&head?, pages),
        Err(_) => (Answer::empty(StatusCode::REQUEST_TIMEOUT), true),
    };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.text.len()
    );
    let text = if body { head + &answer.text } else { head };
    timeout(PATIENCE, stream.write_all(text.as_bytes())).await??;
    stream.shutdown().await
}

/// The head of a request, as far as it came or is taken.
async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    while !is_whole(&head) && head.len() < LONGEST {
        let mut part = [0; 512];
        let count = stream.read(&mut part).await?;
        head.extend_from_slice(&part[..count]);
        if count == 0 {
            break;
        }
    }
    Ok(head)
}

fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n")
}

/// The answer to a request, and whether its text is wanted.
fn answer(head: &[u8], pages: &[Page]) -> (Answer, bool) {
    if !is_whole(head) {
        let long = head.len() >= LONGEST;
        let status = if long { StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        return (Answer::empty(status), true);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split(' ').collect();
    let [method, path, "HTTP/1.0" | "HTTP/1.1"] = words.as_slice() else {
        return (Answer::empty(StatusCode::BAD_REQUEST), true);
    };
    let path = path.split('?').next().unwrap_or_default();
    let answer = match (*method, pages.iter().find(|(known, _)| *known == path)) {
        (_, None) => Answer::empty(StatusCode::NOT_FOUND),
        ("GET" | "HEAD", Some((_, page))) => page(),
        _ => Answer::empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    (answer, *method != "HEAD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_answered() {
        let pages: Vec<Page> = vec![
            ("/healthz", Box::new(|| Answer::probe(&[]))),
            ("/readyz", Box::new(|| Answer::probe(&["the server does not answer"]))),
        ];
        let said = |request: &str| {
            let (answer, body) = answer(request.as_bytes(), &pages);
            format!("{} {}{}", answer.status.as_u16(), answer.text, if body { "" } else { "(head)" })
        };
        for (request, expected) in [
            ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 ok\n"),
            ("GET /healthz?verbose HTTP/1.1\r\n\r\n", "200 ok\n"),
            ("HEAD /healthz HTTP/1.1\r\n\r\n", "200 ok\n(head)"),
            ("GET /readyz HTTP/1.0\r\n\r\n", "503 the server does not answer\n"),
            ("GET / HTTP/1.1\r\n\r\n", "404 404 Not Found\n"),
            ("POST /healthz HTTP/1.1\r\n\r\n", "405 405 Method Not Allowed\n"),
            ("GET /healthz\r\n\r\n", "400 400 Bad Request\n"),
            ("\u{16}\u{3}\u{1}\r\n\r\n", "400 400 Bad Request\n"),
            ("GET /healthz HTTP/1.1\r\n", "400 400 Bad Request\n"),
        ] {
            assert_eq!(said(request), expected, "{request:?}");
        }
        assert_eq!(answer(&[b'a'; LONGEST], &pages).0.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
}
