//! What an object wants, what is there, and why each target is as it is, for people.
//!
//! It looks with the rights of whoever asks, and writes nothing. What may not be read is said to be so.

mod text;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace as NamespaceObject, ServiceAccount};
use kube::api::{Api, ListParams};
use kube::core::PartialObjectMeta;
use kube::{Client, Error};

pub use self::text::explanation;
use super::act::namespace;
use crate::decide::{Namespace, Place, owner_of, places, source, target_name};
use crate::marks::{Key, OWNER_NAME, OWNER_NAMESPACE};
use crate::{ConfigMapSync, OperatorError};
use weft_engine::cluster::Target;
use weft_engine::network;

/// Something that was looked for: it is there, it is not, or that cannot be told, for this reason.
pub type Looked<T> = Result<Option<T>, String>;

/// What was found around an object.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Namespace and name of the object.
    pub key: Key,
    /// The object.
    pub sync: ConfigMapSync,
    /// Its service account.
    pub account: Looked<()>,
    /// Its source.
    pub source: Looked<ConfigMap>,
    /// The namespaces, or why they cannot be listed.
    pub namespaces: Result<BTreeMap<String, Namespace>, String>,
    /// What is at each target.
    pub targets: BTreeMap<String, Looked<ConfigMap>>,
    /// The copies that say that they are its own, in namespaces where none is wanted; or why they cannot be listed.
    pub elsewhere: Result<Vec<String>, String>,
}

/// Looks at an object and at all that it is about.
pub async fn facts(target: &Target, key: &Key) -> Result<Facts, OperatorError> {
    let client = network::client(target.config()?).map_err(|source| OperatorError::Client(Box::new(source)))?;
    let syncs: Api<ConfigMapSync> = Api::namespaced(client.clone(), &key.namespace);
    let unreadable = |source| OperatorError::Unreadable { key: key.clone(), source: Box::new(source) };
    let sync = syncs.get_opt(&key.name).await.map_err(unreadable)?;
    let sync = sync.ok_or_else(|| OperatorError::NoObject { key: key.clone() })?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &key.namespace);
    let account = accounts.get_metadata_opt(&sync.spec.service_account.name).await;
    let namespaces = namespaces(&client).await;
    let wanted = places(&sync.spec, &key.namespace, &known(&sync, &namespaces));
    let mut targets = BTreeMap::new();
    for (namespace, _) in wanted.iter().filter(|(_, place)| **place == Place::Ready) {
        targets.insert(namespace.clone(), map(&client, namespace, target_name(&sync.spec)).await);
    }
    let from = source(&sync.spec, &key.namespace);
    let elsewhere = elsewhere(&client, key, &wanted).await;
    Ok(Facts {
        key: key.clone(),
        account: account.map(|it| it.map(drop)).map_err(|error| said(&error)),
        source: map(&client, &from.namespace, &from.name).await,
        namespaces,
        targets,
        elsewhere,
        sync,
    })
}

/// The namespaces; where they cannot be listed, those that are named, as if they were there.
fn known(
    sync: &ConfigMapSync,
    namespaces: &Result<BTreeMap<String, Namespace>, String>,
) -> BTreeMap<String, Namespace> {
    let named = || sync.spec.sync_to_namespaces.iter().map(|name| (name.clone(), Namespace::default())).collect();
    namespaces.as_ref().map_or_else(|_| named(), Clone::clone)
}

async fn namespaces(client: &Client) -> Result<BTreeMap<String, Namespace>, String> {
    let api: Api<NamespaceObject> = Api::all(client.clone());
    let all = api.list_metadata(&ListParams::default()).await.map_err(|error| said(&error))?;
    Ok(all.into_iter().map(|it| (it.metadata.name.clone().unwrap_or_default(), namespace(&it.metadata))).collect())
}

async fn map(client: &Client, namespace: &str, name: &str) -> Looked<ConfigMap> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    api.get_opt(name).await.map_err(|error| said(&error))
}

async fn elsewhere(client: &Client, key: &Key, wanted: &BTreeMap<String, Place>) -> Result<Vec<String>, String> {
    let api: Api<ConfigMap> = Api::all(client.clone());
    let labels = format!("{OWNER_NAMESPACE}={},{OWNER_NAME}={}", key.namespace, key.name);
    let all = api.list_metadata(&ListParams::default().labels(&labels)).await.map_err(|error| said(&error))?;
    let ours = all.into_iter().filter(|it: &PartialObjectMeta<ConfigMap>| owner_of(&it.metadata).as_ref() == Some(key));
    let mut names: Vec<String> = ours.filter_map(|it| it.metadata.namespace).collect();
    names.retain(|it| !wanted.contains_key(it));
    names.sort();
    Ok(names)
}

fn said(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
