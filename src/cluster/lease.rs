//! One run at a time changes an environment: a Lease in the state namespace says who.

use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::task::JoinHandle;

use super::kinds::leases;
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError};
use crate::value::Value;

/// How long a Lease lasts without a sign of life.
const LASTS: i64 = 60;
/// The time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The right to change an environment. It is renewed while it is held; [`Lease::release`] gives it back, and one that
/// is dropped or whose run dies ends by itself after a minute.
#[derive(Debug)]
pub struct Lease {
    cluster: Cluster,
    namespace: String,
    name: String,
    holder: String,
    heartbeat: JoinHandle<()>,
}

/// A Lease as the server has it.
#[derive(Default)]
struct Found {
    version: String,
    holder: String,
    acquired: Option<Timestamp>,
    ends: Option<Timestamp>,
}

impl Cluster {
    /// Takes the Lease of an environment. `holder` tells people who we are (user, host, process, pipeline). One that
    /// somebody else holds is an error that names the holder, since when, and when it would end by itself; unless
    /// `is_gone` knows of that holder that it does not live any more.
    pub async fn lease(
        &self,
        namespace: &str,
        environment: &str,
        holder: &str,
        is_gone: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Lease, ClusterError> {
        let name = format!("weft.{environment}").to_lowercase();
        let found = self.find_lease(namespace, &name).await?;
        let now = Timestamp::now();
        let others = |found: &Found| !found.holder.is_empty() && found.holder != holder && !is_gone(&found.holder);
        if let Some(found) = found.as_ref().filter(|found| others(found))
            && let Some(ends) = found.ends.filter(|ends| *ends > now)
        {
            return Err(ClusterError::Held {
                environment: environment.to_owned(),
                holder: found.holder.clone(),
                since: found.acquired.map(|it| it.to_string()).unwrap_or_default(),
                until: ends.to_string(),
            });
        }
        let version = found.map(|it| it.version);
        match self.put_lease(namespace, &name, holder, now, version.as_deref()).await {
            Ok(()) => Ok(self.held(namespace, name, holder, now)),
            Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => Err(ClusterError::Held {
                environment: environment.to_owned(),
                holder: "somebody".to_owned(),
                since: "a moment ago".to_owned(),
                until: (now + SignedDuration::from_secs(LASTS)).to_string(),
            }),
            Err(WriteError::Refused { refusal: Refusal::Forbidden(right), message }) => {
                Err(ClusterError::Forbidden { right: Box::new(right), message })
            }
            Err(WriteError::NotSent { reason } | WriteError::Unknown { reason }) => {
                Err(ClusterError::Unreachable { server: self.inner.server.address.clone(), reason, sent: true })
            }
            Err(error) => {
                Err(ClusterError::Refused { what: "take the lease".to_owned(), message: error.to_string(), code: 0 })
            }
        }
    }

    fn held(&self, namespace: &str, name: String, holder: &str, acquired: Timestamp) -> Lease {
        let (cluster, in_namespace, of, by) = (self.clone(), namespace.to_owned(), name.clone(), holder.to_owned());
        let heartbeat = tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                // A heartbeat that is lost is made up for by the next one; a Lease that somebody took is left alone.
                if let Ok(Some(found)) = cluster.find_lease(&in_namespace, &of).await
                    && found.holder == by
                {
                    let _ = cluster.put_lease(&in_namespace, &of, &by, acquired, Some(&found.version)).await;
                }
            }
        });
        Lease { cluster: self.clone(), namespace: namespace.to_owned(), name, holder: holder.to_owned(), heartbeat }
    }

    async fn find_lease(&self, namespace: &str, name: &str) -> Result<Option<Found>, ClusterError> {
        let request = Request::get(path(&leases(), Some(namespace), Some(name)), format!("get the lease {name}"))
            .needs(Right::new("get", &leases(), Some(namespace)));
        let found: Option<Value> = self.fetch(&request).await?;
        Ok(found.map(|lease| {
            let text = |keys: &[&str]| lease.dig(keys).and_then(Value::as_str);
            let time = |key: &str| text(&["spec", key]).and_then(|it| it.parse::<Timestamp>().ok());
            let lasts = lease.dig(&["spec", "leaseDurationSeconds"]).and_then(Value::as_i64).unwrap_or(LASTS);
            Found {
                version: text(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned(),
                holder: text(&["spec", "holderIdentity"]).unwrap_or_default().to_owned(),
                acquired: time("acquireTime"),
                ends: time("renewTime").map(|it| it + SignedDuration::from_secs(lasts)),
            }
        }))
    }

    /// Creates the Lease, or replaces the one of this version.
    async fn put_lease(
        &self,
        namespace: &str,
        name: &str,
        holder: &str,
        acquired: Timestamp,
        version: Option<&str>,
    ) -> Result<(), WriteError> {
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": LASTS,
                "acquireTime": micro(acquired), "renewTime": micro(Timestamp::now()),
            },
        });
        let (method, at, verb) = match version {
            Some(version) => {
                body["metadata"]["resourceVersion"] = json!(version);
                (Method::PUT, path(&leases(), Some(namespace), Some(name)), "update")
            }
            None => (Method::POST, path(&leases(), Some(namespace), None), "create"),
        };
        let request = Request::get(at, format!("take the lease {name}"))
            .needs(Right::new(verb, &leases(), Some(namespace)))
            .with(method, "application/json", body.to_string().into_bytes());
        self.write_state(namespace, &request).await
    }
}

impl Lease {
    /// Gives the Lease back, if it still is ours.
    pub async fn release(self) -> Result<(), ClusterError> {
        self.heartbeat.abort();
        let Some(found) = self.cluster.find_lease(&self.namespace, &self.name).await? else { return Ok(()) };
        if found.holder != self.holder {
            return Ok(());
        }
        let body = json!({"preconditions": {"resourceVersion": found.version}});
        let at = path(&leases(), Some(&self.namespace), Some(&self.name));
        let request = Request::get(at, format!("give the lease {} back", self.name))
            .needs(Right::new("delete", &leases(), Some(&self.namespace)))
            .with(Method::DELETE, "application/json", body.to_string().into_bytes());
        let answer = self.cluster.send(&request).await?;
        // Who may not delete it leaves it to its end.
        if answer.is_success() || matches!(answer.code, 403 | 404 | 409) {
            return Ok(());
        }
        Err(self.cluster.refused(&request, &answer))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// A time as the API's `MicroTime` wants it.
fn micro(time: Timestamp) -> String {
    format!("{time:.6}")
}
