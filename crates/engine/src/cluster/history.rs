//! The history of releases, kept as documents: revisions, and the packs that hold their objects.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::documents::{DocumentHead, StoredDocument, StoredHead, names, of_environment, release_of};
use super::kinds::secrets;
use super::write::WriteError;
use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_stages::manifest;
use weft_stages::state::StateError;
use weft_stages::state::history::{
    ListedSecret, Pack, Revision, RevisionOutcome, decode_pack, decode_revision, encode_pack, encode_revision,
};

/// What a revision and a pack are labelled as.
const REVISION: &str = "revision";
const PACK: &str = "pack";
/// The label of a revision's head: its number.
const NUMBER: &str = "weft.example.com/revision";
/// The label of a revision's head: what came of it.
const RESULT: &str = "weft.example.com/result";
/// The annotation of a revision's head: the packs that hold its objects.
const PACKS: &str = "weft.example.com/packs";
/// Packs that are read at once.
const READS: usize = 4;

/// A revision as it is kept: packed, in chunks.
pub struct KeptRevision {
    namespace: String,
    document: StoredDocument,
}

/// A pack as it is kept: packed, in chunks.
pub struct KeptPack {
    namespace: String,
    document: StoredDocument,
}

impl KeptRevision {
    /// Unpacks it.
    pub fn read(&self) -> Result<Revision, ClusterError> {
        decode_revision(&self.document.chunks).map_err(|source| broken(&self.document, &self.namespace, source))
    }
}

impl KeptPack {
    /// Unpacks it, which takes longer than fetching it.
    pub fn read(&self) -> Result<Pack, ClusterError> {
        decode_pack(&self.document.chunks).map_err(|source| broken(&self.document, &self.namespace, source))
    }
}

impl Cluster {
    /// The revisions that are kept of an environment, or of one of its releases, in no order, with one LIST.
    pub async fn revisions(
        &self,
        namespace: &str,
        environment: &str,
        release: Option<&str>,
    ) -> Result<Vec<KeptRevision>, ClusterError> {
        let documents = self.kept_documents(namespace, &of_environment(&[REVISION], environment, release)).await?;
        let kept = |document| KeptRevision { namespace: namespace.to_owned(), document };
        Ok(documents.into_iter().map(kept).collect())
    }

    /// One revision; `None` where it is not kept.
    pub async fn revision(
        &self,
        namespace: &str,
        environment: &str,
        release: &str,
        number: u64,
    ) -> Result<Option<KeptRevision>, ClusterError> {
        let found = self.kept_document(namespace, &revision_name(environment, release, number)).await?;
        Ok(found.map(|document| KeptRevision { namespace: namespace.to_owned(), document }))
    }

    /// The packs of a revision.
    pub async fn packs(&self, namespace: &str, revision: &Revision) -> Result<Vec<KeptPack>, ClusterError> {
        let reads = revision.packs.keys().map(async |name| {
            let name = pack_name(&revision.environment, &revision.release, name);
            let found = self.kept_document(namespace, &name).await?;
            let chunks = Vec::new();
            // A pack without chunks is one that is not there, which reading it says.
            let document = found.unwrap_or(StoredDocument {
                head: StoredHead { name, release: revision.release.to_string(), ..StoredHead::default() },
                chunks,
            });
            Ok(KeptPack { namespace: namespace.to_owned(), document })
        });
        futures::stream::iter(reads).buffered(READS).try_collect().await
    }

    /// The names of what is kept of the history of an environment, by release.
    pub async fn listed_history(
        &self,
        namespace: &str,
        environment: &str,
    ) -> Result<BTreeMap<String, Vec<ListedSecret>>, ClusterError> {
        let selector = of_environment(&[REVISION, PACK], environment, None);
        let of = environment.to_owned();
        let told = move |secret: Value| {
            let release = release_of(&secret).unwrap_or_default().to_owned();
            Some((entry(&secret, &of, &release), release))
        };
        let mut listed: BTreeMap<String, Vec<ListedSecret>> = BTreeMap::new();
        for (entry, release) in self.list_metadata(&secrets(), Some(namespace), &selector, told).await? {
            listed.entry(release).or_default().push(entry);
        }
        Ok(listed)
    }

    /// Keeps a new revision, with the pack that it brings: that is there before the revision names it.
    pub async fn keep_revision(
        &self,
        namespace: &str,
        revision: &Revision,
        pack: Option<&Pack>,
    ) -> Result<ListedSecret, WriteError> {
        let environment = revision.environment.as_str();
        let release = &*revision.release;
        if let Some(pack) = pack {
            let name = pack_name(environment, release, &pack.name);
            let labels = json!({});
            let annotations = json!({});
            let head = DocumentHead { name, sort: PACK, environment, release, labels, annotations };
            self.keep_document(namespace, &head, encode_pack(pack)).await?;
        }
        let packs: Vec<&str> = revision.packs.keys().map(String::as_str).collect();
        let head = DocumentHead {
            name: revision_name(environment, release, revision.number),
            sort: REVISION,
            environment,
            release,
            labels: json!({NUMBER: revision.number.to_string(), RESULT: revision.outcome.word()}),
            annotations: json!({PACKS: packs.join(",")}),
        };
        self.keep_document(namespace, &head, encode_revision(revision)).await?;
        Ok(ListedSecret::Revision {
            name: head.name,
            number: revision.number,
            done: revision.outcome == RevisionOutcome::Done,
            packs: Some(packs.iter().map(|name| pack_name(environment, release, name)).collect()),
        })
    }

    /// Deletes what [`superfluous`](weft_stages::state::history::superfluous) named, in that order.
    pub async fn drop_history(&self, namespace: &str, names: &[String]) -> Result<(), WriteError> {
        self.discard(namespace, names).await
    }
}

fn entry(secret: &Value, environment: &str, release: &str) -> ListedSecret {
    let text = |keys: &[&str]| secret.dig(keys).and_then(Value::as_str);
    let name = text(&["metadata", "name"]).unwrap_or_default().to_owned();
    let Some(number) = text(&["metadata", "labels", NUMBER]).and_then(|it| it.parse().ok()) else {
        return ListedSecret::Other { name };
    };
    let packs = text(&["metadata", "annotations", PACKS]).map(names);
    ListedSecret::Revision {
        name,
        number,
        done: text(&["metadata", "labels", RESULT]) == Some(RevisionOutcome::Done.word()),
        packs: packs.map(|it| it.iter().map(|name| pack_name(environment, release, name)).collect()),
    }
}

// No hash of a further Secret begins with a letter behind `f`.
fn revision_name(environment: &str, release: &str, number: u64) -> String {
    format!("{}.r{number}", manifest::inventory_name(environment, release))
}

fn pack_name(environment: &str, release: &str, pack: &str) -> String {
    format!("{}.p{pack}", manifest::inventory_name(environment, release))
}

fn broken(document: &StoredDocument, namespace: &str, source: StateError) -> ClusterError {
    ClusterError::History {
        secret: format!("{namespace}/{}", document.head.name),
        release: document.head.release.clone(),
        source: Box::new(source),
    }
}
