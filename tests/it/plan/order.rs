//! Laws of the order, for any releases, objects, waves and dependencies.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use weft::diff::{Comparison, ObjectComparison, Verdict};
use weft::plan::{self, Guards, Plan, Refusal, ReleaseFacts, Work};
use weft::project::Prune;
use weft::value::Map;

use super::input;
use crate::cases;

const RELEASES: [&str; 4] = ["a", "b", "c", "d"];
const OBJECTS: [&str; 9] = [
    "Namespace apps",
    "ConfigMap apps/one",
    "ConfigMap apps/two",
    "Service apps/one",
    "Deployment.apps apps/one",
    "Job.batch apps/one",
    "Widget.example.com apps/one",
    "ClusterRole.rbac.authorization.k8s.io one",
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io one",
];

pub fn trials() -> Vec<Trial> {
    [
        ("every-edge-holds", every_edge_holds as fn(&Case) -> Law),
        ("any-order-of-input-gives-the-same-stages", same_stages),
        ("every-step-has-its-stage", every_step_has_its_stage),
        ("deletes-are-the-reverse", deletes_are_the_reverse),
    ]
    .into_iter()
    .map(|(name, law)| {
        Trial::test(format!("plan::order-{name}"), move || {
            let mut runner = TestRunner::new(cases::tries(256));
            runner.run(&case(), |case| law(&case)).map_err(|error| Failed::from(error.to_string()))
        })
    })
    .chain([cases::code("plan", "order-of-ten-thousand-objects-is-a-small-graph", a_small_graph)])
    .collect()
}

/// Releases and kinds are the nodes, not objects: neither many objects, nor many that depend on one, make many edges.
fn a_small_graph() -> Result<(), Failed> {
    let releases: Vec<ReleaseFacts> = (0..100)
        .map(|at| ReleaseFacts {
            name: format!("r{at:02}").into(),
            needs: (at > 50).then(|| "r00".to_owned()).into_iter().collect(),
            prune: Prune::Delete,
            declared: true,
            ..ReleaseFacts::default()
        })
        .collect();
    let kinds = ["ConfigMap", "Deployment.apps", "Service", "Widget.example.com"];
    let object = |at: usize| {
        let id = format!("{} shared/o{at}", kinds[at % kinds.len()]);
        let depends = if at > 0 && at.is_multiple_of(3) { vec!["ConfigMap shared/o0"] } else { Vec::new() };
        let wanted = Wanted { id: id.leak(), release: "", wave: 0, depends };
        let release = format!("r{:02}", at % 100);
        ObjectComparison { release: release.into(), ..wanted.compared(&Verdict::Create) }
    };
    let mut objects: Vec<ObjectComparison> = (0..10_000).map(object).collect();
    objects.push(input::object("Namespace shared", "r99", Verdict::Create));
    let plan = plan::plan("dev", Comparison { objects, ..Comparison::default() }, &releases, &Guards::default());
    let edges: usize = plan.stages.iter().map(|stage| stage.after.len()).sum();
    cases::same("refusals", "[]", &format!("{:?}", plan.refusals))?;
    if plan.stages.len() > 1_200 || edges > 3_000 {
        return Err(format!("{} stages, {edges} edges", plan.stages.len()).into());
    }
    Ok(())
}

type Law = Result<(), TestCaseError>;

/// An object of [`OBJECTS`] with its release, its wave, and those that it depends on.
#[derive(Clone, Debug)]
struct Wanted {
    id: &'static str,
    release: &'static str,
    wave: i64,
    depends: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Case {
    /// By release, what it needs.
    needs: Vec<Vec<&'static str>>,
    objects: Vec<Wanted>,
    shuffled: Vec<Wanted>,
}

impl Case {
    fn plan_of(&self, objects: &[Wanted], verdict: &Verdict) -> Plan {
        let objects: Vec<ObjectComparison> = objects.iter().map(|it| it.compared(verdict)).collect();
        let facts = RELEASES.iter().zip(&self.needs).map(|(name, needs)| ReleaseFacts {
            name: (*name).into(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            declared: true,
            set: format!("applyset-{name}"),
            ..ReleaseFacts::default()
        });
        let guards = Guards { allow_delete: ["Namespace".to_owned()].into(), ..Guards::default() };
        plan::plan("dev", Comparison { objects, ..Comparison::default() }, &facts.collect::<Vec<_>>(), &guards)
    }

    /// Whether a release needs another, through others too.
    fn needs(&self, release: &str, other: &str) -> bool {
        let needs = RELEASES.iter().position(|it| *it == release).map(|at| self.needs[at].as_slice());
        needs.into_iter().flatten().any(|need| *need == other || self.needs(need, other))
    }
}

impl Wanted {
    fn compared(&self, verdict: &Verdict) -> ObjectComparison {
        let mut object = input::object(self.id, self.release, verdict.clone());
        let entry = |on: &&str| {
            let id = input::id(on);
            let namespace = id.namespace.map(|it| format!("namespaces/{it}/")).unwrap_or_default();
            format!("{}/{namespace}{}/{}", id.kind.group, id.kind.kind, id.name)
        };
        let mut said: Map = [("argocd.argoproj.io/sync-wave", self.wave.to_string())].into_iter().collect();
        if !self.depends.is_empty() {
            let entries: Vec<String> = self.depends.iter().map(entry).collect();
            said.insert("config.kubernetes.io/depends-on", entries.join(","));
        }
        let bodies = [
            object.desired.as_mut().map(|it| &mut std::sync::Arc::make_mut(it).body),
            object.live.as_mut().map(|it| &mut std::sync::Arc::make_mut(it).body),
        ];
        for body in bodies.into_iter().flatten().filter_map(|body| body.as_map_mut()) {
            let mut meta = body.get("metadata").and_then(|it| it.as_map()).cloned().unwrap_or_default();
            meta.insert("annotations", said.clone());
            body.insert("metadata", meta);
        }
        object
    }
}

fn case() -> impl Strategy<Value = Case> {
    let needs = |at: usize| subsequence(RELEASES[..at].to_vec(), 0..=at);
    let needs = (needs(0), needs(1), needs(2), needs(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let object =
        (select(RELEASES.to_vec()), select(vec![0, 0, 0, -1, 1]), any::<[prop::sample::Index; 2]>(), 0..3usize);
    let chosen = subsequence(OBJECTS.to_vec(), 1..=OBJECTS.len());
    (chosen, prop::collection::vec(object, OBJECTS.len()), needs).prop_flat_map(|(ids, found, needs)| {
        // Mostly what comes later in the list depends on what comes before, so that circles are few.
        let depend = |at: usize, on: &[prop::sample::Index], count: usize| -> Vec<&'static str> {
            let candidates: Vec<&str> = if count == 2 { ids.clone() } else { ids[..at].to_vec() };
            let on = on.iter().take(count.min(candidates.len())).map(|it| candidates[it.index(candidates.len())]);
            on.filter(|on| *on != ids[at]).collect()
        };
        let objects = ids.iter().enumerate().map(|(at, id)| {
            let (release, wave, on, count) = &found[at];
            Wanted { id, release, wave: *wave, depends: depend(at, on, *count) }
        });
        let objects: Vec<Wanted> = objects.collect();
        (Just(needs), Just(objects.clone()), Just(objects).prop_shuffle()).prop_map(|(needs, objects, shuffled)| Case {
            needs,
            objects,
            shuffled,
        })
    })
}

/// What is reached from a stage by what comes after it.
struct Reach(Vec<BTreeSet<usize>>);

impl Reach {
    /// By stage, all that it comes after, through others too.
    fn of(plan: &Plan) -> Self {
        let mut before: Vec<BTreeSet<usize>> = Vec::new();
        for stage in &plan.stages {
            let all = stage.after.iter().flat_map(|first| before[*first].iter().copied().chain([*first])).collect();
            before.push(all);
        }
        Self(before)
    }

    fn is_before(&self, first: usize, second: usize) -> bool {
        self.0[second].contains(&first)
    }
}

/// The stage of a step that does this with it.
fn stage_of(plan: &Plan, id: &str, work: Work) -> usize {
    let has = |step: &usize| plan.steps[*step].object.id == input::id(id);
    let found = plan.stages.iter().position(|stage| stage.work == work && stage.steps.iter().any(has));
    found.unwrap_or_else(|| panic!("{id} is in no stage"))
}

/// Whether an object is waited for after one stage and before another.
fn is_waited_for(plan: &Plan, reach: &Reach, id: &str, from: usize, to: usize) -> bool {
    plan.stages.iter().enumerate().any(|(at, stage)| {
        let has = stage.steps.iter().any(|step| plan.steps[*step].object.id == input::id(id));
        stage.work == Work::Wait && has && reach.is_before(from, at) && reach.is_before(at, to)
    })
}

fn goes_round(plan: &Plan) -> bool {
    plan.refusals.iter().any(|it| matches!(it, Refusal::Circle { .. }))
}

fn every_edge_holds(case: &Case) -> Law {
    let plan = case.plan_of(&case.objects, &Verdict::Create);
    prop_assert!(plan.refusals.iter().all(|it| matches!(it, Refusal::Circle { .. })), "{:?}", plan.refusals);
    if goes_round(&plan) {
        // A circle has a cause: without what objects say there is none.
        prop_assert!(case.objects.iter().any(|it| !it.depends.is_empty()));
        return Ok(());
    }
    let reach = Reach::of(&plan);
    for one in &case.objects {
        let own = stage_of(&plan, one.id, Work::Apply);
        for two in case.objects.iter().filter(|two| two.id != one.id) {
            let other = stage_of(&plan, two.id, Work::Apply);
            let is_container = two.id == "Namespace apps";
            if is_container && one.id.contains(" apps/") {
                prop_assert!(reach.is_before(other, own), "{} before its namespace", one.id);
            }
            let earlier = one.release == two.release && two.wave < one.wave;
            let needed = case.needs(one.release, two.release);
            // A namespace goes with those that use it first, whatever its release and its wave.
            let by_place = (earlier || needed) && one.id != "Namespace apps" && !is_container;
            if by_place || one.depends.contains(&two.id) {
                prop_assert!(reach.is_before(other, own), "{} before {}", one.id, two.id);
                let waited = is_waited_for(&plan, &reach, two.id, other, own);
                prop_assert!(waited, "{} does not wait for {}", one.id, two.id);
            }
        }
    }
    Ok(())
}

fn same_stages(case: &Case) -> Law {
    let listed = |plan: &Plan| super::listing(plan) + &super::stages(plan);
    for verdict in [Verdict::Create, Verdict::Leftover] {
        let (one, two) = (case.plan_of(&case.objects, &verdict), case.plan_of(&case.shuffled, &verdict));
        prop_assert_eq!(listed(&one), listed(&two));
        prop_assert_eq!(&one.stages, &two.stages);
    }
    Ok(())
}

fn every_step_has_its_stage(case: &Case) -> Law {
    for (verdict, work) in [(Verdict::Create, Work::Apply), (Verdict::Leftover, Work::Delete)] {
        let plan = case.plan_of(&case.objects, &verdict);
        let mut counts = vec![0; plan.steps.len()];
        for (at, stage) in plan.stages.iter().enumerate() {
            prop_assert!(stage.after.iter().all(|first| *first < at), "a stage comes after a later one");
            let of_release = |step: &usize| plan.steps[*step].object.release == stage.release;
            prop_assert!(stage.steps.iter().all(of_release), "a stage of two releases");
            stage.steps.iter().filter(|_| stage.work == work).for_each(|step| counts[*step] += 1);
        }
        prop_assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
        let waited = plan.stages.iter().filter(|stage| stage.work == Work::Wait).flat_map(|stage| &stage.steps);
        let waited: BTreeSet<usize> = waited.copied().collect();
        prop_assert_eq!(waited.len(), if work == Work::Apply { plan.steps.len() } else { 0 });
        let edges: usize = plan.stages.iter().map(|stage| stage.after.len()).sum();
        prop_assert!(edges <= 6 * (plan.stages.len() + case.objects.len()), "{edges} edges");
    }
    Ok(())
}

fn deletes_are_the_reverse(case: &Case) -> Law {
    let (wanted, left) =
        (case.plan_of(&case.objects, &Verdict::Create), case.plan_of(&case.objects, &Verdict::Leftover));
    prop_assert!(!goes_round(&left), "what leaves is not refused for what it says");
    if goes_round(&wanted) {
        return Ok(());
    }
    let (before, after) = (Reach::of(&wanted), Reach::of(&left));
    for one in &case.objects {
        for two in &case.objects {
            let depends = one.depends.contains(&two.id)
                || (one.release == two.release && one.id != "Namespace apps" && two.id != "Namespace apps")
                || (one.id.contains(" apps/") && two.id == "Namespace apps");
            let [applied, other] = [one, two].map(|it| stage_of(&wanted, it.id, Work::Apply));
            let [deleted, gone] = [one, two].map(|it| stage_of(&left, it.id, Work::Delete));
            if depends && before.is_before(other, applied) {
                prop_assert!(after.is_before(deleted, gone), "{} is not deleted before {}", one.id, two.id);
            }
        }
    }
    Ok(())
}
