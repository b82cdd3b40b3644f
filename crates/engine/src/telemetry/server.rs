//! A server of a few pages, for probes and scrapers: they ask once for a path, and the connection ends with the answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::network::{Limits, serve};
use weft_base::diagnostic::{Diagnose, Kind};

/// What is done for those who connect.
const LIMITS: Limits =
    Limits { at_once: 256, longest_head: 8 << 10, head: Duration::from_secs(3), whole: Duration::from_secs(6) };
/// What each page is.
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its text.
    pub text: String,
}

impl PageResponse {
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
pub type MetricsPage = (&'static str, Box<dyn Fn() -> PageResponse + Send + Sync>);

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

/// Pages at an address. It is served as long as [`MetricsServer::serve`] runs.
pub struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
    pages: Arc<[MetricsPage]>,
}

impl MetricsServer {
    /// Takes the address; with port 0 any free one.
    pub async fn bind(address: SocketAddr, pages: Vec<MetricsPage>) -> Result<Self, TelemetryError> {
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
        let pages = self.pages;
        let respond = move |request: http::Request<_>| {
            let answer = answer(request.method(), request.uri().path(), &pages);
            async { response(answer) }
        };
        serve(&self.listener, LIMITS, respond).await;
    }
}

fn response(answer: PageResponse) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.text));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to a request. Of one to `HEAD` only the head is sent.
fn answer(method: &Method, path: &str, pages: &[MetricsPage]) -> PageResponse {
    match pages.iter().find(|(known, _)| *known == path) {
        None => PageResponse::empty(StatusCode::NOT_FOUND),
        Some((_, page)) if matches!(*method, Method::GET | Method::HEAD) => page(),
        Some(_) => PageResponse::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_answered() {
        let pages: Vec<MetricsPage> = vec![
            ("/healthz", Box::new(|| PageResponse::probe(&[]))),
            ("/readyz", Box::new(|| PageResponse::probe(&["the server does not answer"]))),
        ];
        for (method, path, expected) in [
            (Method::GET, "/healthz", "200 ok\n"),
            (Method::HEAD, "/healthz", "200 ok\n"),
            (Method::GET, "/readyz", "503 the server does not answer\n"),
            (Method::GET, "/", "404 404 Not Found\n"),
            (Method::POST, "/healthz", "405 405 Method Not Allowed\n"),
        ] {
            let answer = answer(&method, path, &pages);
            assert_eq!(format!("{} {}", answer.status.as_u16(), answer.text), expected, "{method} {path}");
        }
    }
}
