//! A small receiver of webhooks: a request that is signed becomes an event, everything else is refused.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Forge, is_signed};
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::masked::Masked;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of a request.
const LONGEST_HEAD: usize = 16 << 10;
/// The largest body. GitHub sends at most 25 MB.
const LARGEST: usize = 25 << 20;

/// Something that happened at the forge.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What: `push`, `pull_request`.
    pub name: String,
    /// The text of its file.
    pub text: Vec<u8>,
}

/// Why events are not received.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The address cannot be used.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no secret, so that anybody could start jobs.
    #[error("`{variable}` has no secret")]
    NoSecret {
        /// The variable.
        variable: &'static str,
    },
}

impl Diagnose for ListenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Listen { .. } => Kind::Machine,
            Self::NoSecret { .. } => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Listen { .. } => "Another process has it, or it is not one of this machine: name another one.".into(),
            Self::NoSecret { .. } => "Give it and the webhook the same long random text.".into(),
        })
    }
}

/// A receiver at an address.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    forge: Forge,
    secret: Masked<String>,
}

impl Listener {
    /// Takes the address; with port 0 any free one.
    pub async fn bind(address: SocketAddr, forge: Forge, secret: Masked<String>) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, forge, secret })
    }

    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next event. Requests that are none are answered, and passed over.
    pub async fn next(&self) -> Event {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    // Who is too slow, or goes away, needs no answer.
                    if let Ok(Ok(Some(event))) = timeout(PATIENCE, self.converse(stream)).await {
                        return event;
                    }
                }
                // There are too many open files, say: others end meanwhile.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<Option<Event>> {
        let (answer, event) = match request(&mut stream).await? {
            Some((head, body)) => self.judge(&head, body),
            None => ("400 Bad Request", None),
        };
        let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
        Ok(event)
    }

    /// What a request is answered, and the event that it is.
    fn judge(&self, head: &str, body: Vec<u8>) -> (&'static str, Option<Event>) {
        if !head.starts_with("POST ") {
            return ("405 Method Not Allowed", None);
        }
        let header = |name: &str| header(head, name);
        if !is_signed(self.forge, &header, &body, &self.secret) {
            return ("403 Forbidden", None);
        }
        // GitHub sends a form where nobody chose JSON, and nothing could be read from that.
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return ("415 Unsupported Media Type", None);
        }
        let name = ["x-gitea-event", "x-github-event", "x-gitlab-event"].into_iter().find_map(header);
        ("202 Accepted", Some(Event { name: name.unwrap_or_default(), text: body }))
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let line = |line: &str| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    head.lines().skip(1).find_map(line)
}

/// The head and the body of a request, if it has a length that is taken.
async fn request(stream: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        bytes.extend_from_slice(&part[..count]);
        if count == 0 || bytes.len() > LONGEST_HEAD {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = match header(&head, "content-length").map(|it| it.parse::<usize>()) {
        Some(Ok(length)) if length <= LARGEST => length,
        None => 0,
        Some(_) => return Ok(None),
    };
    let mut body = bytes.split_off(end + 4);
    let have = body.len().min(length);
    body.resize(length, 0);
    stream.read_exact(&mut body[have..]).await?;
    Ok(Some((head, body)))
}
