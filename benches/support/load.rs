//! A bare load: the bodies that we send, sent by nothing but a client.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use http::header::CONTENT_TYPE;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use weft::pipeline::Planned;
use weft::plan::Action;

use super::Failure;

/// As many requests are under way at once as ours are at most.
const IN_FLIGHT: usize = 64;

/// Where an object goes, and what is sent.
pub type Sent = (String, Vec<u8>);

/// The requests of a plan in which everything is new.
pub struct Load(Vec<Sent>);

impl Load {
    /// The objects of a plan in other namespaces: what these are called begins with `to` instead of `from`.
    pub fn of(planned: &Planned, from: &str, to: &str) -> Result<Self, Failure> {
        let steps = planned.plan.steps.iter().filter(|step| step.action == Action::Create);
        let mut sent = Vec::new();
        for desired in steps.filter_map(|step| step.object.desired.as_ref()) {
            let Some(namespace) = desired.id.namespace.as_deref() else { continue };
            let moved = namespace.replacen(from, to, 1);
            let resource = planned.discovery.resource(&desired.gvk).ok_or("an unknown kind")?;
            let (group, version) = (&desired.gvk.group, &desired.gvk.version);
            let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
            let (plural, name) = (&resource.plural, &desired.id.name);
            let query = "fieldManager=bare&fieldValidation=Strict";
            let body = serde_json::to_string(&desired.body.exposed())?;
            let key = "\"namespace\":";
            let body = body.replace(&format!("{key}\"{namespace}\""), &format!("{key}\"{moved}\""));
            sent.push((format!("{root}/namespaces/{moved}/{plural}/{name}?{query}"), body.into_bytes()));
        }
        Ok(Self(sent))
    }

    /// Every second object, and the others.
    pub fn halves(self) -> (Vec<Sent>, Vec<Sent>) {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for (at, it) in self.0.into_iter().enumerate() {
            if at % 2 == 0 { one.push(it) } else { two.push(it) }
        }
        (one, two)
    }
}

/// Sends them all; the time from the first request to the last answer.
pub async fn send(kubeconfig: &Path, load: Vec<Sent>) -> Result<Duration, Failure> {
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    let client = weft::network::client(config)?;
    let began = Instant::now();
    // Each on a task of its own, so that all cores work.
    let requests = load.into_iter().map(|(path, body)| {
        let client = client.clone();
        async move { tokio::spawn(apply(client, path, body)).await? }
    });
    let sent = futures::stream::iter(requests).buffer_unordered(IN_FLIGHT).try_collect::<Vec<()>>().await;
    sent.map_err(|error: Shared| error.to_string())?;
    Ok(began.elapsed())
}

async fn apply(client: Client, path: String, body: Vec<u8>) -> Result<(), Shared> {
    let request = http::Request::patch(&path).header(CONTENT_TYPE, "application/apply-patch+yaml");
    let answer = client.send(request.body(Body::from(body))?).await?;
    let status = answer.status();
    let said = answer.into_body().collect_bytes().await?;
    if status.is_success() { Ok(()) } else { Err(format!("{path}: {}", String::from_utf8_lossy(&said)).into()) }
}

/// A failure that may go from thread to thread.
type Shared = Box<dyn std::error::Error + Send + Sync>;
