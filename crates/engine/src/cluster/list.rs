//! LISTs, page by page.

use std::future::ready;
use std::sync::{Mutex, PoisonError};

use serde::de::Error as _;

use super::live::{PageRead, path, typed};
use super::request::Request;
use super::rights::Right;
use super::{Cluster, ClusterError, page};
use weft_base::percent;
use weft_base::value::Value;
use weft_schema::Resource;
use weft_stages::diff::{LiveObject, Sent};

/// The forms of an answer: whole objects, or their metadata alone.
pub(super) const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Objects of a page; of their metadata alone ten times as many are as long.
const LIMIT: usize = 500;

impl Cluster {
    /// Hands over all objects of a kind, page by page. `selector` is more of the query, such as `&labelSelector=a%3Db`.
    pub(super) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
        each: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(), ClusterError> {
        let each = Mutex::new(each);
        let take = |body: Vec<u8>| {
            let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
            ready(page::read(&body, &mut |item| each(item.body)))
        };
        self.list_pages(resource, namespace, selector, JSON, &take).await
    }

    /// What the name, labels and annotations of all objects of a kind come to. It is worked out on another thread, so that
    /// this one can go on with what arrives meanwhile.
    pub(super) async fn list_metadata<T: Send + 'static>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
        of: impl Fn(Value) -> Option<T> + Clone + Send + Sync + 'static,
    ) -> Result<Vec<T>, ClusterError> {
        let found = &Mutex::new(Vec::new());
        let take = |body: Vec<u8>| {
            let of = of.clone();
            async move {
                let work = move || {
                    let mut items = Vec::new();
                    let next = page::read_metadata(&body, &mut |item| items.extend(of(item)))?;
                    Ok((next, items))
                };
                let read = tokio::task::spawn_blocking(work).await.map_err(serde_json::Error::custom).flatten();
                let (next, items) = read?;
                found.lock().unwrap_or_else(PoisonError::into_inner).extend(items);
                Ok(next)
            }
        };
        self.list_pages(resource, namespace, selector, METADATA, &take).await?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *found))
    }

    /// Hands over all objects of a kind in a namespace with those who wrote them: whole, or their metadata alone.
    pub(super) async fn list_live(
        &self,
        resource: &Resource,
        namespace: &str,
        whole: bool,
        each: &mut (dyn FnMut(LiveObject) + Send),
    ) -> Result<(), ClusterError> {
        let each = Mutex::new(each);
        let take = |body: Vec<u8>| {
            let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
            let mut hand_over = |item: Sent| {
                let item = Sent { body: typed(item.body, &resource.gvk), ..item };
                item.live().into_iter().for_each(&mut **each);
            };
            ready(page::read(&body, &mut hand_over))
        };
        self.list_pages(resource, Some(namespace), "", if whole { JSON } else { METADATA }, &take).await
    }

    /// Hands over the pages of a LIST, as bytes. `selector` is more of the query, `accept` the form of the answer.
    pub(super) async fn list_pages<F: Future<Output = PageRead>>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
        accept: &'static str,
        take: &(impl Fn(Vec<u8>) -> F + Sync),
    ) -> Result<(), ClusterError> {
        let right = Right::new("list", resource, namespace);
        let limit = if accept == METADATA { 10 * LIMIT } else { LIMIT };
        let mut token = None;
        loop {
            let next = token.map(|it: String| format!("&continue={}", percent::segment(&it))).unwrap_or_default();
            let path = format!("{}?limit={limit}{selector}{next}", path(resource, namespace, None));
            let request = Request { accept, ..Request::get(path, right.to_string()).needs(right.clone()) };
            let answer = self.send(&request).await?;
            match answer.code {
                // The kind is not served (any more), so there are none.
                404 => return Ok(()),
                _ if !answer.is_success() => return Err(self.refused(&request, &answer)),
                _ => {}
            }
            token = take(answer.body)
                .await
                .map_err(|source| ClusterError::BadAnswer { what: request.what, source: source.into() })?;
            if token.is_none() {
                return Ok(());
            }
        }
    }
}
