//! Rules that ask for an approval hold in jobs, too: with plans of before and without.

use std::fs;

use libtest_mimic::{Failed, Trial};

use super::{Stage, pull_request, push};
use crate::cases::code;
use crate::forge::standin::StandIn;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("ci", "a_job_applies_no_plan_without_the_approval_that_a_rule_asks_for", planned_anew),
        code("ci", "a_job_applies_no_saved_plan_without_the_approval_that_a_rule_asks_for", planned_before),
    ]
}

const RULE: &str = "rules:\n- {name: four-eyes, approve: change.action == 'update', message: two have to look}\n";

fn digest(said: &str) -> Result<String, Failed> {
    let digest = said.lines().find_map(|line| line.trim().strip_prefix("digest: "));
    Ok(digest.ok_or("no digest")?.to_owned())
}

/// Fails unless the greeting of the cluster has this text.
fn greets(stage: &Stage, text: &str) {
    let data = stage.site.data("web").unwrap_or_default();
    assert!(data.contains(text), "{data}");
}

fn planned_anew() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-approve")?, StandIn::new("github"));
    stage.site.desk.write("policies/a.yaml", RULE);
    let base = stage.commit("rule")?;
    let head = stage.change("Hello", "Goodbye")?;
    let event = push(&base, &head);
    let run = stage.job("apply", &forge, &event)?;
    run.ends_with(4)?.says("rules of the repository ask for its approval: `four-eyes`")?;
    run.keeps_quiet_about("approved:")?;
    greets(&stage, "Hello");
    let run = stage.job("apply --yes", &forge, &event)?;
    run.ends_with(4)?;
    greets(&stage, "Hello");
    let digest = digest(&stage.site.expect("plan dev", 0)?.stdout)?;
    stage.job(&format!("apply --approve {}", "0".repeat(64)), &forge, &event)?.ends_with(4)?;
    greets(&stage, "Hello");
    let run = stage.job_with(&format!("apply --approve {digest}"), &forge, &event, |command| {
        command.env("GITHUB_ACTOR", "octo-cat");
    })?;
    run.ends_with(0)?.says(&format!("approved with --approve {digest} by octo-cat"))?;
    greets(&stage, "Goodbye");
    Ok(())
}

fn planned_before() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-approve-plans")?, StandIn::new("github"));
    stage.site.desk.write("policies/a.yaml", RULE);
    let base = stage.commit("rule")?;
    stage.git(&["switch", "--quiet", "--create", "more"])?;
    let head = stage.change("Hello", "Goodbye")?;
    let run = stage.job("plan --plans plans", &forge, &pull_request(&base, &head, "me/shop"))?;
    run.ends_with(0)?.says("needs approval")?;
    let digest = digest(&run.stdout)?;
    fs::rename(stage.site.desk.project().join("plans"), stage.root().join("plans"))?;
    stage.git(&["switch", "--quiet", "main"])?;
    stage.git(&["merge", "--quiet", "--no-ff", "--no-edit", "more"])?;
    let event = push(&base, &stage.git(&["rev-parse", "HEAD"])?);
    stage.job("apply --plans ../plans", &forge, &event)?.ends_with(4)?.says("ask for its approval")?;
    greets(&stage, "Hello");
    let run = stage.job(&format!("apply --plans ../plans --approve {digest}"), &forge, &event)?;
    run.ends_with(0)?.says(&format!("approved with --approve {digest} by "))?;
    greets(&stage, "Goodbye");
    Ok(())
}
