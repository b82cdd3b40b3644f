//! Explains to people what an object wants, what is there, and why each target is in its state.
//!
//! It reads with the rights of the caller and writes nothing. It names what it may not read.

mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use self::text::explanation;
use super::act::{namespace, path};
use crate::decide::{Namespace, TargetPlace, owner_of, places, source, target_name};
use crate::marks::{NamespacedName, OWNER_NAME, OWNER_NAMESPACE};
use crate::{ConfigMapSync, OperatorError};
use weft_engine::cluster::{ClusterError, Request, Target, Transport};

/// The result of a lookup: it exists, it does not, or that is unknown for this reason.
pub type Lookup<T> = Result<Option<T>, String>;

/// What was found around an object.
#[derive(Clone, Debug)]
pub struct SyncFacts {
    /// Namespace and name of the object.
    pub key: NamespacedName,
    pub sync: ConfigMapSync,
    /// Its service account.
    pub account: Lookup<()>,
    /// Its source.
    pub source: Lookup<ConfigMap>,
    /// The namespaces, or why they cannot be listed.
    pub namespaces: Result<BTreeMap<String, Namespace>, String>,
    /// What is at each target.
    pub targets: BTreeMap<String, Lookup<ConfigMap>>,
    /// The copies with its marks in namespaces that are to have none; or why they cannot be listed.
    pub elsewhere: Result<Vec<String>, String>,
}

/// Objects with only their metadata.
#[derive(Deserialize)]
struct Partial {
    #[serde(default)]
    metadata: ObjectMeta,
}

#[derive(Default, Deserialize)]
struct PartialList {
    items: Vec<Partial>,
}

/// What asks for the metadata of listed objects alone.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at an object and at all that it is about.
pub async fn facts(target: &Target, key: &NamespacedName) -> Result<SyncFacts, OperatorError> {
    let client = Transport::new(target, PATIENCE)?;
    let unreadable = |source| OperatorError::Unreadable { key: key.clone(), source: Box::new(source) };
    let sync: Option<ConfigMapSync> = read(&client, path(key)).await.map_err(unreadable)?;
    let sync = sync.ok_or_else(|| OperatorError::NoObject { key: key.clone() })?;
    let account = &sync.spec.service_account.name;
    let account = format!("/api/v1/namespaces/{}/serviceaccounts/{account}", key.namespace);
    let account = read::<Partial>(&client, account).await;
    let namespaces = namespaces(&client).await;
    let wanted = places(&sync.spec, &key.namespace, &known_namespaces(&sync, &namespaces));
    let mut targets = BTreeMap::new();
    for (namespace, _) in wanted.iter().filter(|(_, place)| **place == TargetPlace::Ready) {
        targets.insert(namespace.clone(), map(&client, namespace, target_name(&sync.spec)).await);
    }
    let from = source(&sync.spec, &key.namespace);
    let elsewhere = elsewhere(&client, key, &wanted).await;
    Ok(SyncFacts {
        key: key.clone(),
        account: account.map(|it| it.map(drop)).map_err(|error| reason_of(&error)),
        source: map(&client, &from.namespace, &from.name).await,
        namespaces,
        targets,
        elsewhere,
        sync,
    })
}

/// The namespaces. If they cannot be listed, those that the spec names, as if they existed.
fn known_namespaces(
    sync: &ConfigMapSync,
    namespaces: &Result<BTreeMap<String, Namespace>, String>,
) -> BTreeMap<String, Namespace> {
    let named = || sync.spec.sync_to_namespaces.iter().map(|name| (name.clone(), Namespace::default())).collect();
    namespaces.as_ref().map_or_else(|_| named(), Clone::clone)
}

async fn namespaces(client: &Transport) -> Result<BTreeMap<String, Namespace>, String> {
    let all = list(client, "/api/v1/namespaces".to_owned()).await?;
    Ok(all.into_iter().map(|meta| (meta.name.clone().unwrap_or_default(), namespace(&meta))).collect())
}

async fn map(client: &Transport, namespace: &str, name: &str) -> Lookup<ConfigMap> {
    read(client, format!("/api/v1/namespaces/{namespace}/configmaps/{name}")).await.map_err(|error| reason_of(&error))
}

async fn elsewhere(
    client: &Transport,
    key: &NamespacedName,
    wanted: &BTreeMap<String, TargetPlace>,
) -> Result<Vec<String>, String> {
    let namespace = &key.namespace;
    let name = &key.name;
    let all = list(
        client,
        format!("/api/v1/configmaps?labelSelector={OWNER_NAMESPACE}%3D{namespace}%2C{OWNER_NAME}%3D{name}"),
    );
    let ours = all.await?.into_iter().filter(|meta| owner_of(meta).as_ref() == Some(key));
    let mut names: Vec<String> = ours.filter_map(|meta| meta.namespace).collect();
    names.retain(|it| !wanted.contains_key(it));
    names.sort();
    Ok(names)
}

async fn read<T: DeserializeOwned>(client: &Transport, path: String) -> Result<Option<T>, ClusterError> {
    let what = format!("read {path}");
    client.fetch(&Request::get(path, what)).await
}

async fn list(client: &Transport, path: String) -> Result<Vec<ObjectMeta>, String> {
    let what = format!("list {path}");
    let request = Request { accept: METADATA, ..Request::get(path, what) };
    let all = client.fetch::<PartialList>(&request).await.map_err(|error| reason_of(&error))?;
    Ok(all.unwrap_or_default().items.into_iter().map(|it| it.metadata).collect())
}

/// The server's message, or why there is no answer.
fn reason_of(error: &ClusterError) -> String {
    match error {
        ClusterError::Refused { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
