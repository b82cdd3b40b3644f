//! Laws of `plan`, for any input.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use weft::diff::{Cause, Comparison, ObjectComparison, Residents, Verdict};
use weft::manifest::ObjectId;
use weft::plan::{self, Action, Guards, Plan, ReleaseFacts, Step};
use weft::project::Prune;

use super::input;
use crate::cases;

const RELEASES: [&str; 4] = ["a", "b", "c", "d"];
const OBJECTS: [&str; 12] = [
    "Namespace apps",
    "Namespace data",
    "CustomResourceDefinition.apiextensions.k8s.io widgets.example.com",
    "Widget.example.com apps/one",
    "ConfigMap apps/one",
    "ConfigMap data/one",
    "PersistentVolumeClaim data/one",
    "Service apps/one",
    "Deployment.apps apps/one",
    "Deployment.apps data/one",
    "ClusterRole.rbac.authorization.k8s.io one",
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io one",
];

pub fn trials() -> Vec<Trial> {
    [
        ("order-of-input", order as fn(&Case) -> Law),
        ("nothing-wanted-is-deleted", wanted),
        ("what-is-let-go-is-not-deleted", let_go),
        ("nothing-goes-with-a-container", containers),
        ("counts", counts),
        ("waves", waves),
    ]
    .into_iter()
    .map(|(name, law)| {
        Trial::test(format!("plan::law-{name}"), move || {
            let mut runner = TestRunner::new(cases::tries(256));
            runner.run(&case(), |case| law(&case)).map_err(|error| Failed::from(error.to_string()))
        })
    })
    .collect()
}

type Law = Result<(), TestCaseError>;

/// One random input, and the same objects in another order.
#[derive(Clone, Debug)]
struct Case {
    releases: Vec<ReleaseFacts>,
    objects: Vec<ObjectComparison>,
    shuffled: Vec<ObjectComparison>,
    allow: BTreeSet<String>,
    /// What the cluster has in the namespace `apps`.
    residents: Vec<&'static str>,
}

impl Case {
    fn plan(&self) -> Plan {
        self.plan_of(self.objects.clone())
    }

    fn plan_of(&self, objects: Vec<ObjectComparison>) -> Plan {
        self.plan_with(objects, Guards::default())
    }

    fn plan_with(&self, objects: Vec<ObjectComparison>, guards: Guards) -> Plan {
        let guards = Guards { allow_delete: self.allow.clone(), ..guards };
        let found = Residents::Known(self.residents.iter().map(|it| input::id(it)).collect());
        let residents = [(input::id("Namespace apps"), found)].into();
        plan::plan("dev", Comparison { objects, residents }, &self.releases, &guards)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let wanted = select(vec![
        Verdict::Create,
        Verdict::Unchanged,
        Verdict::Update,
        Verdict::Unknown(Cause::Unreadable.since("?")),
    ]);
    let left = select(vec![
        Verdict::Leftover,
        Verdict::Leftover,
        Verdict::Gone,
        Verdict::Unknown(Cause::Unreadable.since("?")),
    ]);
    let object = (select(OBJECTS.to_vec()), select(RELEASES.to_vec()), any::<bool>(), wanted, left);
    let prune = select(vec![Prune::Delete, Prune::Delete, Prune::Keep, Prune::Orphan]);
    let residents = subsequence(vec!["ConfigMap apps/one", "Secret apps/of-a-stranger"], 0..=2);
    let needs = |at: usize| subsequence(RELEASES[..at].to_vec(), 0..=at);
    let releases = (needs(0), needs(1), needs(2), needs(3), prop::array::uniform4(prune));
    let allow = subsequence(vec!["Namespace".to_owned(), "CustomResourceDefinition".to_owned()], 0..=2);
    (prop::collection::vec(object, 0..20), releases, allow, residents)
        .prop_map(|(objects, releases, allow, residents)| (comparisons(objects), releases, allow, residents))
        .prop_flat_map(|(objects, releases, allow, residents)| {
            (Just(objects.clone()), Just(objects).prop_shuffle(), Just(releases), Just(allow), Just(residents))
        })
        .prop_map(|(objects, shuffled, (n0, n1, n2, n3, prune), allow, residents)| {
            let facts = [n0, n1, n2, n3].into_iter().zip(RELEASES).zip(prune);
            let releases = facts.map(|((needs, name), prune)| ReleaseFacts {
                name: name.into(),
                needs: needs.into_iter().map(str::to_owned).collect(),
                prune,
                declared: true,
                set: format!("applyset-{name}"),
                inventory: Arc::new(held(&objects, name).iter().collect()),
                ..ReleaseFacts::default()
            });
            Case { releases: releases.collect(), objects, shuffled, allow: allow.into_iter().collect(), residents }
        })
}

fn held(objects: &[ObjectComparison], release: &str) -> BTreeSet<ObjectId> {
    let held = objects.iter().filter(|object| *object.release == *release && object.verdict != Verdict::Create);
    held.map(|object| object.id.clone()).collect()
}

/// No two wanted objects are the same, and no release knows an object twice.
fn comparisons(objects: Vec<(&str, &str, bool, Verdict, Verdict)>) -> Vec<ObjectComparison> {
    let mut seen = BTreeSet::new();
    let mut known = BTreeSet::new();
    let mut lefts = BTreeMap::new();
    let mut out = Vec::new();
    for (id, release, is_wanted, wanted, left) in objects {
        if !known.insert((id, release)) || (is_wanted && !seen.insert(id)) {
            continue;
        }
        // What left several releases is one live object all the same, with one label.
        let left = lefts.entry(id).or_insert(left).clone();
        let mut object = input::object(id, release, if is_wanted { wanted } else { left });
        if !is_wanted {
            object.desired = None;
            object.live = object
                .live
                .map(|_| input::object(id, RELEASES[id.len() % 4], Verdict::Leftover).live)
                .unwrap_or_default();
        }
        if id.starts_with("CustomResourceDefinition") {
            define(&mut object);
        }
        out.push(object);
    }
    out
}

fn define(object: &mut ObjectComparison) {
    let spec: weft::value::Value =
        serde_json::from_str(r#"{"group": "example.com", "names": {"kind": "Widget"}}"#).expect("JSON");
    if let Some(desired) = &mut object.desired {
        let body = &mut std::sync::Arc::make_mut(desired).body;
        body.as_map_mut().expect("a map").insert("spec", spec.clone());
    }
    if let Some(live) = &mut object.live {
        std::sync::Arc::make_mut(live).body.as_map_mut().expect("a map").insert("spec", spec);
    }
}

fn order(case: &Case) -> Law {
    let lines = |plan: &Plan| -> Vec<String> {
        let line = |step: &Step| format!("{} {:?} {} {}", step.wave, step.action, step.object.release, step.object.id);
        plan.steps.iter().map(line).collect()
    };
    let (one, two) = (case.plan(), case.plan_of(case.shuffled.clone()));
    let key = input::key();
    prop_assert_eq!(lines(&one), lines(&two));
    prop_assert_eq!(&one.refusals, &two.refusals);
    prop_assert_eq!(one.digest(&key), two.digest(&key));
    Ok(())
}

fn wanted(case: &Case) -> Law {
    let plan = case.plan();
    for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
        let is_wanted = case.objects.iter().any(|object| object.id == step.object.id && object.desired.is_some());
        prop_assert!(!is_wanted, "{} is wanted and deleted", step.object.id);
        let facts = case.releases.iter().find(|release| release.name == step.object.release);
        prop_assert!(facts.is_some_and(|facts| facts.prune == Prune::Delete), "{} does not prune", step.object.release);
    }
    // What is there and left is never lost sight of: one release holds it, or judges it.
    for id in case.objects.iter().filter(|object| object.verdict == Verdict::Leftover).map(|object| &object.id) {
        let mut own = plan.steps.iter().filter(|step| step.object.id == *id);
        prop_assert!(own.any(|step| !matches!(step.action, Action::Forget { .. })), "{id} is forgotten");
        let goes = |step: &&Step| matches!(step.action, Action::Delete | Action::Orphan { .. });
        let goes = plan.steps.iter().filter(|step| step.object.id == *id).filter(goes);
        prop_assert!(goes.count() <= 1, "{id} goes twice");
    }
    Ok(())
}

/// A word that lets go deletes nothing, and lets go of nothing that is wanted.
fn let_go(case: &Case) -> Law {
    let guards = Guards { orphan: Some(BTreeSet::new()), ..Guards::default() };
    for step in &case.plan_with(case.objects.clone(), guards).steps {
        prop_assert!(step.action != Action::Delete, "{} is deleted", step.object.id);
        let is_wanted = case.objects.iter().any(|object| object.id == step.object.id && object.desired.is_some());
        let is_let_go = matches!(step.action, Action::Orphan { .. });
        prop_assert!(!(is_let_go && is_wanted), "{} is wanted and let go", step.object.id);
    }
    Ok(())
}

/// A namespace goes only with all that is in it, whether anybody knew it or not; a definition with all of its kind.
fn containers(case: &Case) -> Law {
    let plan = case.plan();
    let is_gone = |id: &ObjectId| {
        let mut own = plan.steps.iter().filter(|step| step.object.id == *id);
        own.any(|step| step.action == Action::Delete || step.object.verdict == Verdict::Gone)
    };
    let known = || plan.steps.iter().map(|step| &step.object.id);
    for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
        let container = &step.object.id;
        let inside = |id: &&ObjectId| match container.kind.kind.as_str() {
            "Namespace" => id.namespace.as_ref() == Some(&container.name),
            "CustomResourceDefinition" => id.kind.kind == "Widget",
            _ => false,
        };
        for id in known().filter(inside) {
            prop_assert!(is_gone(id), "{id} goes with {container}");
        }
        let strangers =
            case.residents.iter().filter(|_| container.name == "apps" && container.kind.kind == "Namespace");
        for id in strangers.map(|it| input::id(it)) {
            prop_assert!(is_gone(&id), "{id} goes with {container}");
        }
    }
    Ok(())
}

fn counts(case: &Case) -> Law {
    let plan = case.plan();
    prop_assert_eq!(plan.summary().total(), case.objects.len());
    prop_assert_eq!(plan.steps.len(), case.objects.len());
    let last = plan.steps.iter().map(|step| step.wave).max().unwrap_or(0);
    let waves: BTreeSet<usize> = plan.steps.iter().map(|step| step.wave).collect();
    prop_assert!(plan.steps.is_empty() || waves.len() == last + 1, "waves have gaps");
    Ok(())
}

fn waves(case: &Case) -> Law {
    let plan = case.plan();
    for (one, two) in plan.steps.iter().flat_map(|one| plan.steps.iter().map(move |two| (one, two))) {
        let wanted = [one, two].map(|step| step.object.desired.is_some());
        if wanted == [true, false] && one.object.release == two.object.release {
            prop_assert!(one.wave < two.wave, "{} left and is not last", two.object.id);
        }
        if wanted[0] == wanted[1] && depends(one, two, &case.releases) {
            let (first, second) = if wanted[0] { (two, one) } else { (one, two) };
            prop_assert!(first.wave < second.wave, "{} is not after {}", second.object.id, first.object.id);
        }
    }
    Ok(())
}

/// Whether `one` needs `two` to be there.
fn depends(one: &Step, two: &Step, releases: &[ReleaseFacts]) -> bool {
    let (one, two) = (&one.object, &two.object);
    let hoisted =
        |object: &ObjectComparison| ["Namespace", "CustomResourceDefinition"].contains(&object.id.kind.kind.as_str());
    let member = one.id.namespace.as_ref() == Some(&two.id.name) && two.id.kind.kind == "Namespace";
    let custom = one.id.kind.kind == "Widget" && two.id.kind.kind == "CustomResourceDefinition";
    let known = two.desired.is_some() || two.live.is_some();
    let facts = releases.iter().find(|release| release.name == one.release);
    let needed = facts.is_some_and(|facts| facts.needs.iter().any(|need| **need == *two.release));
    member || (custom && known) || (needed && !hoisted(one) && !hoisted(two))
}
