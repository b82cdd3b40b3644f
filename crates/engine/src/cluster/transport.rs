//! The client for API servers: it sends one request and reads its answer. [`Cluster`](super::Cluster) adds a slot in
//! flight, the lease and the redactor; the operator adds its leadership; a sandbox uses it as it is.

use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request as HttpRequest, header};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, Config};
use serde::de::DeserializeOwned;

use super::reach::ApiServer;
use super::request::{Answer, Distance, Request, settled};
use super::retry::Tries;
use super::target::Resolved;
use super::{ClusterError, Target, credentials, reach};
use crate::network;

/// How long an answer may take in whole. The server's own limit is 60 s for reads, 34 s for patches.
pub(super) const DEADLINE: Duration = Duration::from_secs(90);

/// As whom a request is sent.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'i> {
    /// As whom the client was made for.
    Own,
    /// By this `Authorization` header. The client must have no credentials of its own, which would replace it.
    Token(&'i HeaderValue),
    /// As this user, whom our own account impersonates.
    Impersonated(&'i str),
}

/// A client for one API server. Clones share its connections.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    server: ApiServer,
    expiry: credentials::Expiry,
    patience: Duration,
    distance: Distance,
}

impl Transport {
    /// The client for a target, with the target's own credentials. It waits `patience` for an answer to begin.
    pub fn new(target: &Target, patience: Duration) -> Result<Self, ClusterError> {
        Self::with(target.resolve()?, patience)
    }

    /// The same without the target's credentials, for requests that each bring a token.
    pub fn without_credentials(target: &Target, patience: Duration) -> Result<Self, ClusterError> {
        let mut resolved = target.resolve()?;
        resolved.config.auth_info = AuthInfo::default();
        Self::with(resolved, patience)
    }

    /// The client of these settings.
    pub(super) fn with(resolved: Resolved, patience: Duration) -> Result<Self, ClusterError> {
        // Only the first call decides, and all calls say the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Resolved { mut config, expiry, from, .. } = resolved;
        config.default_retry = false;
        let server = server_of(&config, from);
        let client = network::client(config).map_err(|error| reach::client(&server, error))?;
        Ok(Self { client, server, expiry, patience, distance: Distance::default() })
    }

    /// The server's address.
    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// The client underneath, for watches and events.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request once. `deadline` is for the whole answer.
    pub async fn exchange(
        &self,
        identity: Identity<'_>,
        request: &Request,
        deadline: Duration,
    ) -> Result<Answer, ClusterError> {
        let began = Instant::now();
        let answer = tokio::time::timeout(deadline, self.converse(identity, request)).await;
        let late = |_| self.silent(format!("it took longer than {} s", deadline.as_secs()));
        let answer = answer.map_err(late).flatten()?;
        self.distance.note(began.elapsed());
        Ok(answer)
    }

    async fn converse(&self, identity: Identity<'_>, request: &Request) -> Result<Answer, ClusterError> {
        let failed = |error| reach::request(&self.server, error);
        let mut http = HttpRequest::builder()
            .method(&request.method)
            .uri(&request.path)
            .header(header::ACCEPT, request.accept)
            .header(header::CONTENT_TYPE, request.content_type)
            .header(header::ACCEPT_ENCODING, if self.distance.is_near() { "identity" } else { "gzip" });
        match identity {
            Identity::Own => {}
            Identity::Token(token) => http = http.header(header::AUTHORIZATION, token),
            Identity::Impersonated(user) => http = http.header("Impersonate-User", user),
        }
        let http = http.body(Body::from(request.body.clone()));
        let http = http.map_err(|error| failed(kube::Error::HttpError(error)))?;
        let silent = |_| self.silent(format!("nothing came within {} s", self.patience.as_secs()));
        // A connection that others use as well is not silent.
        let sent = tokio::time::timeout(self.patience, self.client.send(http));
        let response = sent.await.map_err(silent)?.map_err(failed)?;
        let (parts, body) = response.into_parts();
        let retry_after = parts.headers.get(&header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
        let body = body.collect_bytes().await.map_err(failed)?;
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Answer { code: parts.status.as_u16(), body: body.into(), retry_after, unsure: false })
    }

    /// Sends a request as often as the retry policy says.
    pub async fn send(&self, request: &Request) -> Result<Answer, ClusterError> {
        let began = Instant::now();
        let mut tries = Tries::new(self.patience);
        loop {
            let attempt = self.exchange(Identity::Own, request, DEADLINE).await;
            match tries.again(&attempt, began.elapsed()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return settled(attempt, tries.unsure),
            }
        }
    }

    /// Sends a request and reads the object that comes back; `None` for what is not there.
    pub async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, ClusterError> {
        let answer = self.send(request).await?;
        if request.method == Method::GET && answer.code == 404 {
            return Ok(None);
        }
        self.done(request, &answer)?.object(request).map(Some)
    }

    /// An answer that says yes; otherwise what the refusal means.
    pub fn done<'a>(&self, request: &Request, answer: &'a Answer) -> Result<&'a Answer, ClusterError> {
        if answer.is_success() {
            return Ok(answer);
        }
        Err(self.refused(request, answer.code, answer.status().message))
    }

    /// What a refusal means. `message` is what the server said, without secrets.
    pub(super) fn refused(&self, request: &Request, code: u16, message: String) -> ClusterError {
        match (code, &request.right) {
            (401, _) => self.unauthorized(),
            (403, Some(right)) => ClusterError::Forbidden { right: Box::new(right.clone()), message },
            (code, _) => ClusterError::Refused { what: request.what.clone(), message, code },
        }
    }

    /// The server does not know who we are.
    pub(super) fn unauthorized(&self) -> ClusterError {
        let over = self.expiry.over(Timestamp::now()).map(|(what, end)| format!("{what} ended at {end}"));
        ClusterError::Unauthorized { server: self.server.address.clone(), over }
    }

    /// No answer came although the request was sent.
    pub(super) fn silent(&self, reason: String) -> ClusterError {
        ClusterError::Unreachable { server: self.server.address.clone(), reason, sent: true }
    }
}

fn server_of(config: &Config, credentials: String) -> ApiServer {
    ApiServer {
        address: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        credentials,
        plugin: config.auth_info.exec.as_ref().and_then(|it| it.command.clone()).unwrap_or_default(),
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transport to {}", self.server.address)
    }
}
