//! Every case of `diff` put on a real server: what is proven or predicted there is what the server's dry run says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::cluster::{ApplyOptions, Cluster, SchemaCache};
use weft::diff::{self, After, Class, Compared, Context, Judge, LiveObject, ObjectComparison, Recorded, ServerAnswer};
use weft::manifest::Object;
use weft::masked::FingerprintKey;
use weft::schema::{Discovery, Schemas, Scope};
use weft::value::{Step, Value};

use super::cluster;
use crate::cases::code;
use crate::diff::object;
use crate::sandbox::shared;

/// Cases that cannot be put on another server as they are: the labels of a Job are bound to its UID, and a field that
/// a feature gate drops is one of which only the server knows.
const BOUND: [&str; 2] = ["job-labels-of-controller", "field-dropped-by-the-server"];

pub fn trials() -> Vec<Trial> {
    vec![code("cluster", "proofs_and_predictions_say_what_a_dry_run_says", proofs_agree)]
}

fn proofs_agree() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diff");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)?.map(|it| Ok(it?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let namespace = shared().namespace("judging");
    shared().block_on(async {
        let server = Server::of(&folders, namespace).await?;
        let mut wrong = Vec::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for folder in &folders {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            match server.judge(folder).await {
                Ok(by) => *counts.entry(by).or_default() += 1,
                Err(error) => wrong.push(format!("{name}: {}", error.message().unwrap_or_default())),
            }
        }
        if !wrong.is_empty() {
            return Err(Failed::from(wrong.join("\n")));
        }
        // Were nothing proven or predicted, there would be nothing to compare.
        assert!(["proven", "predicted"].iter().all(|by| counts.get(by).is_some_and(|count| *count > 3)), "{counts:?}");
        Ok(())
    })
}

struct Server {
    cluster: Cluster,
    discovery: Discovery,
    schemas: Schemas,
    namespace: String,
    key: FingerprintKey,
}

fn json_of(folder: &Path, file: &str) -> Option<Json> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    Some(serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
}

fn resource(body: &Json) -> ApiResource {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind))
}

impl Server {
    /// The server with all kinds that the cases define.
    async fn of(folders: &[PathBuf], namespace: String) -> Result<Self, Failed> {
        let cluster = cluster().await;
        for definition in folders.iter().filter_map(|folder| json_of(folder, "crd.yaml")) {
            let api: Api<DynamicObject> = Api::all_with(shared().client(), &resource(&definition));
            let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            api.patch(&name, &PatchParams::apply("it").force(), &Patch::Apply(&definition)).await?;
        }
        let kinds =
            folders.iter().filter_map(|folder| Some(object(value(&json_of(folder, "desired.yaml")?)).gvk.clone()));
        let kinds = kinds.collect();
        // A definition takes a moment to be served, and its schema one more.
        for _ in 0..100 {
            let (discovery, mut schemas) = (cluster.discover().await?, Schemas::new());
            let lacking = cluster.shapes(&kinds, &SchemaCache::new(None), &mut schemas).await?;
            let unserved = |gvk: &_| discovery.resource(gvk).is_none();
            let defined = |gvk: &&weft::schema::Gvk| gvk.kind == "Loom" || !unserved(gvk);
            if !lacking.keys().any(|gvk| defined(&gvk)) {
                let key = FingerprintKey::new([5; 32]);
                return Ok(Self { cluster, discovery, schemas, namespace, key });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err("a definition is not served".into())
    }

    fn moved(&self, mut body: Json) -> Json {
        body["metadata"]["namespace"] = self.namespace.as_str().into();
        body
    }

    /// Puts the live object of a case there, with its managers: first its fields, then who owns them.
    async fn put(&self, folder: &Path) -> Result<(), Failed> {
        let mut live = self.moved(json_of(folder, "live.yaml").unwrap_or_default());
        let managers = live["metadata"]["managedFields"].take();
        for key in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            live["metadata"].as_object_mut().map(|it| it.remove(key));
        }
        // Addresses are the server's to give.
        if live["kind"] == "Service" {
            for key in ["clusterIP", "clusterIPs"] {
                live["spec"].as_object_mut().map(|it| it.remove(key));
            }
        }
        let api: Api<DynamicObject> = Api::namespaced_with(shared().client(), &self.namespace, &resource(&live));
        let name = live["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let _ = api.delete(&name, &kube::api::DeleteParams::default()).await;
        while api.get_opt(&name).await?.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let body: DynamicObject = serde_json::from_value(live)?;
        api.create(&kube::api::PostParams::default(), &body).await?;
        let owners = Patch::Merge(json!({"metadata": {"managedFields": managers}}));
        api.patch(&name, &PatchParams::default(), &owners).await?;
        Ok(())
    }

    async fn judge(&self, folder: &Path) -> Result<&'static str, Failed> {
        let desired = object(value(&self.moved(json_of(folder, "desired.yaml").unwrap_or_default())));
        let Some(resource) = self.discovery.resource(&desired.gvk) else { return Ok("not served") };
        if resource.scope == Scope::Cluster || BOUND.iter().any(|it| folder.ends_with(it)) {
            return Ok("not to be put here");
        }
        self.put(folder).await?;
        // Controllers write too: both reads must be of the same state.
        let (live, asked) = loop {
            let live = self.cluster.get(&desired.id, resource).await?.ok_or("it is gone")?;
            let options = ApplyOptions { force: true, dry_run: true };
            let first = diff::compare(&desired, Some(live.clone()), None, None, &self.context(Judge::DryRun));
            if let Compared::Adopt(_, migration) = first {
                let response = self.cluster.migrate(&desired.id, resource, &migration).await?;
                break (live, ServerAnswer::Adopted(Box::new(response)));
            }
            let response = self.cluster.apply(&desired.id, resource, &desired.body, options).await?;
            let version = |it: &LiveObject| it.body.dig(&["metadata", "resourceVersion"]).cloned();
            if version(&live) == version(&response) {
                break (live, ServerAnswer::DryRun(Box::new(response)));
            }
        };
        let recorded = self.recorded(folder, &live);
        let server = self.compare(&desired, &live, recorded.clone(), Some(asked), Judge::DryRun)?;
        let server = server.ok_or("it asks again")?;
        let (ours, by) = if let Some(done) = self.compare(&desired, &live, recorded.clone(), None, Judge::Proofs)? {
            (done, "proven")
        } else {
            let asked = Some(ServerAnswer::Impossible("of this test".to_owned()));
            (self.compare(&desired, &live, recorded, asked, Judge::Proofs)?.ok_or("it asks again")?, "predicted")
        };
        agree(&server, &ours)?;
        Ok(by)
    }

    fn compare(
        &self,
        desired: &Arc<Object>,
        live: &LiveObject,
        recorded: Option<Arc<Recorded>>,
        asked: Option<ServerAnswer>,
        judge: Judge,
    ) -> Result<Option<ObjectComparison>, Failed> {
        match diff::compare(desired, Some(live.clone()), recorded, asked, &self.context(judge)) {
            Compared::Done(done) => Ok(Some(*done)),
            Compared::Ask(_) | Compared::Adopt(..) => Ok(None),
            Compared::Shape(_) => Err("its schema is not known".into()),
        }
    }

    fn context(&self, judge: Judge) -> Context<'_> {
        let discovery = Some(&self.discovery);
        Context { judge, discovery, ..Context::new(&self.key, &self.schemas) }
    }

    fn recorded(&self, folder: &Path, live: &LiveObject) -> Option<Arc<Recorded>> {
        let base = object(value(&self.moved(json_of(folder, "base.yaml")?)));
        let applied = diff::live(value(&json_of(folder, "applied.yaml")?))?;
        let uid = live.body.dig(&["metadata", "uid"]).and_then(Value::as_str)?.to_owned();
        Some(Arc::new(Recorded { uid, ..diff::record(&base, &applied, &self.key) }))
    }
}

fn value(json: &Json) -> Value {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}"))
}

/// The fields with what becomes of them. Where the prediction leaves a field to the server, every answer is right; what
/// the server adds that nobody asked for is not predicted.
fn agree(server: &ObjectComparison, ours: &ObjectComparison) -> Result<(), Failed> {
    let open: Vec<_> = ours.fields.iter().filter(|it| it.desired == After::Server).map(|it| &it.path).collect();
    let desired = server.desired.as_ref().map(|it| &it.body);
    let told = |it: &ObjectComparison| -> Vec<String> {
        let counted = it.fields.iter().filter(|change| {
            let added = change.live.is_none() && change.base.is_none();
            let asked = desired.is_some_and(|body| holds(body, &change.path.0));
            change.class != Class::Met && !open.contains(&&change.path) && (asked || !added)
        });
        let mut all: Vec<String> =
            counted.map(|it| format!("{} {}: {:?} -> {:?}", it.class, it.path, it.live, it.desired)).collect();
        all.sort();
        all
    };
    let (server, ours) = (told(server), told(ours));
    if server == ours { Ok(()) } else { Err(format!("\n  the server: {server:#?}\n  we: {ours:#?}").into()) }
}

/// Whether a path leads anywhere. Items may lack keys that the server fills in.
fn holds(body: &Value, path: &[Step]) -> bool {
    let Some((step, rest)) = path.split_first() else { return true };
    match step {
        Step::Field(name) => body.get(name).is_some_and(|it| holds(it, rest)),
        Step::Item(keys) => body.as_list().unwrap_or_default().iter().any(|item| {
            keys.iter().all(|(key, wanted)| item.get(key).is_none_or(|it| it == wanted)) && holds(item, rest)
        }),
        Step::Member(member) => body.as_list().is_some_and(|list| list.contains(member)),
        Step::Index(_) => false,
    }
}
