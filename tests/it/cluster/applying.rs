//! Plans that are run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use weft::apply::{self, Conclusion, End, Options, ReleaseWait};
use weft::cluster::{ApplyOptions, Cluster, Pace, Propagation, ServedObject};
use weft::diff::{
    self, Compared, Comparison, Context, LiveObject, Migration, ObjectComparison, Recorded, ServerAnswer,
};
use weft::manifest::{Object, ObjectId};
use weft::masked::FingerprintKey;
use weft::plan::{self, Action, Guards, Plan, ReleaseFacts};
use weft::report::{Event, Outcome};
use weft::schema::{Discovery, Gvk, Resource, Schemas, Scope, builtin_schemas};

use super::relay::Relay;
use super::{cluster, object, target};
use crate::cases::{code, same};
use crate::sandbox::shared;

pub fn trials() -> Vec<Trial> {
    vec![
        code("apply", "definitions_come_before_their_objects_and_a_second_run_is_empty", a_whole_life),
        code("apply", "a_refused_object_stops_its_release_and_those_that_need_it", a_refused_object),
        code("apply", "independent_releases_go_on_and_dependants_are_skipped_by_name", failures_stay_where_they_belong),
        code("apply", "waiting_holds_up_only_what_depends_on_it", waiting_holds_up_only_what_depends_on_it),
        code("apply", "health_is_waited_for_and_a_quota_is_named", health_is_waited_for),
        code("apply", "an_interrupted_run_ends_between_objects", an_interrupted_run),
        code("apply", "a_lost_server_is_told_and_the_next_run_converges", a_lost_server),
        code("apply", "a_connection_that_is_cut_is_made_anew", a_cut_connection),
        code("apply", "a_connection_that_is_dead_is_made_anew", a_dead_connection),
        code("apply", "an_object_is_made_again_where_the_plan_says_so", an_object_is_made_again),
        code("apply", "an_object_that_changed_hands_is_not_deleted", an_object_that_changed_hands),
    ]
}

/// A target with its state, and what runs need to know of it.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) discovery: Discovery,
    pub(super) namespace: String,
    /// Whose fields are taken.
    pub(super) take: Vec<String>,
    pub(super) schemas: Schemas,
    stop: watch::Sender<Option<String>>,
    needs: BTreeMap<Arc<str>, ReleaseWait>,
}

/// What a run came to: its end, and what became of each object at last.
pub(super) struct Ran {
    pub(super) conclusion: Conclusion,
    pub(super) events: Vec<Event>,
}

impl World {
    pub(super) async fn new(prefix: &str) -> Self {
        let cluster = cluster().await;
        let discovery = cluster.discover().await.expect("discovery");
        let namespace = format!("{prefix}-{}", std::process::id());
        let (take, schemas, stop) = (Vec::new(), builtin_schemas().clone(), watch::channel(None).0);
        Self { cluster, discovery, namespace, take, schemas, stop, needs: BTreeMap::new() }
    }

    pub(super) fn release(&mut self, name: &str, needs: &[&str], patience: Option<u64>) {
        let needs = needs.iter().map(|it| (*it).to_owned()).collect();
        self.needs.insert(
            name.into(),
            ReleaseWait { needs, patience: patience.map(Duration::from_secs), ..ReleaseWait::default() },
        );
    }

    fn key() -> FingerprintKey {
        FingerprintKey::new([9; 32])
    }

    pub(super) fn namespace(&self) -> Object {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        Object { implicit: true, ..object("base", None, body, &self.discovery) }
    }

    pub(super) fn object(&self, release: &str, mut body: Json) -> Object {
        body["metadata"]["labels"][plan::PART_OF] = release.into();
        object(release, Some(&self.namespace), body, &self.discovery)
    }

    fn map(&self, release: &str, name: &str) -> Object {
        self.object(
            release,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": name}}),
        )
    }

    fn context<'a>(&'a self, key: &'a FingerprintKey) -> Context<'a> {
        let (discovery, take) = (Some(&self.discovery), self.take.as_slice());
        Context { discovery, take, ..Context::new(key, &self.schemas) }
    }

    pub(super) async fn plan(&self, desired: Vec<Object>) -> Result<Plan, Failed> {
        let inventories = self.cluster.inventories(&self.namespace, "dev").await?;
        let kept = || inventories.iter().flat_map(|it| it.objects.iter().map(move |(id, member)| (it, id, member)));
        let wanted: BTreeMap<ObjectId, Gvk> = kept()
            .map(|(_, id, member)| (id.clone(), Gvk::new(&member.api_version, &id.kind.kind)))
            .chain(desired.iter().map(|it| (it.id.clone(), it.gvk.clone())))
            .collect();
        let wanted = wanted
            .into_iter()
            .filter_map(|(id, gvk)| Some(ServedObject { id, resource: self.discovery.resource(&gvk)?.clone() }));
        let mut live: BTreeMap<ObjectId, LiveObject> = BTreeMap::new();
        let unread = self.cluster.read(wanted, &mut |it| drop(live.insert(it.id.clone(), it))).await?;
        assert!(unread.reasons.is_empty(), "{unread:?}");
        let recorded = |id: &ObjectId| kept().find(|(_, it, _)| *it == id).and_then(|(_, _, it)| it.recorded.clone());
        let ids: BTreeSet<ObjectId> = desired.iter().map(|it| it.id.clone()).collect();
        let mut objects = Vec::new();
        for it in desired {
            let (it, live) = (Arc::new(it.clone()), live.remove(&it.id));
            objects.push(match diff::compare(&it, live, recorded(&it.id), None, &self.context(&Self::key())) {
                Compared::Done(done) => *done,
                Compared::Shape(live) | Compared::Ask(live) => self.ask(&it, *live, None, recorded(&it.id)).await?,
                Compared::Adopt(live, migration) => self.ask(&it, *live, Some(&migration), recorded(&it.id)).await?,
            });
        }
        for (inventory, id, member) in kept().filter(|(_, id, _)| !ids.contains(*id)) {
            objects.push(diff::leftover(id, &inventory.release, live.remove(id), member.recorded.clone()));
        }
        let facts = |(name, waiting): (&Arc<str>, &ReleaseWait)| ReleaseFacts {
            name: Arc::clone(name),
            needs: waiting.needs.clone(),
            declared: true,
            set: name.to_string(),
            inventory: Arc::new(kept().filter(|it| it.0.release == *name).map(|(_, id, _)| id.clone()).collect()),
            ..ReleaseFacts::default()
        };
        let facts: Vec<ReleaseFacts> = self.needs.iter().map(facts).collect();
        Ok(plan::plan(
            "dev",
            Comparison { objects, ..Comparison::default() },
            &facts,
            &Guards { take: self.take.clone(), ..Guards::default() },
        ))
    }

    async fn ask(
        &self,
        object: &Arc<Object>,
        live: LiveObject,
        migration: Option<&Migration>,
        recorded: Option<Arc<Recorded>>,
    ) -> Result<ObjectComparison, Failed> {
        let resource = self.discovery.resource(&object.gvk).expect("a kind");
        let options = ApplyOptions { force: true, dry_run: true };
        let answer = match migration {
            Some(migration) => {
                self.cluster.migrate(&object.id, resource, migration).await.map(Box::new).map(ServerAnswer::Adopted)
            }
            None => self
                .cluster
                .apply(&object.id, resource, &object.body, options)
                .await
                .map(Box::new)
                .map(ServerAnswer::DryRun),
        };
        let asked = match answer {
            Ok(asked) => asked,
            Err(error) => ServerAnswer::Impossible(error.to_string()),
        };
        match diff::compare(object, Some(live), recorded, Some(asked), &self.context(&Self::key())) {
            Compared::Done(done) => Ok(*done),
            _ => Err("it was asked".into()),
        }
    }

    pub(super) async fn run(
        &self,
        cluster: &Cluster,
        plan: &Plan,
        mut each: impl FnMut(&Event) + Send,
    ) -> Result<Ran, Failed> {
        let options = Options {
            owner: None,
            discovery: self.discovery.clone(),
            inventories: self.cluster.inventories(&self.namespace, "dev").await?,
            releases: self.needs.clone(),
            state_namespace: self.namespace.clone(),
            commit: None,
            key: Self::key(),
            propagation: Propagation::Background,
            carry_on: false,
            keep_logs: false,
            stop: self.stop.subscribe(),
            at_once: watch::channel(false).1,
        };
        let mut events = Vec::new();
        let mut tell = |event: Event| {
            each(&event);
            events.push(event);
        };
        let conclusion = apply::run(plan, cluster, &options, &mut tell).await?;
        Ok(Ran { conclusion, events })
    }

    pub(super) async fn apply(&self, desired: Vec<Object>) -> Result<Ran, Failed> {
        let plan = self.plan(desired).await?;
        self.run(&self.cluster, &plan, |_| {}).await
    }

    async fn members(&self) -> Result<String, Failed> {
        let all = self.cluster.inventories(&self.namespace, "dev").await?;
        let names = all.iter().flat_map(|it| it.objects.keys().map(move |id| format!("{}:{}", it.release, id.name)));
        Ok(names.collect::<Vec<_>>().join(" "))
    }
}

impl Ran {
    /// The last outcome of each object, by name.
    fn outcomes(&self) -> BTreeMap<&str, &'static str> {
        self.events.iter().map(|it| (it.id.name.as_str(), it.outcome.name())).collect()
    }

    fn outcome(&self, name: &str) -> &Outcome {
        &self.events.iter().rev().find(|it| it.id.name == name).expect("an event").outcome
    }
}

fn a_whole_life() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-life").await;
        world.release("base", &[], Some(30));
        world.release("app", &["base"], Some(30));
        let group = format!("{}.example.com", world.namespace);
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("gadgets.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]}});
        let gadget = json!({"apiVersion": format!("{group}/v1"), "kind": "Gadget", "metadata": {"name": "g"}, "spec": {"size": 3}});
        let gvk = Gvk { group, version: "v1".into(), kind: "Gadget".into() };
        world.discovery.add(Resource { gvk, plural: "gadgets".into(), scope: Scope::Namespaced, verbs: Vec::new() });
        let desired = |world: &World| {
            vec![
                world.object("app", gadget.clone()),
                world.map("app", "a"),
                world.object("base", definition.clone()),
                world.namespace(),
            ]
        };
        let ran = world.apply(desired(&world)).await?;
        assert_eq!(ran.conclusion, Conclusion { end: End::Done, warnings: vec![] }, "{:?}", ran.events);
        assert!(ran.outcomes().values().all(|it| *it == "healthy"), "{:?}", ran.outcomes());
        let again = world.plan(desired(&world)).await?;
        assert!(again.is_empty(), "{:?}", again.summary());
        let idle = world.run(&world.cluster, &again, |_| {}).await?;
        assert!(idle.events.is_empty() && idle.conclusion.end == End::Done, "{:?}", idle.events);
        let fewer = desired(&world).into_iter().filter(|it| it.id.name != "a").collect();
        let ran = world.apply(fewer).await?;
        assert_eq!(ran.outcomes(), BTreeMap::from([("a", "deleted")]));
        let definition = desired(&world)[2].id.name.clone();
        same("inventory", &format!("app:g base:{definition}"), &world.members().await?)
    })
}

fn a_refused_object() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-refused").await;
        world.release("base", &[], Some(10));
        world.release("app", &["base"], Some(10));
        let before = vec![world.namespace(), world.map("base", "old"), world.map("app", "old-too")];
        assert_eq!(world.apply(before).await?.conclusion.end, End::Done);
        let wrong = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "wrong"}, "spec": {"prots": 1}});
        let desired =
            vec![world.namespace(), world.map("base", "new"), world.object("base", wrong), world.map("app", "b")];
        let ran = world.apply(desired).await?;
        assert_eq!(ran.conclusion.end, End::Partial);
        let expected =
            [("b", "skipped"), ("new", "applied"), ("old", "skipped"), ("old-too", "skipped"), ("wrong", "failed")];
        let mut outcomes = ran.outcomes();
        // Whether it was still waited for depends on the order.
        outcomes.entry("new").and_modify(|it| *it = if *it == "healthy" { "applied" } else { it });
        assert_eq!(outcomes, BTreeMap::from(expected), "{:?}", ran.events);
        assert!(matches!(ran.outcome("wrong"), Outcome::Failed(said) if said.contains(".spec.prots")));
        same("inventory", "app:old-too base:new base:old", &world.members().await?)
    })
}

fn failures_stay_where_they_belong() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-apart").await;
        for (name, needs) in
            [("base", &[][..]), ("broken", &[]), ("mid", &["broken"]), ("top", &["mid"]), ("good", &["fine"])]
        {
            world.release(name, needs, Some(10));
        }
        world.release("fine", &[], Some(10));
        let old = vec![
            world.namespace(),
            world.map("top", "top-old"),
            world.map("broken", "broken-old"),
            world.map("good", "old"),
        ];
        assert_eq!(world.apply(old).await?.conclusion.end, End::Done);
        let service =
            |spec: Json| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec});
        let desired = |world: &World, spec: Json| {
            let maps = [("mid", "m"), ("top", "t"), ("good", "g"), ("fine", "f")]
                .map(|(release, name)| world.map(release, name));
            let mut desired = vec![world.namespace(), world.object("broken", service(spec))];
            desired.extend(maps);
            desired
        };
        let ran = world.apply(desired(&world, json!({"prots": 1}))).await?;
        assert_eq!(ran.conclusion.end, End::Partial);
        assert_eq!(
            (ran.outcome("f"), ran.outcome("g"), ran.outcome("old")),
            (&Outcome::Healthy, &Outcome::Healthy, &Outcome::Deleted)
        );
        let skipped = |name: &str| match ran.outcome(name) {
            Outcome::Skipped(reason) => reason.clone(),
            other => format!("{other:?}"),
        };
        let through = "release `broken` failed, which `mid` needs";
        same("m", through, &skipped("m"))?;
        same("t", &format!("{through}, which `top` needs"), &skipped("t"))?;
        same("top-old", &format!("{through}, which `top` needs"), &skipped("top-old"))?;
        assert!(skipped("broken-old").starts_with("release `broken` failed: Service "), "{}", skipped("broken-old"));
        same("inventory", "broken:broken-old fine:f good:g top:top-old", &world.members().await?)?;
        let ran = world.apply(desired(&world, json!({"ports": [{"port": 80}]}))).await?;
        assert_eq!(ran.conclusion.end, End::Done, "{:?}", ran.events);
        same("inventory", "broken:s fine:f good:g mid:m top:t", &world.members().await?)
    })
}

fn waiting_holds_up_only_what_depends_on_it() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-beside").await;
        for (name, needs, patience) in
            [("base", &[][..], 30), ("slow", &["base"], 3), ("after-slow", &["slow"], 3), ("first", &[], 30), ("second", &["first"], 30), ("own", &[], 30)]
        {
            world.release(name, needs, Some(patience));
        }
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"requests.cpu": "500m"}}});
        let before = vec![world.namespace(), world.map("first", "old"), world.object("base", quota.clone())];
        assert_eq!(world.apply(before).await?.conclusion.end, End::Done);
        let large = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "large"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "large"}},
            "template": {"metadata": {"labels": {"app": "large"}}, "spec": {"containers": [{
                "name": "c", "image": "registry.example.com/c:1", "resources": {"requests": {"cpu": "2"}}}]}}}});
        let on = |world: &World, release: &str, name: &str, on: &str| {
            let on = format!("{}/namespaces/{}/{on}", if on.starts_with("Deployment") { "apps" } else { "" }, world.namespace);
            let said = json!({"config.kubernetes.io/depends-on": on});
            world.object(release, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": said}}))
        };
        let desired = vec![
            world.namespace(),
            world.object("base", quota),
            world.object("slow", large),
            world.map("after-slow", "late"),
            world.map("first", "one"),
            world.map("second", "two"),
            on(&world, "own", "on-large", "Deployment/large"),
            on(&world, "own", "on-two", "ConfigMap/two"),
        ];
        let ran = world.apply(desired).await?;
        assert_eq!(ran.conclusion.end, End::Partial);
        let at = |name: &str, outcome: &str| {
            let found = ran.events.iter().position(|it| it.id.name == name && it.outcome.name() == outcome);
            found.unwrap_or_else(|| panic!("{name} is not {outcome}: {:?}", ran.events))
        };
        let failed = at("large", "failed");
        for (name, outcome) in [("one", "healthy"), ("two", "healthy"), ("old", "deleted"), ("on-two", "applied")] {
            assert!(at(name, outcome) < failed, "{name} was held up: {:?}", ran.events);
        }
        assert!(at("two", "healthy") < at("on-two", "applied"), "{:?}", ran.events);
        let large = format!("Deployment.apps {}/large is not healthy", world.namespace);
        let said = |name: &str, reason: &str| assert_eq!(ran.outcome(name), &Outcome::Skipped(reason.to_owned()));
        said("late", "release `slow` failed, which `after-slow` needs");
        said("on-large", &format!("release `slow` failed: {large}"));
        Ok(())
    })
}

fn health_is_waited_for() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-health").await;
        world.release("base", &[], Some(30));
        world.release("slow", &["base"], Some(4));
        let deployment = |name: &str, cpu: &str| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{
                    "name": "c", "image": "registry.example.com/c:1", "resources": {"requests": {"cpu": cpu}}}]}}}})
        };
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
            "spec": {"hard": {"requests.cpu": "500m"}}});
        let class = format!("late-{}", world.namespace);
        let late = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class},
            "provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer"});
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
            "storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
        let desired = vec![
            world.namespace(),
            world.object("base", late),
            world.object("base", claim),
            world.object("base", quota),
            world.object("base", deployment("fits", "100m")),
            world.object("slow", deployment("large", "2")),
        ];
        let ran = world.apply(desired).await?;
        assert_eq!(ran.conclusion.end, End::Partial);
        assert_eq!((ran.outcome("fits"), ran.outcome("data")), (&Outcome::Healthy, &Outcome::Healthy));
        let Outcome::Failed(said) = ran.outcome("large") else { return Err(format!("{:?}", ran.events).into()) };
        assert!(
            said.starts_with("not healthy after 4 s: FailedCreate: ") && said.contains("exceeded quota: small"),
            "{said}"
        );
        let waited = ran.events.iter().any(|it| it.id.name == "large" && it.outcome.name() == "waiting");
        assert!(waited, "{:?}", ran.events);
        Ok(())
    })
}

fn an_interrupted_run() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-stop").await;
        world.release("base", &[], None);
        world.release("app", &["base"], None);
        let desired = vec![world.namespace(), world.map("base", "a"), world.map("app", "b")];
        let plan = world.plan(desired).await?;
        let stop = world.stop.clone();
        let ran = world
            .run(&world.cluster, &plan, |event| {
                if event.id.name == "a" {
                    let _ = stop.send(Some("the run was interrupted".to_owned()));
                }
            })
            .await?;
        assert_eq!(ran.conclusion.end, End::Interrupted);
        assert_eq!((ran.outcomes()["a"], ran.outcomes()["b"]), ("applied", "skipped"));
        same("inventory", "base:a", &world.members().await?)
    })
}

/// The server is behind a relay that is closed after the first object.
fn a_lost_server() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-lost").await;
        world.release("base", &[], None);
        world.release("app", &["base"], None);
        let relay = Relay::open().await?;
        let through = Cluster::connect(&target(&relay.reference())).await?;
        let desired = || vec![world.namespace(), world.map("base", "a"), world.map("app", "b"), world.map("app", "c")];
        let plan = world.plan(desired()).await?;
        let ran = world
            .run(&through, &plan, |event| {
                if event.id.name == "a" {
                    relay.close();
                }
            })
            .await?;
        assert_eq!(ran.conclusion.end, End::Partial);
        assert_eq!(ran.outcomes()["a"], "applied");
        assert!(
            ["b", "c"].iter().all(|it| ["failed", "skipped", "unknown"].contains(&ran.outcomes()[it])),
            "{:?}",
            ran.events
        );
        assert!(!ran.conclusion.warnings.is_empty(), "the inventory could not be made exact");
        let ran = world.apply(desired()).await?;
        assert_eq!(ran.conclusion.end, End::Done, "{:?}", ran.events);
        same("inventory", "app:b app:c base:a", &world.members().await?)
    })
}

/// All requests that are under way are lost at once, and come again by another connection.
fn a_cut_connection() -> Result<(), Failed> {
    by_another_connection("apply-cut", &["a", "b7", "b30"], Relay::cut)
}

/// The same where nobody is told.
fn a_dead_connection() -> Result<(), Failed> {
    by_another_connection("apply-dead", &["a"], Relay::deaden)
}

fn by_another_connection(prefix: &str, after: &[&str], end: fn(&Relay)) -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new(prefix).await;
        world.release("base", &[], None);
        world.release("app", &["base"], None);
        let relay = Relay::open().await?;
        let pace = Pace { patience: Duration::from_secs(6), ..Pace::default() };
        let through = Cluster::connect(&target(&relay.reference()).paced(pace)).await?;
        let names: Vec<String> = (0..40).map(|at| format!("b{at}")).collect();
        let maps = names.iter().map(|name| world.map("app", name));
        let plan = world.plan([world.namespace(), world.map("base", "a")].into_iter().chain(maps).collect()).await?;
        let ran = world
            .run(&through, &plan, |event| {
                if after.contains(&&*event.id.name) && matches!(event.outcome, Outcome::Applied) {
                    end(&relay);
                }
            })
            .await?;
        assert_eq!(ran.conclusion.end, End::Done, "{:?}", ran.events);
        assert!(ran.outcomes().values().all(|it| *it == "applied"), "{:?}", ran.events);
        assert!(relay.connections() > 1, "{}", relay.connections());
        Ok(())
    })
}

fn an_object_is_made_again() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-again").await;
        world.release("base", &[], None);
        let job = |image: &str| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}}}})
        };
        world.apply(vec![world.namespace(), world.object("base", job("registry.example.com/c:1"))]).await?;
        let id = world.object("base", job("")).id;
        let resource = world.discovery.versions(&id.kind)[0].clone();
        let uid = async || {
            let live = world.cluster.get(&id, &resource).await.ok().flatten()?;
            live.body.dig(&["metadata", "uid"]).and_then(|it| it.as_str()).map(str::to_owned)
        };
        let first = uid().await;
        let next = vec![world.namespace(), world.object("base", job("registry.example.com/c:2"))];
        let mut plan = world.plan(next).await?;
        let step = plan.steps.iter_mut().find(|it| it.object.id == id).expect("a step");
        step.action = Action::Recreate {
            reason: "its template cannot change".into(),
            loses: Vec::new(),
            owned: plan::Dependents::Go,
        };
        let ran = world.run(&world.cluster, &plan, |_| {}).await?;
        assert_eq!(ran.conclusion.end, End::Done, "{:?}", ran.events);
        assert_ne!(first, uid().await);
        Ok(())
    })
}

fn an_object_that_changed_hands() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-hands").await;
        world.release("base", &[], None);
        world.apply(vec![world.namespace(), world.map("base", "a"), world.map("base", "b")]).await?;
        let plan = world.plan(vec![world.namespace(), world.map("base", "b")]).await?;
        let mut kept = world.map("base", "a");
        let metadata = kept.body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(|it| it.as_map_mut());
        let annotation: weft::value::Value = serde_json::from_value(json!({"helm.sh/resource-policy": "keep"}))?;
        metadata.expect("metadata").insert("annotations", annotation);
        let resource = world.discovery.resource(&kept.gvk).expect("a kind");
        world.cluster.apply(&kept.id, resource, &kept.body, ApplyOptions::default()).await?;
        let ran = world.run(&world.cluster, &plan, |_| {}).await?;
        assert_eq!(ran.outcomes(), BTreeMap::from([("a", "skipped")]), "{:?}", ran.events);
        assert!(world.cluster.get(&kept.id, resource).await?.is_some());
        same("inventory", "base:a base:b", &world.members().await?)
    })
}
