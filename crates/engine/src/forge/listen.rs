//! A receiver of webhooks: a request that is signed becomes an event, everything else is refused.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use thiserror::Error;
use tokio::net::TcpListener;

use super::spool::{Intake, Spool};
use super::webhook::{could_be_signed, is_signed};
use super::{Forge, job};
use crate::network::{Limits, serve};
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::digest::Parts;
use weft_base::masked::Masked;

/// What is done for those who connect. GitHub gives a delivery up after 10 s.
const LIMITS: Limits =
    Limits { at_once: 64, longest_head: 16 << 10, head: Duration::from_secs(2), whole: Duration::from_secs(10) };
/// The largest body. GitHub sends at most 25 MB.
const LARGEST: usize = 25 << 20;
/// The headers that tell deliveries from each other.
const DELIVERIES: [&str; 3] = ["x-gitea-delivery", "x-github-delivery", "x-gitlab-event-uuid"];
/// The longest name of a delivery that is remembered.
const LONGEST_DELIVERY: usize = 100;

/// Something that happened at the forge.
#[derive(Clone, Debug, PartialEq)]
pub struct ForgeEvent {
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
    /// Accepted events cannot be kept.
    #[error("cannot keep events in `{folder}`")]
    Spool {
        /// The folder.
        folder: String,
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
            Self::Listen { .. } | Self::Spool { .. } => Kind::Machine,
            Self::NoSecret { .. } => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Listen { .. } => "Another process has it, or it is not one of this machine: name another one.".into(),
            Self::Spool { .. } => "Name a folder that can be written with `--spool`.".into(),
            Self::NoSecret { .. } => "Give it and the webhook the same long random text.".into(),
        })
    }
}

/// A receiver at an address.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    judge: Arc<DeliveryJudge>,
}

/// What decides about requests.
struct DeliveryJudge {
    forge: Forge,
    secret: Masked<String>,
    spool: Arc<Spool>,
}

impl Listener {
    /// Takes the address; with port 0 any free one. What is accepted goes into the spool.
    pub async fn bind(
        address: SocketAddr,
        forge: Forge,
        secret: Masked<String>,
        spool: Arc<Spool>,
    ) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, judge: Arc::new(DeliveryJudge { forge, secret, spool }) })
    }

    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Receives events for ever.
    pub async fn serve(&self) {
        let judge = Arc::clone(&self.judge);
        let answer = move |request| {
            let judge = Arc::clone(&judge);
            async move {
                let mut answer = Response::new(Full::default());
                *answer.status_mut() = judge.status(request).await;
                answer
            }
        };
        serve(&self.socket, LIMITS, answer).await;
    }
}

impl DeliveryJudge {
    /// What a request is answered. Nothing is read of a body whose head is not right.
    async fn status(&self, request: Request<Incoming>) -> StatusCode {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        match length(&head.headers) {
            None => return StatusCode::LENGTH_REQUIRED,
            Some(length) if length > LARGEST => return StatusCode::PAYLOAD_TOO_LARGE,
            Some(_) => {}
        }
        let header = |name: &str| head.headers.get(name)?.to_str().ok().map(|it| it.trim().to_owned());
        if !could_be_signed(self.forge, &header, &self.secret) {
            return StatusCode::FORBIDDEN;
        }
        let Ok(body) = Limited::new(body, LARGEST).collect().await else { return StatusCode::BAD_REQUEST };
        let body = body.to_bytes();
        if !is_signed(self.forge, &header, &body, &self.secret) {
            return StatusCode::FORBIDDEN;
        }
        let deliveries = DELIVERIES.into_iter().filter_map(header).filter(|it| is_delivery(it));
        self.take(&body, deliveries)
    }

    fn take(&self, body: &Bytes, deliveries: impl Iterator<Item = String>) -> StatusCode {
        // GitHub sends a form where nobody chose JSON, and nothing could be read from that.
        let Ok(content) = serde_json::from_slice(body) else { return StatusCode::UNSUPPORTED_MEDIA_TYPE };
        let event = ForgeEvent { name: job::event_name(self.forge, &content), text: body.to_vec() };
        // Who repeats a request may give it another name: only the body is signed.
        let mut digest = Parts::default();
        digest.add(body);
        let marks: Vec<String> = deliveries.chain([digest.hex()]).collect();
        match self.spool.put(&event, &marks) {
            Ok(Intake::Accepted) => StatusCode::ACCEPTED,
            Ok(Intake::Repeated) => StatusCode::CONFLICT,
            Ok(Intake::Full) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_delivery(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_DELIVERY
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
}
