//! Ignore rules: which fields are not sent, and in which a difference does not count.
//!
//! | meaning | what is sent | what is shown |
//! | --- | --- | --- |
//! | leave | nothing, where others own the field; the live value, where we still own it, since giving it up would reset it | nothing |
//! | hide | what the repository has | nothing, unless an apply would take the field from somebody |
//!
//! Leaving never removes anything, and what the server does not have is sent as the repository has it. It is done to the
//! desired object before anything else, so that what is compared, proven and recorded is what is sent. Hiding comes last.

mod adjust;
mod certificate;
mod edit;
mod hide;
mod scaled;
mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::adjust::sent;
pub(super) use self::adjust::{adjust, shape};
pub(super) use self::hide::hide;
pub use self::scaled::scales;
use crate::manifest::{Object, ObjectId};
use crate::project::{Condition, Environment, IgnoreRule, Ignored, Meaning, ShippedRule, fits, shipped};
use weft_base::value::{Origin, Pattern};

/// The ignore rules of an environment and its releases, and those that are shipped.
#[derive(Debug, Default)]
pub struct Rules {
    /// Those of the releases first, in the order in which they are asked.
    written: Vec<DeclaredRule>,
    shipped: Vec<ShippedRule>,
    /// What autoscalers target, with the autoscaler.
    scaled: BTreeMap<ObjectId, ObjectId>,
}

#[derive(Debug)]
struct DeclaredRule {
    /// The release that it is for; `None` for all.
    release: Option<Arc<str>>,
    rule: IgnoreRule,
    used: AtomicBool,
}

/// A rule as it is for one object.
struct Rule<'r> {
    paths: &'r [Pattern],
    manager: Option<&'r str>,
    meaning: Meaning,
    /// Whether only what stands in for a certificate is meant.
    placeholder: bool,
    /// Whether only what an autoscaler owns is meant.
    scaled: bool,
    reason: String,
    used: Option<&'r AtomicBool>,
}

static NONE: Rules = Rules { written: Vec::new(), shipped: Vec::new(), scaled: BTreeMap::new() };

impl Rules {
    /// The rules of an environment. Autoscalers are found among the `desired` objects; what those of releases outside of
    /// this run target is in `elsewhere`, with the autoscaler.
    pub fn of<'o>(
        environment: &Environment,
        desired: impl IntoIterator<Item = &'o Object>,
        elsewhere: BTreeMap<ObjectId, ObjectId>,
    ) -> Self {
        let written = |release: Option<&Arc<str>>, rule: &IgnoreRule| DeclaredRule {
            release: release.cloned(),
            rule: rule.clone(),
            used: AtomicBool::new(false),
        };
        let own = environment.releases.iter().flat_map(|it| it.ignore.iter().map(|rule| written(Some(&it.name), rule)));
        let all = environment.ignore.iter().map(|rule| written(None, rule));
        let mut scaled = elsewhere;
        scaled.extend(desired.into_iter().filter_map(|it| Some((scales(&it.id, || &it.body)?, it.id.clone()))));
        Self { written: own.chain(all).collect(), shipped: shipped().collect(), scaled }
    }

    /// No rules at all, not even those that are shipped.
    pub fn none() -> &'static Self {
        &NONE
    }

    /// The rules that led to no field of any object that was compared: what they are about, and where they are written.
    pub fn unused(&self) -> impl Iterator<Item = (String, &Origin)> {
        let unused = self.written.iter().filter(|it| !it.used.load(Ordering::Relaxed));
        unused.map(|it| (about(&it.rule), &it.rule.origin))
    }

    /// The rules that are about an object, with that meaning.
    fn about<'r>(&'r self, object: &Object, meaning: Meaning) -> Vec<Rule<'r>> {
        let mut found: Vec<Rule<'r>> = self.meant(object).filter_map(|it| it.of_fields(meaning)).collect();
        if meaning == Meaning::Leave {
            let kind = object.id.kind.to_string();
            let of_kind = self.shipped.iter().filter(|rule| rule.kinds.iter().any(|it| *it == "*" || *it == kind));
            found.extend(of_kind.filter_map(|rule| self.of_shipped(rule, object)));
        }
        found
    }

    fn meant(&self, object: &Object) -> impl Iterator<Item = &DeclaredRule> {
        let of_release = |it: &&DeclaredRule| it.release.as_ref().is_none_or(|release| *release == object.release);
        self.written
            .iter()
            .filter(of_release)
            .filter(|it| it.rule.objects.fits(&object.id.kind, object.id.namespace.as_deref(), &object.id.name))
    }

    fn of_shipped<'r>(&'r self, rule: &'r ShippedRule, object: &Object) -> Option<Rule<'r>> {
        let mut reason = rule.reason.to_owned();
        match rule.condition {
            Condition::Placeholder => {}
            Condition::ScaledBy => rule.path.reaches(&object.body).then_some(())?,
            Condition::Aggregated => drop(object.body.get("aggregationRule").filter(|it| !it.is_null())?),
            Condition::Scaled => reason = format!("{} decides how many there are", self.scaled.get(&object.id)?),
        }
        let off = |it: &&DeclaredRule| matches!(&it.rule.what, Ignored::Shipped(name) if *name == rule.name);
        if let Some(off) = self.meant(object).find(off) {
            off.used.store(true, Ordering::Relaxed);
            return None;
        }
        Some(Rule {
            paths: std::slice::from_ref(&rule.path),
            manager: None,
            meaning: Meaning::Leave,
            placeholder: rule.condition == Condition::Placeholder,
            scaled: rule.condition == Condition::ScaledBy,
            reason,
            used: None,
        })
    }
}

impl DeclaredRule {
    fn of_fields(&self, wanted: Meaning) -> Option<Rule<'_>> {
        let Ignored::Fields { paths, manager, meaning } = &self.rule.what else { return None };
        (*meaning == wanted).then(|| Rule {
            paths,
            manager: manager.as_deref(),
            meaning: *meaning,
            placeholder: false,
            scaled: false,
            reason: self.rule.reason.clone(),
            used: Some(&self.used),
        })
    }
}

impl Rule<'_> {
    /// Notes that the rule leads to something.
    fn use_it(&self) {
        if let Some(used) = self.used {
            used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a field whose other owners are `writers` is meant.
    fn is_of<'w>(&self, mut writers: impl Iterator<Item = &'w str>) -> bool {
        self.manager.is_none_or(|manager| writers.any(|writer| fits(manager, writer)))
    }
}

/// What a rule is about, in words.
fn about(rule: &IgnoreRule) -> String {
    match &rule.what {
        Ignored::Shipped(name) => format!("that switches `{name}` off"),
        Ignored::Fields { paths, manager, .. } => {
            let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
            let manager = manager.iter().map(|it| format!("fields of `{it}`"));
            let all: Vec<String> = paths.into_iter().chain(manager).collect();
            format!("for {}", all.join(", "))
        }
    }
}
