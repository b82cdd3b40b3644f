//! The file `input.yaml` of a case: what was compared, the releases, the guards, and for reports what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use weft::diff::{
    Cause, Class, Comparison, FieldChange, Fields, Judged, LiveObject, MANAGER, Manager, ObjectComparison, Recorded,
    Residents, Verdict, Writer, shown,
};
use weft::manifest::hooks::{Occasion, Point, Role, role};
use weft::manifest::{Hook, Object, ObjectId};
use weft::masked::FingerprintKey;
use weft::plan::hooks::{HookBody, HookLeftover, HookRecord, HookState, WantedHook};
use weft::plan::{self, Finding, Guards, HookFacts, PART_OF, Plan, ReleaseFacts, Ruling};
use weft::project::{ConflictRule, ObjectPattern, Prune, ReplaceRule};
use weft::report::{Event, Outcome, Purpose, Report};
use weft::schema::fields::FieldSet;
use weft::schema::{GroupKind, Gvk, Violation};
use weft::value::{Map, Mark, Origin, Path, Pattern, Step, Value};
use weft::yaml;

use crate::cases::Case;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of a case")]
pub struct Input {
    #[serde(default)]
    guards: Words,
    releases: Vec<Facts>,
    #[serde(default)]
    objects: Vec<Compared>,
    /// By namespace or definition, what the cluster has in it: objects, or why that is unknown.
    #[serde(default)]
    residents: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    unreadable: BTreeMap<String, String>,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    commit: Option<String>,
    #[serde(default)]
    events: Vec<Happened>,
    #[serde(default)]
    warnings: Vec<String>,
    /// Whether only what others changed is reported.
    #[serde(default)]
    drift: bool,
    /// Whether the case has tables, too.
    #[serde(default)]
    pub columns: bool,
    /// Whether what rules hide is shown.
    #[serde(default)]
    pub show_ignored: bool,
    /// What rules of the repository say.
    #[serde(default)]
    findings: Vec<Found>,
    /// Whether the case has the forms for browsers and forges, too.
    #[serde(default)]
    pub forms: bool,
    /// The limit of the Markdown.
    #[serde(default)]
    pub limit: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Words {
    cap: Option<usize>,
    confirm: Option<String>,
    allow_delete: BTreeSet<String>,
    allow_empty: BTreeSet<String>,
    take: Vec<String>,
    replace: BTreeSet<String>,
    orphan: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    name: String,
    #[serde(default)]
    needs: Vec<String>,
    /// `delete`, `keep` or `orphan`.
    #[serde(default)]
    prune: Option<String>,
    #[serde(default)]
    kept_prune: Option<String>,
    /// `MANAGER KIND NAME PATH take` or `stop`.
    #[serde(default)]
    conflicts: Vec<String>,
    /// `KIND NAME [PATH]`.
    #[serde(default)]
    replace: Vec<String>,
    #[serde(default = "yes")]
    declared: bool,
    /// What the repository gives it, where it is not part of the run; or why that is unknown.
    #[serde(default)]
    wanted: Vec<String>,
    #[serde(default)]
    unrendered: Option<String>,
    /// What its inventory holds besides its objects here.
    #[serde(default)]
    holds: Vec<String>,
    /// How many unchanged objects it has besides.
    #[serde(default)]
    unchanged: usize,
    /// Its hooks, as they are written.
    #[serde(default)]
    hooks: Vec<Value>,
    /// What is kept: `HOOK POINT ran|new` with what the hook says now, or `changed` with something else.
    #[serde(default)]
    seen: Vec<String>,
    /// What hooks left: `OBJECT of HOOK`.
    #[serde(default)]
    left: Vec<String>,
    /// The hooks that are kept for the deletion.
    #[serde(default)]
    kept: Vec<Value>,
    /// What was begun and did not end.
    #[serde(default)]
    unfinished: Option<String>,
    /// Whether it goes back.
    #[serde(default)]
    back: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    id: String,
    /// The first release, where it is missing.
    #[serde(default)]
    release: Option<String>,
    /// `create`, `update`, `unchanged`, `leftover`, `gone`, `unknown: REASON`, `not-permitted: REASON`.
    is: String,
    /// `recorded`, `dry-run`, `predicted: REASON`, `refused: MESSAGE`.
    #[serde(default)]
    judged: Option<String>,
    #[serde(default)]
    fields: Vec<Change>,
    /// Parts of the bodies that matter.
    #[serde(default)]
    desired: Option<Value>,
    #[serde(default)]
    live: Option<Value>,
    #[serde(default)]
    after: Option<Value>,
    #[serde(default)]
    implicit: bool,
    /// What it violates: `PATH: MESSAGE`; with `(immutable) ` before it, a rule that a field stays.
    #[serde(default)]
    violations: Vec<String>,
    /// Whether it was applied before.
    #[serde(default)]
    applied: bool,
    /// Which apply that was, where there are several.
    #[serde(default)]
    record: u8,
    /// The fields of the live object that we own.
    #[serde(default)]
    owns: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    path: Vec<Value>,
    /// `drift`, ..., `ignored: REASON`, `unknown: REASON`.
    class: String,
    #[serde(default)]
    base: Option<Value>,
    #[serde(default)]
    live: Option<Value>,
    #[serde(default)]
    desired: Option<Value>,
    /// `MANAGER OPERATION [TIME]`.
    #[serde(default)]
    by: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    rule: String,
    ruling: Ruling,
    message: String,
    #[serde(default)]
    object: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    id: String,
    /// `applied`, `failed: REASON`, ...
    outcome: String,
}

/// The key of all fingerprints in cases.
pub fn key() -> FingerprintKey {
    FingerprintKey::new([7; 32])
}

fn yes() -> bool {
    true
}

impl Input {
    pub fn of(case: &Case) -> Self {
        Self::parse(&case.read("input.yaml"))
    }

    pub fn parse(text: &str) -> Self {
        yaml::config(text, &Arc::new("input.yaml".to_owned()))
            .unwrap_or_else(|error| panic!("{}", weft::diagnostic::Diagnostic::of(&error)))
    }

    pub fn plan(&self) -> Plan {
        let mut objects: Vec<ObjectComparison> =
            self.objects.iter().map(|it| it.read(&self.releases[0].name)).collect();
        for release in &self.releases {
            let unchanged = |n| object(&format!("ConfigMap apps/unchanged-{n}"), &release.name, Verdict::Unchanged);
            objects.extend((0..release.unchanged).map(unchanged));
        }
        let releases: Vec<ReleaseFacts> = self.releases.iter().map(|release| release.read(&objects)).collect();
        let Words { cap, confirm, allow_delete, allow_empty, take, replace, orphan } = &self.guards;
        let guards = Guards {
            cap: *cap,
            confirm: confirm.clone(),
            allow_delete: allow_delete.clone(),
            allow_empty: allow_empty.clone(),
            take: take.clone(),
            replace: replace.clone(),
            orphan: orphan.clone(),
            ..Guards::default()
        };
        let mut plan = plan::plan("dev", Comparison { objects, residents: self.residents() }, &releases, &guards);
        plan.find(self.findings.iter().map(Found::read).collect());
        plan
    }

    fn residents(&self) -> BTreeMap<ObjectId, Residents> {
        let known =
            |(of, found): (&String, &Vec<String>)| (id(of), Residents::Known(found.iter().map(|it| id(it)).collect()));
        let unknown = |(of, reason): (&String, &String)| (id(of), Residents::Unknown(reason.clone()));
        self.residents.iter().map(known).chain(self.unreadable.iter().map(unknown)).collect()
    }

    pub fn report(&self) -> Report {
        let event = |it: &Happened| Event { id: id(&it.id), outcome: outcome(&it.outcome) };
        let purpose = match () {
            () if self.drift => Purpose::Drift,
            () if self.events.is_empty() => Purpose::Plan,
            () => Purpose::Run,
        };
        Report {
            purpose,
            cluster: self.cluster.clone(),
            commit: self.commit.clone(),
            plan: if self.drift { self.plan().drift() } else { self.plan() },
            events: self.events.iter().map(event).collect(),
            warnings: self.warnings.clone(),
            ..Report::default()
        }
    }
}

impl Found {
    fn read(&self) -> Finding {
        Finding {
            rule: self.rule.clone(),
            ruling: self.ruling,
            message: self.message.clone(),
            policy: "policies/all.yaml:3:3".to_owned(),
            object: self.object.as_deref().map(id),
            release: None,
        }
    }
}

fn policy(text: Option<&str>) -> Prune {
    match text {
        None | Some("delete") => Prune::Delete,
        Some("keep") => Prune::Keep,
        Some("orphan") => Prune::Orphan,
        Some(other) => panic!("no policy: {other}"),
    }
}

impl Facts {
    fn read(&self, objects: &[ObjectComparison]) -> ReleaseFacts {
        let own = objects.iter().filter(|it| *it.release == *self.name && it.verdict != Verdict::Create);
        ReleaseFacts {
            name: self.name.as_str().into(),
            needs: self.needs.clone(),
            prune: policy(self.prune.as_deref()),
            kept_prune: policy(self.kept_prune.as_deref().or(self.prune.as_deref())),
            declared: self.declared,
            vanished: None,
            namespace: String::new(),
            set: format!("applyset-{}", self.name),
            inventory: Arc::new(own.map(|it| it.id.clone()).chain(self.holds.iter().map(|it| id(it))).collect()),
            wanted: self.wanted.iter().map(|it| id(it)).collect(),
            unrendered: self.unrendered.clone(),
            conflicts: self.conflicts.iter().map(|it| conflict(it)).collect(),
            replace: self.replace.iter().map(|it| replace(it)).collect(),
            hooks: HookFacts { wanted: self.wanted_hooks(), kept: self.kept_hooks(), back: self.back },
        }
    }

    fn wanted_hooks(&self) -> Vec<Arc<WantedHook>> {
        self.hooks.iter().map(|body| Arc::new(WantedHook::new(hook(body, &self.name), &key()))).collect()
    }

    fn kept_hooks(&self) -> HookState {
        let wanted = self.wanted_hooks();
        let seen = self.seen.iter().map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            let [kind, name, point, state] = words[..] else { panic!("nothing seen: {text}") };
            let of = id(&format!("{kind} {name}"));
            let now = wanted.iter().find(|it| it.hook.object.id == of).map(|it| it.digest.clone());
            let digest = if state == "changed" { None } else { now };
            let seen = HookRecord { digest: digest.unwrap_or_default(), ran: state != "new" };
            ((of, Point::of(point).expect("a point").recorded_as()), seen)
        });
        let left = self.left.iter().map(|text| {
            let (object, of) = text.split_once(" of ").expect("an object of a hook");
            (id(object), HookLeftover { api_version: "batch/v1".to_owned(), of: id(of) })
        });
        let bodies = self.kept.iter().map(|body| {
            let hook = hook(body, &self.name);
            (hook.object.id, HookBody(Arc::new(hook.object.body)))
        });
        HookState {
            unfinished: self.unfinished.as_deref().map(|it| Occasion::of(it).expect("an occasion")),
            seen: seen.collect(),
            left: left.collect(),
            bodies: bodies.collect(),
        }
    }
}

/// A hook, as it is written.
fn hook(body: &Value, release: &str) -> Hook {
    let Ok(Role::Hook(terms)) = role(body) else { panic!("no hook") };
    let text = |keys: &[&str]| body.dig(keys).and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(text(&["apiVersion"]), text(&["kind"]));
    let namespace = Some(text(&["metadata", "namespace"])).filter(|it| !it.is_empty());
    let id = ObjectId {
        kind: gvk.group_kind(),
        namespace: namespace.map(str::to_owned),
        name: text(&["metadata", "name"]).to_owned(),
    };
    let file = Arc::new("hooks.yaml".to_owned());
    let origin = Origin::new(&file, Mark::default());
    Hook { object: Object { id, gvk, release: release.into(), body: body.clone(), origin, implicit: false }, terms }
}

fn conflict(text: &str) -> ConflictRule {
    let words: Vec<&str> = text.split(' ').collect();
    let [manager, kind, name, path, word] = words[..] else { panic!("no conflict rule: {text}") };
    ConflictRule {
        paths: if path == "*" { Vec::new() } else { vec![Pattern::parse(path).expect("a path")] },
        manager: manager.to_owned(),
        objects: pattern(kind, name),
        take: word == "take",
        reason: format!("rule `{text}`"),
        origin: Origin::default(),
    }
}

fn replace(text: &str) -> ReplaceRule {
    let words: Vec<&str> = text.split(' ').collect();
    ReplaceRule {
        objects: pattern(words[0], words[1]),
        paths: words[2..].iter().map(|path| Pattern::parse(path).expect("a path")).collect(),
        reason: format!("rule `{text}`"),
        origin: Origin::default(),
    }
}

fn pattern(kind: &str, name: &str) -> ObjectPattern {
    ObjectPattern { kind: Some(kind.to_owned()), namespace: None, name: Some(name.to_owned()) }
}

impl Compared {
    fn read(&self, first: &str) -> ObjectComparison {
        let release = self.release.as_deref().unwrap_or(first);
        let mut it = object(&self.id, release, verdict(&self.is));
        if let Some(body) = &self.desired {
            let desired = it.desired.take().expect("an object that is wanted");
            it.desired = Some(Arc::new(Object { body: masked(body.clone()), ..(*desired).clone() }));
        }
        if self.implicit {
            let desired = it.desired.take().expect("an object that is wanted");
            it.desired = Some(Arc::new(Object { implicit: true, ..(*desired).clone() }));
        }
        if let Some(body) = &self.live {
            let live = LiveObject { id: it.id.clone(), body: owned(body, &it), managers: self.managers() };
            it.live = Some(Arc::new(live));
        }
        it.after = match (&it.verdict, &self.after) {
            (_, Some(after)) => Some(Arc::new(owned(after, &it))),
            (Verdict::Create, None) => it.desired.as_ref().map(|desired| Arc::new(shown(&desired.body, &key()))),
            (Verdict::Update, None) => it.live.as_ref().map(|live| Arc::new(live.body.clone())),
            _ => None,
        };
        it.fields = self.fields.iter().map(Change::read).collect();
        it.violations = self.violations.iter().map(|it| violation(it)).collect();
        it.recorded = self.applied.then(|| {
            let (uid, hash) = ("1".to_owned(), format!("{:064}", self.record));
            let (desired, owned, projection) = (hash.clone(), hash.clone(), hash);
            Arc::new(Recorded { uid, desired, owned, projection, applied: Value::default().into() })
        });
        if let Some(said) = &self.judged {
            it.judged = judged(said);
        }
        it
    }
}

impl Compared {
    /// Our entry among those who own fields.
    fn managers(&self) -> Vec<Manager> {
        let paths = self.owns.iter().map(|path| Path(path.iter().map(step).collect()));
        let fields: FieldSet = paths.collect();
        let ours = |fields: &FieldSet| Manager {
            name: MANAGER.into(),
            operation: "Apply".into(),
            subresource: String::new(),
            api_version: "v1".into(),
            time: None,
            fields: Fields::from(fields),
        };
        (!fields.is_empty()).then(|| ours(&fields)).into_iter().collect()
    }
}

impl Change {
    fn read(&self) -> FieldChange {
        let path = Path(self.path.iter().map(step).collect());
        let [base, live, desired] =
            [&self.base, &self.live, &self.desired].map(|side| side.clone().map(|value| shown(&masked(value), &key())));
        FieldChange {
            path,
            class: class(&self.class),
            live,
            drifted: base.is_some() && matches!(self.class.as_str(), "drift" | "conflict"),
            desired: desired.into(),
            base,
            writers: self.by.iter().map(|it| writer(it)).collect(),
        }
    }
}

/// An object in this state, with a live body where it has one.
pub fn object(id: &str, release: &str, verdict: Verdict) -> ObjectComparison {
    let id = self::id(id);
    let wanted = !matches!(verdict, Verdict::Leftover | Verdict::Gone);
    let desired = wanted.then(|| {
        let gvk = Gvk { group: id.kind.group.clone(), version: "v1".into(), kind: id.kind.kind.clone() };
        let body: Map = [("apiVersion", gvk.api_version()), ("kind", gvk.kind.clone())].into_iter().collect();
        let origin = Origin::new(&Arc::new("charts/app/templates/all.yaml.j2".to_owned()), Mark { line: 7, column: 1 });
        Arc::new(Object { id: id.clone(), gvk, release: release.into(), body: body.into(), origin, implicit: false })
    });
    let judged = if wanted && verdict != Verdict::Create { Judged::Recorded } else { Judged::Trivial };
    let mut object = ObjectComparison { judged, desired, ..ObjectComparison::bare(id, release.into(), verdict) };
    if matches!(object.verdict, Verdict::Update | Verdict::Leftover) {
        let body = owned(&Map::new().into(), &object);
        object.live = Some(Arc::new(LiveObject { id: object.id.clone(), body, managers: Vec::new() }));
    }
    object
}

/// The body with a UID and the label of its release's set, unless it has labels of its own.
fn owned(body: &Value, object: &ObjectComparison) -> Value {
    let mut map = body.as_map().cloned().unwrap_or_default();
    let mut meta = map.get("metadata").and_then(Value::as_map).cloned().unwrap_or_default();
    if !meta.contains("uid") {
        meta.insert("uid", format!("uid of {}", object.id));
    }
    if !meta.contains("labels") {
        let labels: Map = [(PART_OF, format!("applyset-{}", object.release))].into_iter().collect();
        meta.insert("labels", labels);
    }
    map.insert("metadata", meta);
    map.into()
}

/// Puts what is written as `{$secret: text}` behind a mask.
fn masked(value: Value) -> Value {
    if let Some(secret) = value.get("$secret") {
        return secret.clone().masked();
    }
    match value.as_map() {
        Some(map) => map.iter().map(|entry| (entry.key.clone(), masked(entry.value.clone()))).collect::<Map>().into(),
        None => value,
    }
}

/// `Deployment.apps apps/app` or `Namespace apps`.
pub fn id(text: &str) -> ObjectId {
    let (kind, name) = text.split_once(' ').unwrap_or_else(|| panic!("no object: {text}"));
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    let (namespace, name) = name.split_once('/').map_or((None, name), |(ns, name)| (Some(ns.to_owned()), name));
    ObjectId { kind: GroupKind { group: group.into(), kind: kind.into() }, namespace, name: name.into() }
}

fn step(value: &Value) -> Step {
    match (value.as_str(), value.as_i64(), value.as_map()) {
        (Some(key), ..) => Step::Field(key.into()),
        (_, Some(at), _) => Step::Index(at.try_into().expect("a place in a list")),
        (.., Some(map)) => Step::Item(map.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()),
        _ => panic!("no step: {value:?}"),
    }
}

fn violation(text: &str) -> Violation {
    let (immutable, text) = text.strip_prefix("(immutable) ").map_or((false, text), |rest| (true, rest));
    let (path, message) = text.split_once(": ").expect("a path and a message");
    let rule = if immutable { "self == oldSelf" } else { "maximum: 10" };
    let path = Path::of_fields(path.split('.').filter(|it| !it.is_empty()));
    Violation { path, rule: rule.into(), message: message.into(), immutable, transition: immutable }
}

fn reasoned(text: &str) -> (&str, String) {
    text.split_once(": ").map_or((text, String::new()), |(word, reason)| (word, reason.to_owned()))
}

fn verdict(text: &str) -> Verdict {
    match reasoned(text) {
        ("create", _) => Verdict::Create,
        ("update", _) => Verdict::Update,
        ("unchanged", _) => Verdict::Unchanged,
        ("leftover", _) => Verdict::Leftover,
        ("gone", _) => Verdict::Gone,
        ("not-permitted", reason) => Verdict::Unknown(Cause::NotPermitted.since(reason)),
        ("unknown", reason) => Verdict::Unknown(Cause::Unreadable.since(reason)),
        _ => panic!("no verdict: {text}"),
    }
}

fn judged(text: &str) -> Judged {
    match reasoned(text) {
        ("recorded", _) => Judged::Recorded,
        ("structure", _) => Judged::Structure,
        ("dry-run", _) => Judged::DryRun,
        ("predicted", reason) => Judged::Predicted(reason),
        ("refused", message) => Judged::Refused(message),
        _ => panic!("not judged: {text}"),
    }
}

fn class(text: &str) -> Class {
    let classes = [Class::Pending, Class::Drift, Class::Conflict, Class::Release, Class::Acquire, Class::Met];
    match reasoned(text) {
        ("ignored", reason) => Class::Ignored(reason),
        ("unknown", reason) => Class::Unknown(reason),
        (word, _) => {
            classes.into_iter().find(|it| it.to_string() == word).unwrap_or_else(|| panic!("no class: {text}"))
        }
    }
}

fn writer(text: &str) -> Writer {
    let mut words = text.split(' ').map(str::to_owned);
    let manager = words.next().unwrap_or_default();
    let operation = words.next().unwrap_or_else(|| "Update".into());
    Writer { manager, operation, subresource: String::new(), time: words.next() }
}

fn outcome(text: &str) -> Outcome {
    match reasoned(text) {
        ("applied", _) => Outcome::Applied,
        ("deleted", _) => Outcome::Deleted,
        ("orphaned", _) => Outcome::Orphaned,
        ("healthy", _) => Outcome::Healthy,
        ("waiting", reason) => Outcome::Waiting(reason),
        ("failed", reason) => Outcome::Failed(reason),
        ("skipped", reason) => Outcome::Skipped(reason),
        ("unknown", reason) => Outcome::Unknown(reason),
        _ => panic!("no outcome: {text}"),
    }
}
