//! Tests of `plan` and `state`.

mod history;
mod immutable;
pub mod input;
mod laws;
mod order;
pub mod saved;
mod state;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::plan::Plan;

use self::input::Input;
use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("plan", run);
    trials.push(cases::code("plan", "digest", digest));
    trials.extend(immutable::trials());
    trials.extend(laws::trials());
    trials.extend(order::trials());
    trials.extend(saved::trials());
    trials.extend(state::trials());
    trials.extend(history::trials());
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    let plan = Input::of(case).plan();
    case.expect("plan.txt", &listing(&plan))?;
    if case.read_if_there("stages.txt").is_none() {
        return Ok(());
    }
    case.expect("stages.txt", &stages(&plan))
}

/// The stages that do anything, each with those that it comes after; those where ways only meet are left out.
fn stages(plan: &Plan) -> String {
    let mut out = String::new();
    let mut behind: Vec<BTreeSet<usize>> = Vec::new();
    for (at, stage) in plan.stages.iter().enumerate() {
        let after: BTreeSet<usize> = stage.after.iter().flat_map(|first| behind[*first].clone()).collect();
        behind.push(if stage.steps.is_empty() { after.clone() } else { BTreeSet::from([at]) });
        if !stage.steps.is_empty() {
            let objects: Vec<String> = stage.steps.iter().map(|at| plan.steps[*at].object.id.to_string()).collect();
            let work = format!("{:?}", stage.work).to_lowercase();
            let _ = write!(out, "{at} {work} ({}) {}", stage.release, objects.join(", "));
            let after: Vec<String> = after.iter().map(ToString::to_string).collect();
            let _ = writeln!(out, "{}{}", if after.is_empty() { "" } else { ": after " }, after.join(" "));
        }
    }
    out
}

/// The plan with all that an apply reads: waves, actions, inventories, refusals in full.
fn listing(plan: &Plan) -> String {
    let mut out = String::new();
    for (release, prune) in &plan.policies {
        let _ = writeln!(out, "policy {release} {prune:?}");
    }
    for step in &plan.steps {
        let _ = write!(out, "{} {} {} {}", step.wave, step.action.sign(), step.action, step.object.id);
        let _ = write!(out, " ({})", step.object.release);
        if matches!(step.action, weft::plan::Action::Keep { leaves: true, .. }) {
            out.push_str(" [leaves]");
        }
        let _ = writeln!(out, "{}", step.action.reason().map_or_else(String::new, |reason| format!(": {reason}")));
        if let Some(was) = &step.was {
            let _ = writeln!(out, "      {was}");
        }
        if let weft::plan::Action::Recreate { loses, owned, .. } = &step.action {
            if *owned == weft::plan::Dependents::Stay {
                out.push_str("      what it owns stays\n");
            }
            for lost in loses {
                let _ = writeln!(out, "      loses {lost}");
            }
        }
        for removed in step.action.hook().iter().flat_map(|hook| &hook.removes) {
            let _ = writeln!(out, "      deletes {removed}");
        }
        for change in step.takes() {
            let _ = writeln!(out, "      takes {}", change.path);
        }
    }
    for ((key, value, instead), objects) in plan.unfollowed() {
        let mark = if value.is_empty() { key.to_owned() } else { format!("{key}: {value}") };
        let _ = writeln!(out, "no effect of {mark} on {}: {instead}", objects.len());
    }
    for refusal in &plan.refusals {
        let _ = write!(out, "{}", Diagnostic::of(refusal));
    }
    for step in plan.drift().pending() {
        let fields: Vec<String> = step.object.fields.iter().map(|change| change.path.to_string()).collect();
        let _ = writeln!(out, "drift {} {}", step.object.id, fields.join(" "));
    }
    let counts = plan
        .summary()
        .counts()
        .into_iter()
        .filter(|(name, count)| !["orphan", "run", "note"].contains(name) || *count > 0);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(out, "{}{}", counts.join(", "), if plan.is_empty() { "; empty" } else { "" });
    out
}

/// A digest stands for what would be done, whatever is unchanged beside it.
fn digest() -> Result<(), Failed> {
    let of = |objects: &str| {
        Input::parse(&format!("{{releases: [{{name: app}}], objects: [{objects}]}}")).plan().digest(&input::key())
    };
    let create = |data: &str| format!("{{id: Secret apps/a, is: create, desired: {{data: {data}}}}}");
    let update = |to: u8| {
        let fields = format!("[{{path: [data, a], class: pending, live: 1, desired: {to}}}]");
        format!("{{id: ConfigMap apps/a, is: update, fields: {fields}}}")
    };
    let one = of(&update(2));
    cases::same(
        "with an unchanged object",
        &one,
        &of(&format!("{}, {{id: ConfigMap apps/b, is: unchanged}}", update(2))),
    )?;
    // A rule that hides a field does not hide from the digest what we make of it.
    let hidden = |base: u8, live: u8, to: u8| {
        let pending = "{path: [data, b], class: pending, live: 1, desired: 2}";
        let ignored = format!("{{path: [data, a], class: 'ignored: why', base: {base}, live: {live}, desired: {to}}}");
        of(&format!("{{id: ConfigMap apps/a, is: update, fields: [{pending}, {ignored}]}}"))
    };
    cases::same("with other drift in a hidden field", &hidden(2, 3, 2), &hidden(2, 4, 2))?;
    let all = [
        hidden(2, 2, 2),
        hidden(2, 2, 5),
        hidden(2, 2, 6),
        one,
        of(""),
        of(&update(3)),
        of(&create("{a: '1'}")),
        of(&create("{a: '2'}")),
        of(&create("{a: {$secret: '1'}}")),
        of(&create("{a: {$secret: '2'}}")),
        of("{id: ConfigMap apps/a, is: leftover}"),
        of("{id: ConfigMap apps/a, is: leftover, live: {metadata: {uid: other}}}"),
    ];
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    cases::same("how many differ", &all.len().to_string(), &different.len().to_string())
}
