//! What is kept in the cluster: inventories and the key of fingerprints, as Secrets of the state namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, TryStreamExt as _};
use http::Method;
use serde_json::{Value as Json, json};

use super::documents::{DocumentHead, PROJECT, STATE, StoredDocument, StoredHead, of_environment};
use super::kinds::{namespaces, secrets};
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError};
use weft_base::masked::{FingerprintKey, Masked};
use weft_base::value::Value;
use weft_stages::manifest;
use weft_stages::project::{Owner, Prune, Repository, SecretRef};
use weft_stages::state::{self, Inventory, Outline};

/// The annotation of an inventory: what becomes of the objects that leave its release.
const PRUNE: &str = "weft.example.com/prune";
/// The annotation of an inventory: what it holds, for runs about other releases.
const OUTLINE: &str = "weft.example.com/objects";
/// Inventories that are read at once; how many requests are sent is decided by `flight`.
const READS: usize = 32;
/// The label of an inventory: the apply set of its objects.
const SET: &str = "applyset.kubernetes.io/id";
/// What an inventory is labelled as.
const INVENTORY: &str = "inventory";
/// The Secret with the key of fingerprints.
const KEY: &str = "weft-fingerprint-key";
/// How often the state namespace may be gone when it is written into.
const RACES: usize = 4;

/// An inventory as it is kept: packed, in chunks.
pub struct KeptInventory {
    namespace: String,
    document: StoredDocument,
}

impl KeptInventory {
    fn of(namespace: &str, documents: impl IntoIterator<Item = StoredDocument>) -> Vec<Self> {
        let kept = |document| Self { namespace: namespace.to_owned(), document };
        documents.into_iter().map(kept).collect()
    }

    /// Its release.
    pub fn release(&self) -> &str {
        &self.document.head.release
    }

    /// The project that it belongs to.
    pub fn owner(&self) -> Option<Owner> {
        owner(&self.document.head)
    }

    /// Unpacks it, which takes longer than fetching it.
    pub fn read(&self) -> Result<Inventory, ClusterError> {
        let inventory = state::decode(&self.document.chunks).map_err(|source| ClusterError::State {
            release: self.document.head.release.clone(),
            namespace: self.namespace.clone(),
            source: Box::new(source),
        })?;
        Ok(Inventory { prune: prune(&self.document.head.annotations), ..inventory })
    }
}

/// Who has an apply set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOwner {
    /// The project, if its inventory names one.
    pub owner: Option<Owner>,
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: String,
    /// The Secret that holds the inventory: `NAMESPACE/NAME`.
    pub secret: String,
}

/// What the heads of inventories say, but of some releases.
#[derive(Default)]
pub struct OtherInventories {
    /// The outlines, by release.
    pub outlines: BTreeMap<String, Outline>,
    /// Those that say nothing of what they hold beside their document.
    pub whole: Vec<KeptInventory>,
    /// Of the releases that are left out, those that have an inventory.
    pub left_out: Vec<String>,
}

impl Cluster {
    /// All inventories of an environment, see [`Self::kept_inventories`].
    pub async fn inventories(&self, namespace: &str, environment: &str) -> Result<Vec<Inventory>, ClusterError> {
        self.kept_inventories(namespace, environment).await?.iter().map(KeptInventory::read).collect()
    }

    /// The inventories of an environment as they are kept, with one LIST. None where the state namespace is not there
    /// yet.
    pub async fn kept_inventories(
        &self,
        namespace: &str,
        environment: &str,
    ) -> Result<Vec<KeptInventory>, ClusterError> {
        let documents = self.kept_documents(namespace, &of_environment(&[INVENTORY], environment, None)).await?;
        Ok(KeptInventory::of(namespace, documents))
    }

    /// The inventories of these releases that there are, each by its name.
    pub async fn inventories_of(
        &self,
        namespace: &str,
        environment: &str,
        releases: impl IntoIterator<Item = &str>,
    ) -> Result<Vec<KeptInventory>, ClusterError> {
        let names = releases.into_iter().map(|it| manifest::inventory_name(environment, it)).collect::<Vec<_>>();
        Ok(KeptInventory::of(namespace, self.named_documents(namespace, &names).await?))
    }

    /// What all other inventories of an environment hold, with one LIST of their heads. Where most have to be read whole,
    /// all are, with another.
    pub async fn inventories_beside(
        &self,
        namespace: &str,
        environment: &str,
        releases: &BTreeSet<Arc<str>>,
    ) -> Result<OtherInventories, ClusterError> {
        let selector = of_environment(&[INVENTORY], environment, None);
        let told = |metadata: Value| StoredHead::head(&metadata).map(|head| (outline(&head), head));
        let heads = self.list_metadata(&secrets(), Some(namespace), &selector, told).await?;
        let count = heads.len();
        let mut others = OtherInventories::default();
        let mut names = Vec::new();
        for (outline, head) in heads {
            match outline {
                _ if releases.contains(head.release.as_str()) => others.left_out.push(head.release),
                Some(outline) => drop(others.outlines.insert(head.release, outline)),
                None => names.push(head.name),
            }
        }
        if names.len() > count / 2 {
            let mut whole = self.kept_inventories(namespace, environment).await?;
            whole.retain(|it| !releases.contains(it.release()));
            return Ok(OtherInventories { whole, left_out: others.left_out, ..OtherInventories::default() });
        }
        let whole = KeptInventory::of(namespace, self.named_documents(namespace, &names).await?);
        Ok(OtherInventories { whole, ..others })
    }

    /// Whose apply sets the state in a namespace names, of all environments and projects.
    pub async fn apply_sets(&self, namespace: &str) -> Result<BTreeMap<String, SetOwner>, ClusterError> {
        let selector = format!("&labelSelector={STATE}%3D{INVENTORY}");
        let place = namespace.to_owned();
        let told = move |metadata: Value| {
            let set = metadata.dig(&["metadata", "labels", SET]).and_then(Value::as_str)?.to_owned();
            let head = StoredHead::head(&metadata)?;
            let secret = format!("{place}/{}", head.name);
            Some((set, SetOwner { owner: owner(&head), environment: head.environment, release: head.release, secret }))
        };
        Ok(self.list_metadata(&secrets(), Some(namespace), &selector, told).await?.into_iter().collect())
    }

    /// The documents of these names that there are.
    async fn named_documents(&self, namespace: &str, names: &[String]) -> Result<Vec<StoredDocument>, ClusterError> {
        let reads = names.iter().map(|name| self.kept_document(namespace, name));
        let documents: Vec<Option<StoredDocument>> = futures::stream::iter(reads).buffered(READS).try_collect().await?;
        Ok(documents.into_iter().flatten().collect())
    }

    /// Saves an inventory; one without objects, whose hooks left nothing either, is removed. The state namespace is
    /// created where it is missing.
    pub async fn save(&self, namespace: &str, inventory: &Inventory) -> Result<(), WriteError> {
        let name = manifest::inventory_name(&inventory.environment, &inventory.release);
        if inventory.objects.is_empty() && inventory.hooks.is_over() {
            return self.drop_document(namespace, &name).await;
        }
        let head = DocumentHead {
            sort: INVENTORY,
            environment: &inventory.environment,
            release: &inventory.release,
            labels: parent_labels(inventory, &manifest::apply_set_id(namespace, &name)),
            annotations: parent_annotations(inventory),
            name,
        };
        self.keep_document(namespace, &head, state::encode(inventory)).await
    }

    /// The key of fingerprints; where there is none yet, `None`, or a new one that is kept from now on if `create`.
    pub async fn fingerprint_key(&self, namespace: &str, create: bool) -> Result<Option<FingerprintKey>, ClusterError> {
        let found = self.kept_key(namespace).await?;
        if found.is_some() || !create {
            return Ok(found);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|source| ClusterError::Random { source })?;
        self.create_key(namespace, &key).await?;
        // Somebody else may have been first, and then theirs is the key.
        let kept = self.kept_key(namespace).await?;
        let lost = || ClusterError::BrokenKey { secret: format!("{namespace}/{KEY}") };
        kept.map(Some).ok_or_else(lost)
    }

    /// The kubeconfig in a Secret of this cluster.
    pub async fn kubeconfig_from_secret(&self, reference: &SecretRef) -> Result<Masked<String>, ClusterError> {
        let SecretRef { namespace, name, key, .. } = reference;
        let missing = |reason: String| ClusterError::SecretKubeconfig { secret: format!("{namespace}/{name}"), reason };
        let secret = self.secret(namespace, name).await?.ok_or_else(|| missing("it is not there".to_owned()))?;
        let encoded = secret.dig(&["data", key]).and_then(Value::as_str);
        let encoded = encoded.ok_or_else(|| missing(format!("it has no key `{key}`")))?;
        let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Masked::new).ok_or_else(|| missing(format!("its key `{key}` is not text")))
    }

    /// Creates the state namespace where it is missing.
    pub(super) async fn ensure_namespace(&self, namespace: &str) -> Result<(), WriteError> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let request = Request::get(path(&namespaces(), None, None), format!("create namespace {namespace}"))
            .needs(Right::new("create", &namespaces(), None))
            .with(Method::POST, "application/json", body.to_string().into_bytes());
        match self.write(&request).await {
            Ok(_) | Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A write into the state namespace, which is created if that is what it takes.
    pub(super) async fn write_state(&self, namespace: &str, request: &Request) -> Result<(), WriteError> {
        let mut races = 0;
        loop {
            // A write that names the version it replaces is for its caller.
            let names_none = request.method == Method::PATCH;
            let written = if names_none { self.write_again(request).await } else { self.write(request).await };
            match written {
                Err(WriteError::Refused { refusal: Refusal::NotFound, .. }) if races < RACES => {
                    self.ensure_namespace(namespace).await?;
                }
                other => return other.map(drop),
            }
            races += 1;
        }
    }

    async fn kept_key(&self, namespace: &str) -> Result<Option<FingerprintKey>, ClusterError> {
        let found = self.secret(namespace, KEY).await?;
        let encoded = found.as_ref().and_then(|it| it.dig(&["data", "key"])).and_then(Value::as_str);
        let Some(encoded) = encoded else { return Ok(None) };
        let bytes: Option<[u8; 32]> = STANDARD.decode(encoded).ok().and_then(|it| it.try_into().ok());
        let broken = || ClusterError::BrokenKey { secret: format!("{namespace}/{KEY}") };
        bytes.map(|it| Some(FingerprintKey::new(it))).ok_or_else(broken)
    }

    async fn create_key(&self, namespace: &str, key: &[u8; 32]) -> Result<(), ClusterError> {
        let body = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "weft.example.com/key", "immutable": true,
            "metadata": {"name": KEY, "namespace": namespace, "labels": {STATE: "key"}},
            "data": {"key": STANDARD.encode(key)},
        });
        let right = Right::new("create", &secrets(), Some(namespace));
        let what = "keep the key of fingerprints";
        let request = Request::get(path(&secrets(), Some(namespace), None), what.to_owned()).needs(right).with(
            Method::POST,
            "application/json",
            body.to_string().into_bytes(),
        );
        match self.write_state(namespace, &request).await {
            Ok(()) | Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => Ok(()),
            Err(WriteError::Refused { refusal: Refusal::Forbidden(right), message }) => {
                Err(ClusterError::Forbidden { right: Box::new(right), message })
            }
            Err(error) => Err(ClusterError::Refused { what: what.to_owned(), message: error.to_string(), code: 0 }),
        }
    }
}

/// The labels of the head of an inventory.
fn parent_labels(inventory: &Inventory, set: &str) -> Json {
    let mut labels = json!({SET: set});
    if let Some(owner) = &inventory.owner {
        labels[PROJECT] = owner.id.as_str().into();
    }
    labels
}

/// What makes the head of an inventory the parent of its apply set (KEP-3659), for the tools that read those.
fn parent_annotations(inventory: &Inventory) -> Json {
    let kinds: BTreeSet<String> = inventory.objects.keys().map(|id| id.kind.to_string()).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    let mut annotations = json!({
        "applyset.kubernetes.io/tooling": concat!("weft/v", env!("CARGO_PKG_VERSION")),
        "applyset.kubernetes.io/contains-group-kinds": kinds.join(","),
    });
    if let Some(text) = Outline::from_inventory(inventory).to_text() {
        annotations[OUTLINE] = text.into();
    }
    if let Some(owner) = &inventory.owner {
        annotations[PROJECT] = json!(owner).to_string().into();
    }
    match inventory.prune {
        Prune::Delete => {}
        Prune::Keep => annotations[PRUNE] = "keep".into(),
        Prune::Orphan => annotations[PRUNE] = "orphan".into(),
    }
    annotations
}

/// What the head of an inventory says of what becomes of the objects that leave its release.
fn prune(annotations: &Value) -> Prune {
    match annotations.get(PRUNE).and_then(Value::as_str) {
        Some("keep") => Prune::Keep,
        Some("orphan") => Prune::Orphan,
        _ => Prune::Delete,
    }
}

/// What the head of an inventory says of what it holds.
fn outline(head: &StoredHead) -> Option<Outline> {
    let text = head.annotations.get(OUTLINE)?.as_str()?;
    Some(Outline { owner: owner(head), ..Outline::of_text(text, prune(&head.annotations))? })
}

/// The project that the head of an inventory names. What its annotation adds to the label may be missing.
fn owner(head: &StoredHead) -> Option<Owner> {
    let id = head.project.clone()?;
    let text = head.annotations.get(PROJECT).and_then(Value::as_str);
    let owner: Option<Owner> = text.and_then(|it| serde_json::from_str(it).ok());
    let owner = owner.filter(|it| it.id == id);
    Some(owner.unwrap_or_else(|| Owner { id, repository: Repository::default() }))
}
