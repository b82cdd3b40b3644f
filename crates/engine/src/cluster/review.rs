//! Asking the server what we may do, so that nothing is tried that it would refuse.
//!
//! One request tells the rules that hold for us in a namespace. What they do not give is asked about alone, as there are
//! other ways to have a right than rules, and rules that not every authorizer tells.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::OnceCell;

use super::request::Request;
use super::{Cluster, ClusterError, Right};
use weft_base::value::Value;

/// Where the server answers for the one who asks; everybody may ask there (`system:basic-user`).
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

/// What we may do, asked once a namespace and once a right.
#[derive(Default)]
pub struct Permits {
    rules: Mutex<BTreeMap<String, Arc<OnceCell<Vec<AccessRule>>>>>,
    known: Mutex<BTreeMap<Right, Arc<OnceCell<bool>>>>,
}

/// A rule that holds for us, as the server tells it; `*` stands for all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessRule {
    verbs: Vec<String>,
    #[serde(default)]
    api_groups: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
    /// The only objects that it is about.
    #[serde(default)]
    resource_names: Vec<String>,
}

impl AccessRule {
    /// Whether it gives a right for all objects of the kind.
    fn gives(&self, right: &Right) -> bool {
        let has = |all: &[String], wanted: &str| all.iter().any(|it| it == "*" || it == wanted);
        self.resource_names.is_empty()
            && has(&self.verbs, &right.verb)
            && has(&self.api_groups, &right.group)
            && has(&self.resources, &right.resource)
    }
}

impl Permits {
    /// Whether we have a right for the object of this name: for all objects of the kind, or at least for this one.
    /// Where the server does not say, the answer is yes, and trying it tells.
    pub async fn has(&self, cluster: &Cluster, right: &Right, name: &str) -> bool {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(right.clone()).or_default())
        };
        let for_all = cell
            .get_or_init(|| async {
                self.is_given(cluster, right).await || cluster.may(right, None).await.unwrap_or(true)
            })
            .await;
        *for_all || cluster.may(right, Some(name)).await.unwrap_or(true)
    }

    /// Asks for the rules of namespaces, for whoever will want them.
    pub async fn read(&self, cluster: &Cluster, namespaces: impl IntoIterator<Item = &str>) {
        futures::future::join_all(namespaces.into_iter().map(|it| self.rules(cluster, it, |_| ()))).await;
    }

    /// Whether the rules of its namespace give a right.
    async fn is_given(&self, cluster: &Cluster, right: &Right) -> bool {
        let Some(namespace) = &right.namespace else { return false };
        self.rules(cluster, namespace, |rules| rules.iter().any(|rule| rule.gives(right))).await
    }

    async fn rules<T>(&self, cluster: &Cluster, namespace: &str, of: impl FnOnce(&[AccessRule]) -> T) -> T {
        let cell = {
            let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(rules.entry(namespace.to_owned()).or_default())
        };
        // Who is told no rules asks about each right.
        of(cell.get_or_init(|| async { cluster.rules(namespace).await.unwrap_or_default() }).await)
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
        let answer: Option<Value> = self.review(REVIEWS, format!("tell whether we may {right}"), &review).await?;
        let allowed = answer.as_ref().and_then(|it| it.dig(&["status", "allowed"])).and_then(Value::as_bool);
        Ok(allowed.unwrap_or(false))
    }

    /// The rules that hold for us in a namespace, as far as the server knows them.
    async fn rules(&self, namespace: &str) -> Result<Vec<AccessRule>, ClusterError> {
        /// What of the answer counts.
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Review {
            status: Status,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Status {
            resource_rules: Vec<AccessRule>,
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace},
        });
        let answer: Option<Review> = self.review(RULES, format!("tell what we may do in {namespace}"), &review).await?;
        Ok(answer.unwrap_or_default().status.resource_rules)
    }

    async fn review<T: DeserializeOwned>(
        &self,
        path: &str,
        what: String,
        review: &serde_json::Value,
    ) -> Result<Option<T>, ClusterError> {
        let body = review.to_string().into_bytes();
        self.fetch(&Request::get(path.to_owned(), what).with(Method::POST, "application/json", body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_give_what_they_say() {
        let rule = |text: &str| serde_json::from_str::<AccessRule>(text).expect("a rule");
        let right = |verb: &str, group: &str, resource: &str| Right {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: Some("a".to_owned()),
        };
        let all = rule(r#"{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}"#);
        assert!(all.gives(&right("patch", "apps", "deployments")) && all.gives(&right("get", "", "secrets")));
        let some = rule(r#"{"verbs": ["patch", "create"], "apiGroups": ["apps"], "resources": ["deployments"]}"#);
        assert!(some.gives(&right("patch", "apps", "deployments")));
        assert!(!some.gives(&right("delete", "apps", "deployments")));
        assert!(!some.gives(&right("patch", "", "deployments")));
        assert!(!some.gives(&right("patch", "apps", "statefulsets")));
        let named = r#"{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["web"]}"#;
        assert!(!rule(named).gives(&right("patch", "apps", "deployments")));
        assert!(!rule(r#"{"verbs": ["get"]}"#).gives(&right("get", "", "pods")));
    }
}
