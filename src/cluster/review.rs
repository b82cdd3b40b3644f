//! Asking the server what we may do, so that nothing is tried that it would refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use serde_json::json;
use tokio::sync::OnceCell;

use super::request::Request;
use super::{Cluster, ClusterError, Right};
use crate::value::Value;

/// Where the server answers for the one who asks; everybody may ask there (`system:basic-user`).
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// What we may do, asked once a right.
#[derive(Default)]
pub struct Permits {
    known: Mutex<BTreeMap<Right, Arc<OnceCell<bool>>>>,
}

impl Permits {
    /// Whether we have a right for the object of this name: for all objects of the kind, or at least for this one.
    /// Where the server does not say, the answer is yes, and trying it tells.
    pub async fn has(&self, cluster: &Cluster, right: &Right, name: &str) -> bool {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(right.clone()).or_default())
        };
        let for_all = cell.get_or_init(|| async { cluster.may(right, None).await.unwrap_or(true) }).await;
        *for_all || cluster.may(right, Some(name)).await.unwrap_or(true)
    }
}

impl Cluster {
    /// Asks whether we have a right, for all objects or for the one of this name.
    pub async fn may(&self, right: &Right, name: Option<&str>) -> Result<bool, ClusterError> {
        let Right { verb, group, resource, namespace } = right;
        let attributes =
            json!({"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name});
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let request = Request::get(REVIEWS.to_owned(), format!("tell whether we may {right}")).with(
            Method::POST,
            "application/json",
            review.to_string().into_bytes(),
        );
        let answer: Option<Value> = self.fetch(&request).await?;
        let allowed = answer.as_ref().and_then(|it| it.dig(&["status", "allowed"])).and_then(Value::as_bool);
        Ok(allowed.unwrap_or(false))
    }
}
