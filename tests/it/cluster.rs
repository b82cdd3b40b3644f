//! Tests of `cluster` and `apply` on a real control plane.

mod adopting;
mod applying;
mod connecting;
mod guarding;
mod judging;
mod keeping;
mod relay;
mod rights;

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value as Json;
use weft::cluster::{Cluster, Target};
use weft::manifest::{Object, ObjectId};
use weft::project::ClusterRef;
use weft::schema::{Discovery, Gvk, Scope};
use weft::value::{Origin, Value};

use crate::cases::own;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    [
        connecting::trials(),
        rights::trials(),
        keeping::trials(),
        applying::trials(),
        guarding::trials(),
        adopting::trials(),
        judging::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The target of a reference, without anything of this machine's environment.
fn target(reference: &ClusterRef) -> Target {
    Target::new(reference, Path::new("/"), own([]).cluster().expect("clusters")).of_user()
}

/// The reference to the shared control plane, as its administrator.
fn admin() -> ClusterRef {
    ClusterRef { kubeconfig: Some(shared().kubeconfig().display().to_string()), ..ClusterRef::default() }
}

/// The shared control plane, as its administrator. It must be used within `block_on`.
pub async fn cluster() -> Cluster {
    Cluster::connect(&target(&admin())).await.expect("a connection")
}

/// The address of the shared control plane.
fn server() -> String {
    let kubeconfig = kube::config::Kubeconfig::read_from(shared().kubeconfig()).expect("a kubeconfig");
    let cluster = kubeconfig.clusters.into_iter().find_map(|it| it.cluster).expect("a cluster");
    cluster.server.expect("an address")
}

/// An object as the repository wants it.
pub fn object(release: &str, namespace: Option<&str>, mut body: Json, discovery: &Discovery) -> Object {
    let text = |key: &str| body[key].as_str().expect("a text").to_owned();
    let gvk = Gvk::new(&text("apiVersion"), &text("kind"));
    let scope = discovery.resource(&gvk).map(|it| it.scope);
    let namespace = namespace.filter(|_| scope != Some(Scope::Cluster)).map(str::to_owned);
    if let Some(namespace) = &namespace {
        body["metadata"]["namespace"] = namespace.clone().into();
    }
    let name = body["metadata"]["name"].as_str().expect("a name").to_owned();
    let body: Value = serde_json::from_value(body).expect("a value");
    let id = ObjectId { kind: gvk.group_kind(), namespace, name };
    Object { id, gvk, release: release.into(), body, origin: Origin::default(), implicit: false }
}
