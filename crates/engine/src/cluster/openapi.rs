//! The shapes of kinds, as the server tells them: OpenAPI v3, one document a group and version.
//!
//! The index names each document with the hash of its content, so a document that was fetched once is taken from the
//! user's cache folder for as long as it does not change. What is kept is what we read of it, a fourteenth of it all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::live::is_total;
use super::request::{Request, parse};
use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_schema::{Gvk, Schemas, slim};

/// Documents that are worked on at once.
const DOCUMENTS: usize = 8;

/// The index: by `api/v1` or `apis/apps/v1`, where its document is.
#[derive(Deserialize)]
struct OpenApiIndex {
    paths: BTreeMap<String, DocumentUrl>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentUrl {
    /// Such as `/openapi/v3/apis/apps/v1?hash=ABC`.
    #[serde(rename = "serverRelativeURL")]
    url: String,
}

/// A document, or the reason why there is none.
type OpenApiDocument = Result<Value, String>;
type OpenApiDocuments = BTreeMap<String, OpenApiDocument>;

/// Where OpenAPI documents are kept between runs: a file each, by group, version and hash.
#[derive(Clone, Debug)]
pub struct SchemaCache {
    folder: Option<PathBuf>,
}

impl SchemaCache {
    /// The folder `weft/openapi` in the folder of caches; without one, nothing is kept.
    pub fn new(caches: Option<PathBuf>) -> Self {
        Self { folder: caches.map(|it| it.join("weft/openapi")) }
    }

    /// The file of a document. A place without a hash is not kept: nobody could tell when it changed.
    fn file(&self, name: &str, url: &str) -> Option<PathBuf> {
        let (_, hash) = url.split_once("?hash=")?;
        let plain = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let name = name.replace('/', "_");
        self.folder.as_ref().filter(|_| plain).map(|folder| folder.join(format!("{name}-{hash}.json")))
    }
}

impl Cluster {
    /// Adds to `schemas` the shapes of these kinds and of all others of their groups and versions. Those that the
    /// server does not tell come back with the reason: it has no such document, or does not let us read it.
    ///
    /// An error means that the server is lost, or does not know us.
    pub async fn shapes(
        &self,
        kinds: &BTreeSet<Gvk>,
        cache: &SchemaCache,
        schemas: &mut Schemas,
    ) -> Result<BTreeMap<Gvk, String>, ClusterError> {
        let mut reasons = BTreeMap::new();
        let names: BTreeSet<String> = kinds.iter().map(name).collect();
        for (name, document) in self.documents(names, cache).await? {
            match document {
                Ok(document) => schemas.add_document(&document),
                Err(reason) => drop(reasons.insert(name, reason)),
            }
        }
        let lacking = kinds.iter().filter(|kind| schemas.of(kind).is_none());
        let reason = |kind: &Gvk| reasons.get(&name(kind)).cloned().unwrap_or_else(|| "no document has it".to_owned());
        Ok(lacking.map(|kind| (kind.clone(), reason(kind))).collect())
    }

    /// The documents with these names, each with the reason where it cannot be had.
    async fn documents(&self, names: BTreeSet<String>, cache: &SchemaCache) -> Result<OpenApiDocuments, ClusterError> {
        if names.is_empty() {
            return Ok(OpenApiDocuments::new());
        }
        let index = match self.index().await {
            Ok(index) => index,
            Err(error) if is_total(&error) => return Err(error),
            Err(error) => return Ok(names.into_iter().map(|name| (name, Err(error.to_string()))).collect()),
        };
        let index = &index;
        let documents = names.into_iter().map(|name| async move {
            let document = match index.paths.get(&name) {
                Some(place) => self.document(&name, &place.url, cache).await?,
                None => Err("the server has no schema of it".to_owned()),
            };
            Ok((name, document))
        });
        futures::stream::iter(documents).buffer_unordered(DOCUMENTS).try_collect().await
    }

    async fn index(&self) -> Result<OpenApiIndex, ClusterError> {
        let request = Request::get("/openapi/v3".to_owned(), "read the index of schemas".to_owned());
        let answer = self.send(&request).await?;
        if answer.is_success() { parse(&request, &answer) } else { Err(self.refused(&request, &answer)) }
    }

    /// A document from the cache, else from the server.
    async fn document(&self, name: &str, url: &str, cache: &SchemaCache) -> Result<OpenApiDocument, ClusterError> {
        let file = cache.file(name, url);
        if let Some(document) = file.as_deref().and_then(read) {
            return Ok(Ok(document));
        }
        match self.download(name, url).await {
            Ok(document) => {
                // A cache that cannot be written only costs the same request next time.
                let _ = file.map(|file| write(&file, &document));
                Ok(Ok(document))
            }
            Err(error) if is_total(&error) => Err(error),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    async fn download(&self, name: &str, url: &str) -> Result<Value, ClusterError> {
        let request = Request::get(url.to_owned(), format!("read the schemas of {name}"));
        let answer = self.send(&request).await?;
        if !answer.is_success() {
            return Err(self.refused(&request, &answer));
        }
        Ok(slim(parse(&request, &answer)?))
    }
}

/// The name of a kind's document in the index.
fn name(kind: &Gvk) -> String {
    let root = if kind.group.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", kind.api_version())
}

/// A document that was kept; `None` for a file that is not there or broken, which is fetched again.
fn read(file: &Path) -> Option<Value> {
    let document: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    document.get("components").is_some().then_some(document)
}

/// Keeps a document: other runs see all of it or nothing.
fn write(file: &Path, document: &Value) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut unfinished = tempfile::NamedTempFile::new_in(folder)?;
    unfinished.write_all(&serde_json::to_vec(document)?)?;
    unfinished.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> SchemaCache {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        SchemaCache::new(variables.collect::<crate::trust::ProcessEnvironment>().caches())
    }

    #[test]
    fn a_document_is_kept_by_its_hash_in_the_users_cache() {
        let url = "/openapi/v3/apis/apps/v1?hash=AB12";
        let file = |variables: &[(&str, &str)], url| {
            cache(variables).file("apis/apps/v1", url).map(|it| it.display().to_string())
        };
        let xdg = ("XDG_CACHE_HOME", "/c");
        let home = ("HOME", "/h");
        assert_eq!(file(&[xdg, home], url).as_deref(), Some("/c/weft/openapi/apis_apps_v1-AB12.json"));
        assert_eq!(file(&[home], url).as_deref(), Some("/h/.cache/weft/openapi/apis_apps_v1-AB12.json"));
        assert_eq!(file(&[], url), None);
        assert_eq!(file(&[home], "/openapi/v3/apis/apps/v1"), None);
        assert_eq!(file(&[home], "/openapi/v3/apis/apps/v1?hash=../x"), None);
    }

    #[test]
    fn a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/x.json");
        assert!(read(&file).is_none());
        let document = serde_json::from_str(r#"{"components": {}}"#).unwrap();
        write(&file, &document).unwrap();
        assert_eq!(read(&file), Some(document));
        for broken in [r#"{"components": {"#, "{}", ""] {
            fs::write(&file, broken).unwrap();
            assert!(read(&file).is_none());
        }
    }
}
