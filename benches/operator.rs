//! The operator: one source into two thousand namespaces beside a bare load with as many requests in flight, how soon an
//! edit arrives, a hot source, and a restart with a thousand objects and twenty thousand copies.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use http::header::CONTENT_TYPE;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, WatchEvent, WatchParams};
use serde_json::{Value as Json, json};
use support::cluster::ControlPlane;
use support::{Arguments, Failure, Targets, process};
use weft::operator::{ConfigMapSync, ConfigMapSyncStatus};

/// The namespaces, and to try it.
const NAMESPACES: usize = 2_000;
const QUICK: usize = 100;
/// The objects of the restart, and the copies of each.
const SYNCS: usize = 1_000;
const COPIES: usize = 20;
/// As many writes are under way at once as the operator has for one object.
const IN_FLIGHT: usize = 8;
/// How often the first round is measured.
const ROUNDS: usize = 3;
/// What the API server calls a write.
const WRITES: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "APPLY"];
/// How many requests the API server counted, by verb and resource.
type Requests = BTreeMap<(String, String), u64>;
/// How long a cluster that is made ready is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let scene = Scene::new(if arguments.quick { QUICK } else { NAMESPACES })?;
    println!("\n{} namespaces; {} cores", scene.namespaces, support::cores());
    let mut operator = Operator::start(&scene)?;
    operator.ready()?;
    scene.first_round(targets)?;
    scene.an_edit(targets)?;
    scene.a_hot_source(targets)?;
    scene.many(if arguments.quick { SYNCS / 20 } else { SYNCS })?;
    operator.stop()?;
    scene.a_restart(targets)?;
    scene.plane.stop()
}

/// A control plane with the namespaces, a source, and an account that may do everything with `ConfigMap`s.
struct Scene {
    plane: ControlPlane,
    client: Client,
    namespaces: usize,
}

impl Scene {
    fn new(namespaces: usize) -> Result<Self, Failure> {
        let plane = ControlPlane::start()?;
        let client = plane.client();
        let scene = Self { plane, client, namespaces };
        let definition = serde_json::to_string(&weft::operator::crd()?)?;
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        scene.send("POST", definitions, "application/json", definition)?;
        for (path, body) in [
            ("/api/v1/namespaces", json!({"metadata": {"name": "own"}})),
            ("/api/v1/namespaces/own/serviceaccounts", json!({"metadata": {"name": "copier"}})),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                json!({"metadata": {"name": "copier"}, "rules": [{
                    "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "delete"]}]}),
            ),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                json!({"metadata": {"name": "copier"},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "copier"},
                    "subjects": [{"kind": "ServiceAccount", "namespace": "own", "name": "copier"}]}),
            ),
            ("/api/v1/namespaces/own/configmaps", json!({"metadata": {"name": "settings"}, "data": data(0)})),
        ] {
            scene.send("POST", path, "application/json", body.to_string())?;
        }
        scene.plane.namespaces("to", namespaces)?;
        Ok(scene)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: String) -> Result<String, Failure> {
        let request = http::Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind);
        Ok(self.plane.runtime().block_on(self.client.request_text(request.body(body.into_bytes())?))?)
    }

    fn edit(&self, round: usize) -> Result<(), Failure> {
        let path = "/api/v1/namespaces/own/configmaps/settings";
        let edit = json!({"data": data(round)}).to_string();
        self.send("PATCH", path, "application/merge-patch+json", edit).map(drop)
    }

    fn create(&self, name: &str, spec: &Json) -> Result<(), Failure> {
        let mut all = json!({"source": {"name": "settings"}, "serviceAccount": {"name": "copier"}});
        for (key, value) in spec.as_object().ok_or("a map")? {
            all[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync", "metadata": {"name": name}, "spec": all,
        });
        let path = "/apis/weaver.example.com/v1alpha1/namespaces/own/configmapsyncs";
        self.send("POST", path, "application/json", object.to_string()).map(drop)
    }

    /// Deletes an object, and waits until it and its copies are gone.
    fn delete(&self, name: &str) -> Result<(), Failure> {
        let api: Api<ConfigMapSync> = Api::namespaced(self.client.clone(), "own");
        let runtime = self.plane.runtime();
        runtime.block_on(api.delete(name, &DeleteParams::default()))?;
        while runtime.block_on(api.get_opt(name))?.is_some() {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The names of so many namespaces, from one on, and again from the first.
    fn names(&self, from: usize, count: usize) -> Vec<String> {
        (from..from + count).map(|at| format!("to-{}", at % self.namespaces)).collect()
    }

    /// Waits until so many objects are as they shall be.
    fn synced(&self, count: usize) -> Result<(), Failure> {
        let api: Api<ConfigMapSync> = Api::namespaced(self.client.clone(), "own");
        let began = Instant::now();
        loop {
            let all = self.plane.runtime().block_on(api.list(&ListParams::default()))?;
            let done = |it: &&ConfigMapSync| it.status.as_ref().is_some_and(is_synced);
            if all.iter().filter(done).count() >= count {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err("the objects are never synced".into());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until an object is as it shall be, from when it is created: without a question, which would be work for the
    /// server while it is measured.
    fn created_and_synced(&self, name: &str, spec: &Json) -> Result<Duration, Failure> {
        let api: Api<ConfigMapSync> = Api::namespaced(self.client.clone(), "own");
        let runtime = self.plane.runtime();
        let parameters = WatchParams::default().fields(&format!("metadata.name={name}"));
        let mut events = Box::pin(runtime.block_on(api.watch(&parameters, "0"))?);
        let began = Instant::now();
        self.create(name, spec)?;
        let synced = async {
            while let Some(event) = events.try_next().await? {
                if let WatchEvent::Added(it) | WatchEvent::Modified(it) = event
                    && it.status.as_ref().is_some_and(is_synced)
                {
                    return Ok(began.elapsed());
                }
            }
            Err("the watch ended".into())
        };
        runtime.block_on(async { tokio::time::timeout(PATIENCE, synced).await.map_err(|_| "it is never synced")? })
    }

    /// Halves of a bare load before and behind, since every object makes the server slower; and all of it several times,
    /// since others use the machine.
    fn first_round(&self, targets: &mut Targets) -> Result<(), Failure> {
        let (one, two) = (self.names(0, self.namespaces / 2), self.names(self.namespaces / 2, self.namespaces / 2));
        // The first object of a new kind waits for seconds, by the server's own doing.
        self.create("warm", &json!({"paused": true, "syncToNamespaces": ["to-0"]}))?;
        let (mut ours, mut bare) = (Duration::ZERO, Duration::ZERO);
        for round in 0..ROUNDS {
            let name = if round == 0 { "first".to_owned() } else { format!("again-{round}") };
            let spec = json!({"namespaceSelector": {}, "allNamespaces": true, "target": {"name": name},
                "excludeNamespaces": ["kube-system", "kube-public", "kube-node-lease", "default", "own"]});
            let before = self.bare(&one, round)?;
            let took = self.created_and_synced(&name, &spec)?;
            let both = before + self.bare(&two, round)?;
            println!("  {:.2} s, and {:.2} s of a bare load", took.as_secs_f64(), both.as_secs_f64());
            (ours, bare) = (ours + took, bare + both);
            if round > 0 {
                // What is measured next is of the first one alone.
                self.delete(&name)?;
            }
        }
        let rate = |time: Duration| (ROUNDS * self.namespaces) as f64 / time.as_secs_f64();
        let share = 100.0 * rate(ours) / rate(bare);
        let measured = format!(
            "{:.0} copies a second, {share:.0} % of the {:.0} of a bare load with {IN_FLIGHT} in flight",
            rate(ours),
            rate(bare)
        );
        targets.hold(share >= 85.0, &measured, "at least 85 %");
        Ok(())
    }

    /// The same bodies under another name, by nothing but a client.
    fn bare(&self, namespaces: &[String], round: usize) -> Result<Duration, Failure> {
        let marks = |at: usize| format!("{at:064}");
        let requests = namespaces.iter().enumerate().map(|(at, namespace)| {
            let body = json!({"metadata": {"name": format!("bare-{round}"),
                "labels": {"weaver.example.com/bare-namespace": "own", "weaver.example.com/bare-name": "first"},
                "annotations": {"weaver.example.com/bare-uid": marks(at), "weaver.example.com/bare-source": "own/settings",
                    "weaver.example.com/bare-hash": marks(at)}},
                "data": data(0)});
            (format!("/api/v1/namespaces/{namespace}/configmaps?fieldManager=bare"), body.to_string().into_bytes())
        });
        let requests: Vec<_> = requests.collect();
        let began = Instant::now();
        let sent = futures::stream::iter(requests).map(|(path, body)| {
            let client = self.client.clone();
            async move {
                let request = http::Request::post(path).header(CONTENT_TYPE, "application/json").body(body);
                tokio::spawn(async move {
                    client.request_text(request.map_err(|it| it.to_string())?).await.map_err(|it| it.to_string())
                })
                .await
                .map_err(|it| it.to_string())?
            }
        });
        let sent = sent.buffer_unordered(IN_FLIGHT).try_collect::<Vec<String>>();
        self.plane.runtime().block_on(sent)?;
        Ok(began.elapsed())
    }

    /// Counts the changes of copies while something is done, until none came for two seconds; with when each came.
    fn changes(&self, act: impl FnOnce() -> Result<(), Failure>) -> Result<Vec<Instant>, Failure> {
        let api: Api<ConfigMap> = Api::all(self.client.clone());
        let labels = "weaver.example.com/owner-name=first";
        let runtime = self.plane.runtime();
        let now = runtime.block_on(api.list_metadata(&ListParams::default().labels(labels).limit(1)))?;
        let version = now.metadata.resource_version.unwrap_or_default();
        let parameters = WatchParams::default().labels(labels);
        let mut events = Box::pin(runtime.block_on(api.watch_metadata(&parameters, &version))?);
        let (sender, came) = std::sync::mpsc::channel();
        let watching = runtime.spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                if matches!(event, WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_)) {
                    let _ = sender.send(Instant::now());
                }
            }
        });
        act()?;
        let mut all = Vec::new();
        while let Ok(at) = came.recv_timeout(Duration::from_secs(2)) {
            all.push(at);
        }
        watching.abort();
        Ok(all)
    }

    fn an_edit(&self, targets: &mut Targets) -> Result<(), Failure> {
        std::thread::sleep(Duration::from_secs(2));
        let mut began = Instant::now();
        let changes = self.changes(|| {
            began = Instant::now();
            self.edit(1)
        })?;
        let first = changes.first().ok_or("no copy changed")?.duration_since(began);
        let measured = format!("an edit reaches the first copy after {} ms", first.as_millis());
        targets.hold(first <= Duration::from_millis(50), &measured, "at most 50 ms");
        let measured = format!("{} writes for {} copies", changes.len(), self.namespaces);
        targets.hold(changes.len() == self.namespaces, &measured, "one each");
        Ok(())
    }

    fn a_hot_source(&self, targets: &mut Targets) -> Result<(), Failure> {
        let (edits, mut took) = (50, Duration::ZERO);
        let changes = self.changes(|| {
            let began = Instant::now();
            for round in 0..edits {
                let due = Duration::from_millis(100) * u32::try_from(round)?;
                std::thread::sleep(due.saturating_sub(began.elapsed()));
                self.edit(100 + round)?;
            }
            took = began.elapsed();
            Ok(())
        })?;
        let rounds = changes.len() as f64 / self.namespaces as f64;
        let most = took.as_secs_f64() + 2.0;
        let measured = format!("{edits} edits in {:.1} s caused {rounds:.1} rounds of writes", took.as_secs_f64());
        targets.hold(rounds <= most, &measured, "at most one a second");
        Ok(())
    }

    /// So many objects with copies of their own.
    fn many(&self, syncs: usize) -> Result<(), Failure> {
        let began = Instant::now();
        for at in 0..syncs {
            let spec =
                json!({"syncToNamespaces": self.names(at * COPIES, COPIES), "target": {"name": format!("copy-{at}")}});
            self.create(&format!("many-{at}"), &spec)?;
        }
        self.synced(syncs + 1)?;
        self.quiet()?;
        let copies = syncs * COPIES;
        println!("  {copies} copies of {syncs} objects after {:.0} s", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Waits until nothing was written for two seconds.
    fn quiet(&self) -> Result<(), Failure> {
        let written = || Ok::<u64, Failure>(writes(&self.requests()?).values().sum());
        let (began, mut before) = (Instant::now(), written()?);
        while began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_secs(2));
            let now = written()?;
            if now == before {
                return Ok(());
            }
            before = now;
        }
        Err("the operator goes on writing".into())
    }

    fn a_restart(&self, targets: &mut Targets) -> Result<(), Failure> {
        let before = self.requests()?;
        let began = Instant::now();
        let mut operator = Operator::start(self)?;
        operator.ready()?;
        let ready = began.elapsed();
        targets.hold(
            ready <= Duration::from_secs(5),
            &format!("ready after {:.1} s", ready.as_secs_f64()),
            "at most 5 s",
        );
        let mut most = 0;
        let watched = Duration::from_secs(30);
        while began.elapsed() < watched {
            most = most.max(operator.resident()?);
            std::thread::sleep(Duration::from_millis(200));
        }
        let after = self.requests()?;
        let since = |(what, count): (&(String, String), &u64)| {
            let more = count - before.get(what).copied().unwrap_or(0);
            (more > 0).then(|| (what.clone(), more))
        };
        let sent: Requests = after.iter().filter_map(since).collect();
        let writes = writes(&sent);
        let measured = format!("{} writes after a restart {writes:?}", writes.values().sum::<u64>());
        targets.hold(writes.is_empty(), &measured, "none");
        let gets: u64 = sent.iter().filter(|((verb, _), _)| verb == "GET").map(|(_, count)| count).sum();
        let rate = gets as f64 / watched.as_secs_f64();
        targets.hold(
            rate <= 300.0,
            &format!("{rate:.0} copies and sources verified a second"),
            "a bounded rate, at most 300",
        );
        let measured = format!("{} MiB resident at most, {}", most / 1024 / 1024, operator.parts()?);
        targets.hold(most < 64 * 1024 * 1024, &measured, "below 64 MB");
        operator.stop()
    }

    /// The requests that the API server counted, by verb and resource.
    fn requests(&self) -> Result<Requests, Failure> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let metrics = self.plane.runtime().block_on(self.client.request_text(request))?;
        let mut all = BTreeMap::new();
        let ours = |line: &&str| {
            line.starts_with("apiserver_request_total{")
                && (line.contains("resource=\"configmaps\"") || line.contains("resource=\"configmapsyncs\""))
        };
        for line in metrics.lines().filter(ours) {
            let label = |name: &str| {
                let value = line.split(&format!("{name}=\"")).nth(1).and_then(|it| it.split('"').next());
                value.unwrap_or_default().to_owned()
            };
            let count: u64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
            let what = (label("verb"), format!("{}/{}", label("resource"), label("subresource")));
            *all.entry(what).or_default() += count;
        }
        Ok(all)
    }
}

/// Those that write.
fn writes(requests: &Requests) -> Requests {
    let all = requests.iter().filter(|((verb, _), _)| WRITES.contains(&verb.as_str()));
    all.map(|(what, count)| (what.clone(), *count)).collect()
}

fn is_synced(status: &ConfigMapSyncStatus) -> bool {
    status.synced.is_some() && status.synced == status.targets
}

fn data(round: usize) -> Json {
    json!({"round": round.to_string(), "text": "x".repeat(200)})
}

/// The program under way. It ends with this value.
struct Operator {
    child: Child,
    health: String,
}

impl Operator {
    fn start(scene: &Scene) -> Result<Self, Failure> {
        let mut command = process::weft();
        command.args(["operator", "--health", "127.0.0.1:0", "--kubeconfig"]).arg(scene.plane.kubeconfig());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no output")?).lines();
        let line = lines.next().ok_or("it says nothing")??;
        let health = line.rsplit(' ').next().unwrap_or_default().to_owned();
        // What it says is read on, or it would wait for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("operator: {line}")));
        Ok(Self { child, health })
    }

    fn ready(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let mut stream = TcpStream::connect(&self.health)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("it is never ready".into())
    }

    /// What is resident now, in bytes.
    fn resident(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Of what is resident now: the heap and stacks, and the program itself.
    fn parts(&self) -> Result<String, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| status.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        Ok(format!("{} of its own and {} of files", of("RssAnon:"), of("RssFile:")))
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // One that is gone already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
