//! Runs the tests of releases: their hooks, with what these wrote. No inventory is touched.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Options, Run};
use crate::cluster::Cluster;
use weft_base::value::Value;
use weft_schema::{GroupKind, Resource};
use weft_stages::diff::LiveObject;
use weft_stages::manifest::{Object, ObjectId};
use weft_stages::plan::Plan;
use weft_stages::report::{Event, Outcome};

/// What a test came to.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// Its object.
    pub id: ObjectId,
    /// Its release.
    pub release: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What its containers wrote, without known secrets.
    pub logs: Vec<Log>,
}

/// What a container wrote.
#[derive(Clone, Debug)]
pub struct Log {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The text, or why it could not be read.
    pub text: Result<String, String>,
}

/// Runs the tests of a plan, one behind another. Behind one that did not end well, no other of its release is run.
pub async fn test(
    plan: &Plan,
    cluster: &Cluster,
    options: &Options,
    events: &mut (dyn FnMut(Event) + Send),
) -> Vec<TestResult> {
    let last = Mutex::new(None);
    let mut noting = |event: Event| {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(event.outcome.clone());
        events(event);
    };
    let run = Run::new(plan, cluster, options, &mut noting);
    let mut tested = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let began = Instant::now();
        run.run_stage(at).await;
        let outcome = last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let outcome = outcome.unwrap_or_else(|| Outcome::Unknown("nothing was told of it".to_owned()));
        let id = step.object.id.clone();
        let release = Arc::clone(&step.object.release);
        let logs = std::mem::take(&mut run.progress().logs);
        tested.push(TestResult { id, release, outcome, took: began.elapsed(), logs });
    }
    tested
}

impl Run<'_> {
    /// Reads what the containers of a hook wrote, while it is still there.
    pub(super) async fn keep_logs(&self, object: &Object, resource: &Resource) {
        let cluster = self.scope.cluster;
        let pods = match cluster.get(&object.id, resource).await {
            Ok(Some(live)) if live.id.kind.kind == "Pod" => vec![live.body],
            Ok(Some(LiveObject { body, .. })) => cluster.pods_of(&body).await.unwrap_or_default(),
            Ok(None) | Err(_) => Vec::new(),
        };
        for pod in &pods {
            let name = pod.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
            let kind = GroupKind { group: String::new(), kind: "Pod".to_owned() };
            let id = ObjectId { kind, namespace: object.id.namespace.clone(), name: name.to_owned() };
            for container in containers(pod) {
                let text = cluster.log(&id, container).await.map_err(|error| error.to_string());
                self.progress().logs.push(Log { pod: name.to_owned(), container: container.to_owned(), text });
            }
        }
    }
}

/// The names of the containers of a pod, in the order in which they are started.
fn containers(pod: &Value) -> impl Iterator<Item = &str> {
    let of = |key| pod.dig(&["spec", key]).and_then(Value::as_list).unwrap_or_default();
    of("initContainers").iter().chain(of("containers")).filter_map(|it| it.get("name")?.as_str())
}
