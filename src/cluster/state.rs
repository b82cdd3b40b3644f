//! What is kept in the cluster: inventories and the key of fingerprints, as Secrets of the state namespace.
//!
//! An inventory is a head Secret, which holds the first chunk and names the Secrets of the others. Those are named by
//! their content, so they can be written beside the ones in use; the head is written last, and then what it no longer
//! names is deleted. Whoever reads in between sees the old inventory or the new one, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::kinds::{namespaces, secrets};
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError, FIELD_MANAGER};
use crate::manifest;
use crate::masked::{FingerprintKey, Masked};
use crate::project::SecretRef;
use crate::state::{self, Inventory, StateError};
use crate::value::Value;

/// The label of all that we keep; its value says what it is.
const STATE: &str = "weft.example.com/state";
const ENVIRONMENT: &str = "weft.example.com/environment";
const RELEASE: &str = "weft.example.com/release";
/// The annotation of a head: the names of the further Secrets, in order.
const MORE: &str = "weft.example.com/more";
/// The Secret with the key of fingerprints.
const KEY: &str = "weft-fingerprint-key";
/// How often a write of the state may be overtaken, and the wait between two tries.
const RACES: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);
/// The key of a Secret's data under which a chunk is.
const CHUNK: &str = "chunk";

/// A Secret of ours, as it is listed.
struct Kept {
    release: String,
    more: Option<Vec<String>>,
    chunk: Vec<u8>,
}

/// An inventory as it is kept: packed, in chunks.
pub struct KeptInventory {
    release: String,
    namespace: String,
    chunks: Vec<Vec<u8>>,
}

impl KeptInventory {
    /// Unpacks it, which takes longer than fetching it.
    pub fn read(&self) -> Result<Inventory, ClusterError> {
        state::decode(&self.chunks).map_err(|source| broken(&self.release, &self.namespace, source))
    }
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
        let selector = format!("&labelSelector={STATE}%3Dinventory,{ENVIRONMENT}%3D{environment}");
        let mut kept = BTreeMap::new();
        let mut each = |secret: Value| {
            if let Some(name) = secret.dig(&["metadata", "name"]).and_then(Value::as_str) {
                kept.insert(name.to_owned(), Kept::of(&secret));
            }
        };
        self.list(&secrets(), Some(namespace), &selector, &mut each).await?;
        Ok(kept.values().filter(|it| it.more.is_some()).map(|head| joined(head, &kept, namespace)).collect())
    }

    /// Saves an inventory; one without objects, whose hooks left nothing either, is removed. The state namespace is created where it is missing.
    pub async fn save(&self, namespace: &str, inventory: &Inventory) -> Result<(), WriteError> {
        let head = head_name(inventory);
        let before = self.further(namespace, &head).await?;
        if inventory.objects.is_empty() && inventory.hooks.is_over() {
            self.discard(namespace, std::iter::once(&head).chain(&before)).await?;
            return Ok(());
        }
        let chunks = state::encode(inventory).map_err(|error| refused(&error))?;
        let (first, rest) = chunks.split_first().ok_or_else(|| refused(&StateError::Empty))?;
        let mut more = Vec::new();
        for chunk in rest {
            let name = format!("{head}.{}", hex(&Sha256::digest(chunk)[..8]));
            if !before.contains(&name) {
                self.keep(namespace, &name, inventory, chunk, None).await?;
            }
            more.push(name);
        }
        self.keep(namespace, &head, inventory, first, Some(&more)).await?;
        self.discard(namespace, before.iter().filter(|name| !more.contains(name))).await
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
            match self.write(request).await {
                Err(WriteError::Refused { refusal: Refusal::NotFound, .. }) if races < RACES => {
                    self.ensure_namespace(namespace).await?;
                }
                // The server itself was overtaken; a write that names the version it replaces is for its caller.
                Err(error) if error.is_raced() && request.method == Method::PATCH && races < RACES => {
                    sleep(PAUSE).await;
                }
                other => return other.map(drop),
            }
            races += 1;
        }
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        let what = format!("get the Secret {namespace}/{name}");
        let request = Request::get(path(&secrets(), Some(namespace), Some(name)), what).needs(Right::new(
            "get",
            &secrets(),
            Some(namespace),
        ));
        self.fetch(&request).await
    }

    /// The further Secrets that a head names now.
    async fn further(&self, namespace: &str, head: &str) -> Result<BTreeSet<String>, WriteError> {
        let found =
            self.secret(namespace, head).await.map_err(|error| WriteError::NotSent { reason: error.to_string() })?;
        Ok(found.and_then(|it| Kept::of(&it).more).unwrap_or_default().into_iter().collect())
    }

    async fn keep(
        &self,
        namespace: &str,
        name: &str,
        inventory: &Inventory,
        chunk: &[u8],
        more: Option<&[String]>,
    ) -> Result<(), WriteError> {
        let mut labels = json!({STATE: "inventory", ENVIRONMENT: inventory.environment, RELEASE: &*inventory.release});
        let mut annotations = json!({});
        if let Some(names) = more {
            labels["applyset.kubernetes.io/id"] = manifest::apply_set_id(namespace, name).into();
            annotations = parent_annotations(inventory);
            annotations[MORE] = names.join(",").into();
        }
        let body = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "weft.example.com/inventory",
            "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
            "data": {CHUNK: STANDARD.encode(chunk)},
        });
        self.write_state(namespace, &apply_secret(namespace, name, &body)).await
    }

    async fn discard(&self, namespace: &str, names: impl IntoIterator<Item = &String>) -> Result<(), WriteError> {
        for name in names {
            let request =
                Request::get(path(&secrets(), Some(namespace), Some(name)), format!("delete the Secret {name}"))
                    .needs(Right::new("delete", &secrets(), Some(namespace)))
                    .with(Method::DELETE, "application/json", b"{}".to_vec());
            match self.write(&request).await {
                Ok(_) | Err(WriteError::Refused { refusal: Refusal::NotFound, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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

impl Kept {
    fn of(secret: &Value) -> Self {
        let text = |keys: &[&str]| secret.dig(keys).and_then(Value::as_str);
        let names = |it: &str| it.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        Self {
            release: text(&["metadata", "labels", RELEASE]).unwrap_or_default().to_owned(),
            more: text(&["metadata", "annotations", MORE]).map(names),
            chunk: text(&["data", CHUNK]).and_then(|it| STANDARD.decode(it).ok()).unwrap_or_default(),
        }
    }
}

/// A chunk whose Secret is missing is left out: the format tells which.
fn joined(head: &Kept, kept: &BTreeMap<String, Kept>, namespace: &str) -> KeptInventory {
    let further = head.more.iter().flatten().filter_map(|name| kept.get(name));
    let chunks = std::iter::once(head).chain(further).map(|it| it.chunk.clone()).collect();
    KeptInventory { release: head.release.clone(), namespace: namespace.to_owned(), chunks }
}

fn head_name(inventory: &Inventory) -> String {
    manifest::inventory_name(&inventory.environment, &inventory.release)
}

/// What makes the head of an inventory the parent of its apply set (KEP-3659), for the tools that read those.
fn parent_annotations(inventory: &Inventory) -> Json {
    let kinds: BTreeSet<String> = inventory.objects.keys().map(|id| id.kind.to_string()).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    json!({
        "applyset.kubernetes.io/tooling": concat!("weft/v", env!("CARGO_PKG_VERSION")),
        "applyset.kubernetes.io/contains-group-kinds": kinds.join(","),
    })
}

fn apply_secret(namespace: &str, name: &str, body: &Json) -> Request {
    let path = path(&secrets(), Some(namespace), Some(name));
    let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
    Request::get(path, format!("save the Secret {namespace}/{name}"))
        .needs(Right::new("patch", &secrets(), Some(namespace)))
        .with(Method::PATCH, "application/apply-patch+yaml", body.to_string().into_bytes())
}

fn broken(release: &str, namespace: &str, source: StateError) -> ClusterError {
    ClusterError::State { release: release.to_owned(), namespace: namespace.to_owned(), source: Box::new(source) }
}

fn refused(error: &StateError) -> WriteError {
    WriteError::Refused { refusal: Refusal::Invalid, message: error.to_string() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|it| char::from_digit(it.into(), 16)).collect()
}
