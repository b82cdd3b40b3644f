//! Telling others what a look found: a file or a gateway of metrics, a webhook, Events.

use std::path::PathBuf;

use clap::Args;
use http::{Method, Request, header};

use super::metrics::metrics;
use crate::cli::terminal::Terminal;
use crate::cli::{files, settings, wait};
use crate::cluster::Cluster;
use crate::diagnostic::Failure;
use crate::drift::{CLOUD_EVENTS, DriftNews, EnvironmentCheck, Verdict, cloud_event, news};
use crate::forge::signature;
use crate::masked::Masked;
use crate::network::{Network, NetworkError, Trust};

/// The variable with the key of signatures.
const SECRET: &str = "WEFT_WEBHOOK_SECRET";
/// The header with the signature of a webhook's body: `sha256=` and its HMAC in hex.
const SIGNATURE: &str = "X-Weft-Signature";
/// Answers are not read any further.
const ANSWER: usize = 64 * 1024;

// Who is told.
#[derive(Clone, Debug, Args)]
pub(super) struct TellArgs {
    /// Write metrics to this file at once, as the textfile collector of Prometheus' node exporter reads them.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Push metrics to the Prometheus Pushgateway at this address.
    #[arg(long, value_name = "URL", env = "WEFT_DRIFT_PUSH", hide_env_values = true)]
    push: Option<String>,
    /// Post what is new to this address, as an event of `CloudEvents` 1.0 in JSON. With `WEFT_WEBHOOK_SECRET` in the environment
    /// the header `X-Weft-Signature` has its HMAC.
    #[arg(long, value_name = "URL", env = "WEFT_DRIFT_WEBHOOK", hide_env_values = true)]
    webhook: Option<String>,
    /// Write what is new as Kubernetes Events into the namespace of the state.
    #[arg(long)]
    events: bool,
}

/// What tells them.
pub(super) struct Teller {
    args: TellArgs,
    network: Network,
    secret: Option<Masked<String>>,
}

impl TellArgs {
    /// What tells them, with the proxies and the secret of the process's environment.
    pub fn teller(&self) -> Result<Teller, Failure> {
        let variables = settings::process();
        for address in self.push.iter().chain(&self.webhook) {
            let scheme = address.parse::<http::Uri>().ok().and_then(|it| it.scheme_str().map(str::to_owned));
            if !matches!(scheme.as_deref(), Some("http" | "https")) {
                return Err(NetworkError::Address { address: host(address) }.into());
            }
        }
        let network = Network::new(settings::own().network()?);
        let secret = variables.get(SECRET).filter(|it| !it.is_empty()).cloned().map(Masked::new);
        Ok(Teller { args: self.clone(), network, secret })
    }
}

impl Teller {
    /// Tells all who are to be told; `doors` are the clusters of the environments, with the namespaces of their state. Says
    /// what went wrong, and whether anything did.
    pub fn tell(&self, told: &[EnvironmentCheck<'_>], doors: &[Option<(&Cluster, &str)>], terminal: &Terminal) -> bool {
        let mut wrong = Vec::new();
        if let Some(file) = &self.args.metrics {
            wrong.extend(files::publish(file, metrics(told)).err().map(|it| it.to_string()));
        }
        for (told, door) in told.iter().zip(doors).filter(|(told, _)| told.verdict() != Verdict::Skipped) {
            wrong.extend(self.push(told).err());
            let Some(note) = news(told) else { continue };
            wrong.extend(self.post(told, &note).err());
            if let (true, Some((cluster, namespace))) = (self.args.events, door) {
                let written = cluster.tell_of_findings(namespace, told.environment, told.at, &note);
                let written = wait(async { Ok::<_, Failure>(written.await) });
                wrong.extend(written.ok().and_then(Result::err).map(|it| format!("the Event was not written: {it}")));
            }
        }
        for why in &wrong {
            terminal.warn(&format!("Not everybody was told: {why}."));
        }
        !wrong.is_empty()
    }

    /// The metrics of one environment, which take the place of those that were pushed before.
    fn push(&self, told: &EnvironmentCheck<'_>) -> Result<(), String> {
        let Some(base) = &self.args.push else { return Ok(()) };
        let address = format!("{}/metrics/job/weft-drift/environment/{}", base.trim_end_matches('/'), told.environment);
        let told = EnvironmentCheck { environment: told.environment, at: told.at, fate: told.fate };
        let body = metrics(&[told]).into_bytes();
        self.send(Method::PUT, &address, "text/plain; version=0.0.4", body, "the Pushgateway")
    }

    fn post(&self, told: &EnvironmentCheck<'_>, note: &DriftNews) -> Result<(), String> {
        let Some(address) = &self.args.webhook else { return Ok(()) };
        let body = cloud_event(told, note).to_string().into_bytes();
        self.send(Method::POST, address, CLOUD_EVENTS, body, "the webhook")
    }

    fn send(&self, method: Method, address: &str, kind: &str, body: Vec<u8>, who: &str) -> Result<(), String> {
        let mut request = Request::builder().method(method).uri(address).header(header::CONTENT_TYPE, kind);
        if let Some(secret) = self.secret.as_ref().filter(|_| kind == CLOUD_EVENTS) {
            request = request.header(SIGNATURE, signature(secret, &body));
        }
        let request = request.body(body).map_err(|_| format!("{who} has no address"))?;
        let trust = Trust::default();
        let sent = self.network.send(request, None, &trust, ANSWER);
        let sent = wait(async { Ok::<_, Failure>(sent.await) }).map_err(|_| format!("{who} was not reached"))?;
        sent.map(drop).map_err(|error| format!("{who} at {} {}", host(address), without_address(&error)))
    }
}

/// The host of an address: its path and its user may be secrets.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// What went wrong, without the address.
fn without_address(error: &NetworkError) -> String {
    match error {
        NetworkError::Silent { reason, .. } => format!("does not answer: {reason}"),
        NetworkError::Refused { status, .. } => format!("answers {status}"),
        NetworkError::Certificates { reason, .. } => format!("has certificates that cannot be used: {reason}"),
        NetworkError::Proxy(error) => format!("is behind a proxy that cannot be used: {error}"),
        _ => "cannot be told".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        assert_eq!(host("https://me:secret@hooks.example.com:8443/T0/hunter2?x"), "hooks.example.com:8443");
    }
}
