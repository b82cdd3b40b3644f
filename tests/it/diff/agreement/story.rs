//! The life of one object: rounds of writes by others and applies of ours, each of which is a case.

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};
use weft::chart::{Rendered, RenderedFile};
use weft::cluster::{ApplyOptions, WriteError};
use weft::diff::{
    Compared, Context, Judged, LiveObject, MANAGER, Migration, ObjectComparison, Recorded, ServerAnswer, Verdict,
    compare, record,
};
use weft::manifest::{Object, read};
use weft::schema::Resource;
use weft::schema::merge;
use weft::value::Value;

use super::dice::Dice;
use super::edits::Target;
use super::kinds::{Kind, choose};
use super::told::{self, Difference};
use super::{Disagreement, Tally, World};
use crate::diff::key;
use crate::manifest::{environment, release_of};

/// Where objects are.
pub const NAMESPACE: &str = "agreement";
/// Where objects are that limit others.
pub const LIMITS: &str = "agreement-limits";

struct Story<'a> {
    world: &'a World,
    seed: u64,
    dice: Dice,
    kind: &'static Kind,
    namespace: &'static str,
    name: String,
    round: u64,
    recorded: Option<Arc<Recorded>>,
    /// What was applied last, and the server's answer to it.
    base: Option<(Arc<Object>, Value)>,
    tally: Tally,
}

/// One case: what is wanted, and what is there.
struct Case<'a> {
    object: &'a Arc<Object>,
    resource: &'a Resource,
    live: LiveObject,
    /// The same as the server sent it.
    raw: Json,
    dry_run: Option<LiveObject>,
}

/// The life of the object that a seed makes.
pub async fn tell(world: &World, seed: u64, rounds: u64) -> Tally {
    let dice = Dice::new(seed);
    let kind = choose(&dice);
    let namespace = if matches!(kind.name, "ResourceQuota" | "LimitRange") { LIMITS } else { NAMESPACE };
    let name = format!("a{seed:x}");
    let tally = Tally::default();
    let mut story = Story { world, seed, dice, kind, namespace, name, round: 0, recorded: None, base: None, tally };
    story.begin().await;
    let mut generation = 0;
    for round in 1..=rounds {
        story.round = round;
        let d = story.dice.at("rounds").at(&round.to_string()).fixed();
        story.target().edit(&world.server, &d.at("edits")).await;
        // What is wanted stays as it is, or changes a little or a lot.
        let churn = d.pick("churn", &[0, 0, 3, 10, 30]);
        if churn > 0 {
            generation = round;
        }
        let wanted = story.dice.anew(generation, if generation == 0 { 0 } else { churn.max(3) });
        story.case(&wanted, &d).await;
    }
    story.end().await;
    story.tally
}

impl Story<'_> {
    fn target(&self) -> Target<'_> {
        Target { kind: self.kind, namespace: self.namespace, name: &self.name, seed: &self.dice }
    }

    fn path(&self) -> String {
        self.kind.path(self.namespace, &self.name)
    }

    /// The object comes to be: by us, by somebody's update, or by another's apply.
    async fn begin(&mut self) {
        let d = self.dice.at("begin");
        match d.below("by", 10) {
            0 | 1 => {
                let mut body = self.kind.object(&self.dice.anew(99, 10), &self.name);
                if self.kind.namespaced {
                    body["metadata"]["namespace"] = self.namespace.into();
                }
                let path = self.kind.path(self.namespace, "") + "?fieldManager=kubectl-client-side-apply";
                let _ = self.world.server.send(Method::POST, &path, "application/json", &body).await;
            }
            2 => {
                self.target().apply(&self.world.server, &d).await;
            }
            _ => {}
        }
    }

    /// Services hold addresses and webhooks slow down all requests: they go.
    async fn end(&self) {
        if matches!(self.kind.plural, "services" | "mutatingwebhookconfigurations" | "validatingwebhookconfigurations")
        {
            let none = json!({});
            let _ = self.world.server.send(Method::DELETE, &self.path(), "application/json", &none).await;
        }
    }

    fn wanted(&self, dice: &Dice) -> Result<Arc<Object>, String> {
        let body = self.kind.object(dice, &self.name);
        let documents = vec![serde_json::from_value(body).map_err(|error| error.to_string())?];
        let file = RenderedFile { documents, ..RenderedFile::default() };
        let release: Arc<str> = "app".into();
        let rendered = Rendered { release: Arc::clone(&release), files: vec![file], ..Rendered::default() };
        let mut environment = environment(&[]);
        let mut release = release_of(&release);
        self.namespace.clone_into(&mut release.namespace);
        release.create_namespace = false;
        environment.releases = vec![release];
        let desired = read(vec![rendered], &environment, &self.world.discovery).map_err(|error| error.to_string())?;
        desired.objects.into_iter().find(|it| !it.implicit).map(Arc::new).ok_or_else(|| "no object".to_owned())
    }

    async fn case(&mut self, wanted: &Dice, d: &Dice) {
        let object = match self.wanted(wanted) {
            Ok(object) => object,
            Err(said) => return self.refused("refused by us", &said),
        };
        let world = self.world;
        let resource = world.discovery.resource(&object.gvk).expect("a kind");
        let Ok(raw) = world.server.get(&self.path()).await else { return self.create(&object, resource).await };
        let live = weft::diff::live(serde_json::from_value(raw.clone()).unwrap()).unwrap();
        if let Compared::Adopt(_, migration) = self.compare(&object, &live, true, None) {
            return self.take_over(&object, resource, &migration).await;
        }
        self.tally.count("cases", 1);
        if d.chance("forgotten", 12) {
            self.recorded = None;
        }
        let options = ApplyOptions { force: true, dry_run: true };
        let dry_run = match world.cluster.apply(&object.id, resource, &object.body, options).await {
            Ok(answer) => answer,
            Err(error) => return self.refused("refused by the server", &said(&error)),
        };
        let mut case = Case { object: &object, resource, live, raw, dry_run: Some(dry_run) };
        self.judge(&mut case, d).await;
    }

    async fn create(&mut self, object: &Arc<Object>, resource: &Resource) {
        match self.world.cluster.apply(&object.id, resource, &object.body, ApplyOptions::default()).await {
            Ok(response) => {
                self.tally.count("created", 1);
                self.applied(object, response).await;
            }
            Err(error) => self.refused("not created", &said(&error)),
        }
    }

    /// What a tool or nobody owned is moved into our entry before an apply, as the plan of such an object says.
    async fn take_over(&mut self, object: &Arc<Object>, resource: &Resource, migration: &Migration) {
        let moved = Migration { body: None, ..migration.clone() };
        match self.world.cluster.migrate(&object.id, resource, &moved).await {
            Ok(_) => {
                self.tally.count("taken over", 1);
                self.recorded = None;
            }
            Err(error) => self.refused("not taken over", &said(&error)),
        }
    }

    fn refused(&mut self, what: &'static str, said: &str) {
        self.tally.count(what, 1);
        let said: String = said.replace(&self.name, "NAME").chars().take(220).collect();
        *self.tally.refusals.entry(format!("{}: {said}", self.kind.name)).or_default() += 1;
    }

    fn compare(
        &self,
        object: &Arc<Object>,
        live: &LiveObject,
        recorded: bool,
        asked: Option<ServerAnswer>,
    ) -> Compared {
        let key = key();
        let context = Context::new(&key, &self.world.schemas);
        let recorded = self.recorded.clone().filter(|_| recorded);
        compare(object, Some(live.clone()), recorded, asked, &context)
    }

    /// The comparison without the server's word.
    fn predicted(&self, object: &Arc<Object>, live: &LiveObject, recorded: bool) -> ObjectComparison {
        done(self.compare(object, live, recorded, Some(ServerAnswer::Impossible("nobody is asked".into()))))
    }

    async fn judge(&mut self, case: &mut Case<'_>, d: &Dice) {
        let answer = case.dry_run.clone().expect("an answer");
        let answered = {
            let key = key();
            let context = Context { judge: weft::diff::Judge::DryRun, ..Context::new(&key, &self.world.schemas) };
            let asked = Some(ServerAnswer::DryRun(Box::new(answer.clone())));
            done(compare(case.object, Some(case.live.clone()), self.recorded.clone(), asked, &context))
        };
        let shape = self.world.schemas.of(&case.object.gvk).expect("a schema");
        match merge::apply(case.live.managed(), &case.object.body, shape, MANAGER) {
            Ok(applied) => {
                if let Some(wrong) = told::owners(&applied.managers, &answer.managers) {
                    self.wrong(case, format!("owners after the merge (- the server's, + ours):\n{wrong}"));
                }
            }
            Err(error) => self.wrong(case, format!("the merge fails, the server's does not: {error}")),
        }
        let mut unchanged = false;
        for (recorded, name) in [(true, "with the record"), (false, "without a record")] {
            if let Compared::Done(proven) = self.compare(case.object, &case.live, recorded, None) {
                unchanged |= proven.verdict == Verdict::Unchanged;
                self.tally.count(counted(&proven.judged), 1);
                if let Some(wrong) = told::fields(&answered).filter(|_| proven.verdict == Verdict::Unchanged) {
                    self.wrong(case, format!("proven {name} ({:?}), but the dry run makes\n{wrong}", proven.judged));
                }
            }
            let predicted = self.predicted(case.object, &case.live, recorded);
            let difference = Difference::between(&predicted, &answered, &case.live, &answer);
            if !recorded {
                self.tally.count("paths", difference.paths);
                self.tally.count("paths left to the server", difference.left);
                for place in difference.places {
                    *self.tally.left.entry(format!("{} {place}", self.kind.name)).or_default() += 1;
                }
            }
            if !difference.wrong.is_empty() {
                self.wrong(case, format!("predicted {name}:\n{}", difference.wrong));
                break;
            }
        }
        self.apply(case, unchanged, &answered, d).await;
    }

    /// Applies it, and holds what the server did against what we said.
    async fn apply(&mut self, case: &Case<'_>, proven: bool, answered: &ObjectComparison, d: &Dice) {
        let options = ApplyOptions { force: true, dry_run: false };
        let response = match self.world.cluster.apply(&case.object.id, case.resource, &case.object.body, options).await
        {
            Ok(response) => response,
            Err(error) => {
                return self.wrong(case, format!("the dry run went well, the apply did not: {}", said(&error)));
            }
        };
        let written = version(&response) != version(&case.live);
        self.tally.count(if written { "applied with a change" } else { "applied without a change" }, 1);
        if written && told::says_nothing(&case.live, &response) {
            self.tally.count(super::SILENT, 1);
        } else if written && proven {
            self.wrong(
                case,
                format!("proven unchanged, but the apply wrote it:\n{}", told::written(&case.live, &response)),
            );
        } else if written != (answered.verdict != Verdict::Unchanged || told::owners_move(&case.live, &response)) {
            let fields = told::fields(answered).unwrap_or_default();
            self.wrong(case, format!("by the dry run {:?}, but written: {written}\n{fields}", answered.verdict));
        }
        if d.chance("stale", 4) {
            return;
        }
        self.applied(case.object, response).await;
    }

    /// What was just applied is unchanged, by its record and without.
    async fn applied(&mut self, object: &Arc<Object>, response: LiveObject) {
        let world = self.world;
        let Ok(raw) = world.server.get(&self.path()).await else { return };
        let live = weft::diff::live(serde_json::from_value(raw.clone()).unwrap()).unwrap();
        self.recorded = Some(Arc::new(record(object, &response, &key())));
        let resource = world.discovery.resource(&object.gvk).expect("a kind");
        self.base = Some((Arc::clone(object), raw.clone().into_value()));
        let case = Case { object, resource, live, raw, dry_run: None };
        let mut wrong = None;
        if matches!(self.compare(object, &case.live, false, None), Compared::Adopt(..)) {
            return self.tally.count("just applied: to be taken over", 1);
        }
        match self.compare(object, &case.live, true, None) {
            // A record proves nothing where an empty map is not there that is wanted; then the structure may.
            Compared::Done(done)
                if done.verdict == Verdict::Unchanged
                    && matches!(done.judged, Judged::Recorded | Judged::Structure) => {}
            other => wrong = Some(format!("just applied, but its record proves nothing: {}", told::compared(&other))),
        }
        match self.compare(object, &case.live, false, None) {
            Compared::Done(done) if done.verdict == Verdict::Unchanged => {
                self.tally.count("just applied: proven by structure", 1);
            }
            Compared::Done(done) => wrong = Some(format!("just applied: {}", told::fields(&done).unwrap_or_default())),
            _ => self.tally.count("just applied: no proof by structure", 1),
        }
        let predicted = self.predicted(object, &case.live, false);
        if told::is_left(&predicted) {
            self.tally.count("just applied: left to the server", 1);
        } else if let Some(fields) = told::fields(&predicted) {
            wrong = Some(format!("just applied, but without a record a change is predicted:\n{fields}"));
        }
        let Some(wrong) = wrong else { return };
        if self.is_unsettled(&case).await {
            // A server's merge takes away a map that lost all its keys, though it is wanted empty; the next brings it, or
            // takes it from whoever owns it too.
            self.recorded = None;
            return self.tally.count("just applied: the server itself would change it again", 1);
        }
        self.wrong(&case, wrong);
    }

    /// Whether a dry run right after an apply makes a change, be it of owners.
    async fn is_unsettled(&self, case: &Case<'_>) -> bool {
        let options = ApplyOptions { force: true, dry_run: true };
        let answer = self.world.cluster.apply(&case.object.id, case.resource, &case.object.body, options).await;
        answer
            .is_ok_and(|answer| told::spec(&answer) != told::spec(&case.live) || told::owners_move(&case.live, &answer))
    }

    fn wrong(&mut self, case: &Case<'_>, wrong: String) {
        let yaml = |value: &Value| told::yaml(value);
        let mut files = vec![
            ("desired.yaml", told::exposed(&case.object.body)),
            ("live.yaml", yaml(&case.raw.clone().into_value())),
        ];
        if let Some(answer) = &case.dry_run {
            files.push(("dryrun.yaml", told::whole(answer)));
        }
        if let Some((object, response)) = &self.base {
            files.push(("base.yaml", told::exposed(&object.body)));
            files.push(("applied.yaml", yaml(response)));
        }
        let wrong = format!("{} {wrong}", self.kind.name);
        self.tally.disagreements.push(Disagreement { seed: self.seed, round: self.round, wrong, files });
    }
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for Json {
    fn into_value(self) -> Value {
        serde_json::from_value(self).expect("a value")
    }
}

fn done(compared: Compared) -> ObjectComparison {
    match compared {
        Compared::Done(done) => *done,
        Compared::Ask(_) | Compared::Shape(_) | Compared::Adopt(..) => panic!("it was asked"),
    }
}

fn said(error: &WriteError) -> String {
    error.to_string()
}

fn counted(judged: &Judged) -> &'static str {
    match judged {
        Judged::Recorded => "proven by record",
        Judged::Structure => "proven by structure",
        _ => "done otherwise",
    }
}

fn version(live: &LiveObject) -> Option<&str> {
    live.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str)
}
