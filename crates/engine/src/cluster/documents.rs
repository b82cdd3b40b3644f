//! Documents that are kept as Secrets of the state namespace, each whole or not at all.
//!
//! A document is a head Secret, which holds the first chunk and names the Secrets of the others. Those are named by
//! their content, so they can be written beside the ones in use; the head is written last, and then what it no longer
//! names is deleted. Whoever reads in between sees the old document or the new one, whole.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use futures::{StreamExt as _, TryStreamExt as _};
use http::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::kinds::secrets;
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError, FIELD_MANAGER};
use weft_base::value::Value;
use weft_stages::state::StateError;

/// The label of all that we keep; its value says what it is.
pub(super) const STATE: &str = "weft.example.com/state";
const ENVIRONMENT: &str = "weft.example.com/environment";
const RELEASE: &str = "weft.example.com/release";
/// The label of an inventory: the identity of the project that it belongs to. Its annotation of this name says more.
pub(super) const PROJECT: &str = "weft.example.com/project";
/// The annotation of a head: the names of the further Secrets, in order.
const MORE: &str = "weft.example.com/more";
/// The key of a Secret's data under which a chunk is.
const CHUNK: &str = "chunk";
/// Chunks that are written or read at once; how many requests are sent is decided by `flight`.
const CHUNKS: usize = 8;

/// What is said of a document beside its content.
pub(super) struct DocumentHead<'a> {
    /// The name of the head Secret.
    pub name: String,
    /// What it is: the value of [`STATE`].
    pub sort: &'static str,
    pub environment: &'a str,
    pub release: &'a str,
    /// Further labels of the head.
    pub labels: Json,
    /// Further annotations of the head.
    pub annotations: Json,
}

/// A document as it is kept.
pub(super) struct StoredDocument {
    pub head: StoredHead,
    /// Its chunks; one whose Secret is missing is left out, and the format tells which.
    pub chunks: Vec<Vec<u8>>,
}

/// The head of a document, without its content.
#[derive(Clone, Default)]
pub(super) struct StoredHead {
    /// The name of the head Secret.
    pub name: String,
    pub release: String,
    /// The environment that its label names.
    pub environment: String,
    /// The project that its label names.
    pub project: Option<String>,
    /// The annotations of the head.
    pub annotations: Value,
}

/// A Secret of ours.
struct StoredSecret {
    head: StoredHead,
    more: Option<Vec<String>>,
    chunk: Vec<u8>,
}

/// The selector of a LIST for what is kept of an environment, or of one of its releases.
pub(super) fn of_environment(sorts: &[&str], environment: &str, release: Option<&str>) -> String {
    let sorts = match sorts {
        [only] => format!("%3D{only}"),
        several => format!("%20in%20%28{}%29", several.join(",")),
    };
    let release = release.map(|it| format!(",{RELEASE}%3D{it}")).unwrap_or_default();
    format!("&labelSelector={STATE}{sorts},{ENVIRONMENT}%3D{environment}{release}")
}

impl Cluster {
    /// The documents that a selector fits, with one LIST.
    pub(super) async fn kept_documents(
        &self,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<StoredDocument>, ClusterError> {
        let mut kept = BTreeMap::new();
        let mut each = |secret: Value| {
            let it = StoredSecret::of(&secret);
            kept.insert(it.head.name.clone(), it);
        };
        self.list(&secrets(), Some(namespace), selector, &mut each).await?;
        let heads = kept.values().filter(|it| it.more.is_some());
        let joined = |head: &StoredSecret| {
            let further = head.more.iter().flatten().filter_map(|name| kept.get(name));
            let chunks = std::iter::once(head).chain(further).map(|it| it.chunk.clone()).collect();
            StoredDocument { head: head.head.clone(), chunks }
        };
        Ok(heads.map(joined).collect())
    }

    /// One document; `None` where it is not there.
    pub(super) async fn kept_document(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredDocument>, ClusterError> {
        let Some(head) = self.secret(namespace, name).await?.map(|it| StoredSecret::of(&it)) else { return Ok(None) };
        let more = head.more.unwrap_or_default();
        let reads = more.iter().map(|name| self.secret(namespace, name));
        let further: Vec<Option<Value>> = futures::stream::iter(reads).buffered(CHUNKS).try_collect().await?;
        let further = further.iter().flatten().map(|secret| StoredSecret::of(secret).chunk);
        let chunks = std::iter::once(head.chunk).chain(further).collect();
        Ok(Some(StoredDocument { head: head.head, chunks }))
    }

    /// Saves a document. The state namespace is created where it is missing.
    pub(super) async fn keep_document(
        &self,
        namespace: &str,
        head: &DocumentHead<'_>,
        chunks: Result<Vec<Vec<u8>>, StateError>,
    ) -> Result<(), WriteError> {
        let chunks = chunks.map_err(|error| refused(&error))?;
        let before = self.further(namespace, &head.name).await?;
        let (first, rest) = chunks.split_first().ok_or_else(|| refused(&StateError::Empty))?;
        let further = |chunk: &[u8]| format!("{}.{}", head.name, HEXLOWER.encode(&Sha256::digest(chunk)[..8]));
        let named: Vec<(String, &Vec<u8>)> = rest.iter().map(|chunk| (further(chunk), chunk)).collect();
        let missing = named.iter().filter(|(name, _)| !before.contains(name));
        let writes = missing.map(|(name, chunk)| self.keep(namespace, name, head, chunk, None));
        futures::stream::iter(writes).buffer_unordered(CHUNKS).try_collect::<()>().await?;
        let more: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
        self.keep(namespace, &head.name, head, first, Some(&more)).await?;
        self.discard(namespace, before.iter().filter(|name| !more.contains(name))).await
    }

    /// Removes a document, its head first.
    pub(super) async fn drop_document(&self, namespace: &str, name: &String) -> Result<(), WriteError> {
        let further = self.further(namespace, name).await?;
        self.discard(namespace, std::iter::once(name).chain(&further)).await
    }

    /// A Secret; `None` where it is not there.
    pub(super) async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        let what = format!("get the Secret {namespace}/{name}");
        let request = Request::get(path(&secrets(), Some(namespace), Some(name)), what).needs(Right::new(
            "get",
            &secrets(),
            Some(namespace),
        ));
        self.fetch(&request).await
    }

    /// Deletes Secrets, one after the other.
    pub(super) async fn discard(
        &self,
        namespace: &str,
        names: impl IntoIterator<Item = &String>,
    ) -> Result<(), WriteError> {
        for name in names {
            let request =
                Request::get(path(&secrets(), Some(namespace), Some(name)), format!("delete the Secret {name}"))
                    .needs(Right::new("delete", &secrets(), Some(namespace)))
                    .with(Method::DELETE, "application/json", b"{}".to_vec());
            match self.write_again(&request).await {
                Ok(_) | Err(WriteError::Refused { refusal: Refusal::NotFound, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The further Secrets that a head names now.
    async fn further(&self, namespace: &str, head: &str) -> Result<BTreeSet<String>, WriteError> {
        let found =
            self.secret(namespace, head).await.map_err(|error| WriteError::NotSent { reason: error.to_string() })?;
        Ok(found.and_then(|it| StoredSecret::of(&it).more).unwrap_or_default().into_iter().collect())
    }

    async fn keep(
        &self,
        namespace: &str,
        name: &str,
        head: &DocumentHead<'_>,
        chunk: &[u8],
        more: Option<&[String]>,
    ) -> Result<(), WriteError> {
        let mut labels = json!({STATE: head.sort, ENVIRONMENT: head.environment, RELEASE: head.release});
        let mut annotations = json!({});
        if let Some(names) = more {
            merge(&mut labels, &head.labels);
            merge(&mut annotations, &head.annotations);
            annotations[MORE] = names.join(",").into();
        }
        let body = json!({
            "apiVersion": "v1", "kind": "Secret", "type": format!("weft.example.com/{}", head.sort),
            "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
            "data": {CHUNK: STANDARD.encode(chunk)},
        });
        self.write_state(namespace, &apply_secret(namespace, name, &body)).await
    }
}

impl StoredHead {
    /// The head of a document, of its metadata; `None` for what is none.
    pub fn head(metadata: &Value) -> Option<Self> {
        let StoredSecret { head, more, .. } = StoredSecret::of(metadata);
        more.map(|_| head)
    }
}

impl StoredSecret {
    fn of(secret: &Value) -> Self {
        let text = |keys: &[&str]| secret.dig(keys).and_then(Value::as_str);
        let head = StoredHead {
            name: text(&["metadata", "name"]).unwrap_or_default().to_owned(),
            release: text(&["metadata", "labels", RELEASE]).unwrap_or_default().to_owned(),
            environment: text(&["metadata", "labels", ENVIRONMENT]).unwrap_or_default().to_owned(),
            project: text(&["metadata", "labels", PROJECT]).map(str::to_owned),
            annotations: secret.dig(&["metadata", "annotations"]).cloned().unwrap_or_default(),
        };
        Self {
            head,
            more: text(&["metadata", "annotations", MORE]).map(names),
            chunk: text(&["data", CHUNK]).and_then(|it| STANDARD.decode(it).ok()).unwrap_or_default(),
        }
    }
}

/// The names that an annotation lists.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// The release of what is kept.
pub(super) fn release_of(secret: &Value) -> Option<&str> {
    secret.dig(&["metadata", "labels", RELEASE])?.as_str()
}

fn merge(map: &mut Json, more: &Json) {
    for (key, value) in more.as_object().into_iter().flatten() {
        map[key] = value.clone();
    }
}

fn apply_secret(namespace: &str, name: &str, body: &Json) -> Request {
    let path = path(&secrets(), Some(namespace), Some(name));
    let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
    Request::get(path, format!("save the Secret {namespace}/{name}"))
        .needs(Right::new("patch", &secrets(), Some(namespace)))
        .with(Method::PATCH, "application/apply-patch+yaml", body.to_string().into_bytes())
}

fn refused(error: &StateError) -> WriteError {
    WriteError::Refused { refusal: Refusal::Invalid, message: error.to_string() }
}
