//! What is sent of an object where rules leave some of it to others.

use std::sync::Arc;

use super::Rule;
use super::certificate::is_placeholder;
use super::edit::Edit;
use super::scaled::is_autoscaler;
use super::targets::{Target, targets};
use crate::diff::equivalence::Equivalence;
use crate::diff::ownership::Ownership;
use crate::diff::places::{lookup, shape_at};
use crate::diff::secrecy::{mask_like, shown_at};
use crate::diff::{After, Class, Context, FieldChange, LiveObject, Recorded, Writer};
use crate::manifest::Object;
use crate::project::Meaning;
use weft_base::value::{Path, Pattern, Value};
use weft_schema::Type;

/// What rules make of an object.
#[derive(Default)]
pub struct Adjusted {
    /// What is sent; `None` where that is the object itself.
    pub sent: Option<Arc<Object>>,
    /// The fields that are left to others, and are not as the repository has them.
    pub left: Vec<FieldChange>,
    /// All fields that are left to others, whatever they hold.
    pub theirs: Vec<Path>,
    /// What would be sent if the hidden fields were left as well; `None` where none differs. Where an apply of it would
    /// change nothing, one of the object would change only what is hidden.
    pub veiled: Option<Arc<Object>>,
    /// The fields that are hidden, and are not as the repository has them.
    pub hidden: Vec<FieldChange>,
}

/// The object as it is sent in an apply of an object that the server has: without what rules leave to others.
pub fn sent(object: &Arc<Object>, live: Option<&LiveObject>, context: &Context<'_>) -> Arc<Object> {
    adjust(object, live, None, context).sent.unwrap_or_else(|| Arc::clone(object))
}

/// Applies the rules to an object. Nothing is left to others of an object that the server does not have.
pub fn adjust(
    object: &Arc<Object>,
    live: Option<&LiveObject>,
    recorded: Option<&Recorded>,
    context: &Context<'_>,
) -> Adjusted {
    let mut leave = context.rules.about(object, Meaning::Leave);
    let hide = context.rules.about(object, Meaning::Hide);
    let reached = |rule: &&Rule| rule.paths.iter().any(|path| path.reaches(&object.body));
    leave.iter().chain(&hide).filter(reached).for_each(Rule::use_it);
    let Some(live) = live else { return Adjusted::default() };
    // Many objects have replicas, and few are scaled.
    leave.retain(|rule| !rule.scaled || live.managers.iter().any(|it| is_autoscaler(&Writer::of(it), context.take)));
    if leave.is_empty() && hide.is_empty() {
        return Adjusted::default();
    }
    // Fields that cannot be read are told by whoever compares the object.
    let Ok(ownership) = Ownership::of(live) else { return Adjusted::default() };
    let shape = shape(object, context);
    let subject = Subject { live, recorded, ownership: &ownership, shape, context };
    let mut theirs = Vec::new();
    let mut veil = Vec::new();
    let (sent, left) = subject.adjust(object, &leave, &mut theirs);
    let (veiled, hidden) = subject.adjust(sent.as_ref().unwrap_or(object), &hide, &mut veil);
    Adjusted { sent, left, theirs, veiled, hidden }
}

/// The shape of a kind, or the shipped one as long as it is not known.
pub fn shape<'a>(object: &Object, context: &Context<'a>) -> Option<Type<'a>> {
    context.schemas.of(&object.gvk).or_else(|| weft_schema::builtin_schemas().of(&object.gvk))
}

struct Subject<'a> {
    live: &'a LiveObject,
    recorded: Option<&'a Recorded>,
    ownership: &'a Ownership,
    shape: Option<Type<'a>>,
    context: &'a Context<'a>,
}

impl Subject<'_> {
    /// The object as rules of one meaning change it, and what is not as the repository has it.
    /// `meant` are all fields that the rules are about.
    fn adjust(
        &self,
        object: &Arc<Object>,
        rules: &[Rule],
        meant: &mut Vec<Path>,
    ) -> (Option<Arc<Object>>, Vec<FieldChange>) {
        let mut edit = None;
        let mut fields = Vec::new();
        for rule in rules {
            let everything = [&[][..]];
            let patterns: Vec<_> = rule.paths.iter().map(Pattern::parts).collect();
            let patterns = if patterns.is_empty() { &everything[..] } else { &patterns };
            let found = patterns.iter().flat_map(|parts| targets(parts, &object.body, &self.live.body, self.shape));
            for target in found.filter(|target| self.is_meant(rule, target)) {
                rule.use_it();
                if meant.contains(&target.path) {
                    continue;
                }
                if self.changes(rule, &target) {
                    self.change(edit.get_or_insert_with(|| self.edit(&object.body)), &target);
                    if self.differs(object, &target) {
                        fields.push(self.field(rule, &target));
                    }
                }
                meant.push(target.path);
            }
        }
        let changed = edit.map(|edit| self.masked(object, edit.body));
        (changed, fields)
    }

    fn edit<'e>(&'e self, body: &Value) -> Edit<'e> {
        Edit { body: body.clone(), live: &self.live.body, ours: &self.ownership.before, shape: self.shape }
    }

    fn is_meant(&self, rule: &Rule, target: &Target) -> bool {
        if rule.placeholder && target.wanted.is_some_and(|bundle| !is_placeholder(bundle)) {
            return false;
        }
        let writers = || self.ownership.writers(&target.path);
        if rule.scaled {
            return writers().iter().any(|writer| is_autoscaler(writer, self.context.take));
        }
        rule.manager.is_none() || rule.is_of(writers().iter().map(|it| it.manager.as_str()))
    }

    /// Whether the rule changes what is sent there.
    fn changes(&self, rule: &Rule, target: &Target) -> bool {
        let ours = self.ownership.before.owns(&target.path);
        match (target.wanted, target.live) {
            // What the server does not have is sent; where that is hidden, it counts as not wanted.
            (_, None) => rule.meaning == Meaning::Hide,
            (None, Some(_)) => ours || target.whole,
            (Some(wanted), Some(live)) if ours || target.whole => wanted != live,
            (Some(_), Some(_)) => true,
        }
    }

    /// Whether the server has something else there than the repository.
    fn differs(&self, object: &Object, target: &Target) -> bool {
        let equivalence =
            Equivalence { key: self.context.key, builtin: weft_schema::is_builtin_group(&object.gvk.group) };
        let same = |wanted| equivalence.holds(shape_at(self.shape, &target.path), target.live, wanted);
        !target.wanted.is_some_and(same)
    }

    /// Takes the live value where we own the field, and nothing where others do.
    fn change(&self, edit: &mut Edit, target: &Target) {
        match target.live {
            Some(live) if target.whole || self.ownership.before.owns(&target.path) => {
                edit.set(&target.path, live.clone());
            }
            _ => edit.remove(&target.path),
        }
    }

    /// The object with another body. What others wrote where the repository has a secret, or had one, is one too.
    fn masked(&self, object: &Arc<Object>, mut body: Value) -> Arc<Object> {
        mask_like(&mut body, &object.body, self.shape);
        if let Some(recorded) = self.recorded {
            mask_like(&mut body, &recorded.applied, self.shape);
        }
        Arc::new(Object { body, ..(**object).clone() })
    }

    fn field(&self, rule: &Rule, target: &Target) -> FieldChange {
        let base = self.recorded.and_then(|it| lookup(&it.applied, &target.path, self.shape));
        let show = |value: &Value| shown_at(&self.live.body, &target.path, value, self.context.key);
        let live = target.live.map(|live| {
            let mut live = live.clone();
            let shape = shape_at(self.shape, &target.path);
            target.wanted.into_iter().chain(base).for_each(|like| mask_like(&mut live, like, shape));
            show(&live)
        });
        FieldChange {
            path: target.path.clone(),
            class: Class::Ignored(rule.reason.clone()),
            base: base.map(show),
            live,
            desired: After::from(target.wanted.map(show)),
            drifted: false,
            writers: self.ownership.writers(&target.path),
        }
    }
}
