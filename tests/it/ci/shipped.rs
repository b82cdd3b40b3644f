//! What is shipped for forges and clones: the steps of the workflow files are run in a shell, as a runner runs them.

use std::collections::BTreeMap;
use std::fs;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::{Stage, pull_request, push};
use crate::cases::code;
use crate::cli::program::Run;
use crate::forge::standin::StandIn;
use crate::markdown;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("ci", "the_steps_of_shipped_workflows_run", workflows),
        code("ci", "the_gitlab_template_runs", template),
        code("ci", "the_hooks_before_a_commit_run", before_a_commit),
    ]
}

fn yaml(path: &str) -> Result<Json, Failed> {
    Ok(serde_yaml::from_str(&markdown::read(path))?)
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A runner's idea of a workflow: what its expressions stand for.
struct Runner<'s> {
    stage: &'s Stage,
    variables: BTreeMap<String, String>,
    /// What stands between `${{` and `}}`, and conditions.
    known: BTreeMap<&'static str, String>,
}

impl Runner<'_> {
    fn filled(&self, text: &str) -> Result<String, Failed> {
        let mut parts = text.split("${{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once("}}").ok_or("an open expression")?;
            let expression = expression.trim();
            let value = self.known.get(expression).ok_or(format!("nobody knows `{expression}`"))?;
            filled += value;
            filled += rest;
        }
        Ok(filled)
    }

    /// Runs a step; those of the composite action in place of its use.
    fn step(&self, step: &Json, said: &mut Vec<Run>) -> Result<(), Failed> {
        if let Some(condition) = step.get("if").map(text) {
            let met = self.known.get(condition.as_str()).ok_or(format!("nobody knows `{condition}`"))?;
            if met != "true" {
                return Ok(());
            }
        }
        match (step.get("uses").map(text), step.get("run").map(text)) {
            (Some(action), None) if action.starts_with("OWNER/weft@") => {
                let action = yaml("action.yml")?;
                let mut inner = Runner { stage: self.stage, variables: self.variables.clone(), known: BTreeMap::new() };
                for (name, input) in action["inputs"].as_object().ok_or("inputs")? {
                    let value = step["with"].get(name).or_else(|| input.get("default")).map(text);
                    let value = self.filled(&value.ok_or(format!("no input {name}"))?)?;
                    inner.known.insert(Box::leak(format!("inputs.{name}").into_boxed_str()), value);
                }
                for unknown in step["with"].as_object().into_iter().flatten().map(|(name, _)| name) {
                    assert!(action["inputs"].get(unknown).is_some(), "{unknown} is no input");
                }
                let steps = action["runs"]["steps"].as_array().ok_or("steps")?;
                steps.iter().try_for_each(|step| inner.step(step, said))
            }
            (Some(_), None) => Ok(()),
            (None, Some(script)) => {
                let mut command = self.stage.command("bash");
                command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &self.filled(&script)?]);
                command.envs(&self.variables).env("GITHUB_ACTION_PATH", markdown::root());
                for (name, value) in step["env"].as_object().into_iter().flatten() {
                    command.env(name, self.filled(&text(value))?);
                }
                said.push(self.stage.read(&command.output()?));
                Ok(())
            }
            _ => Err(format!("neither `uses` nor `run`: {step}").into()),
        }
    }
}

/// Runs the job of a workflow for an event.
fn run(path: &str, stage: &Stage, forge: &StandIn, (name, event): (&str, &Json)) -> Result<Vec<Run>, Failed> {
    let file = stage.root().join("event.json");
    fs::write(&file, event.to_string())?;
    let variables = [
        (if path.contains("gitea") { "GITEA_ACTIONS" } else { "GITHUB_ACTIONS" }, "true".to_owned()),
        ("GITHUB_API_URL", forge.api()),
        ("GITHUB_REPOSITORY", "me/shop".to_owned()),
        ("GITHUB_EVENT_PATH", file.display().to_string()),
        // The kubeconfig is the one that the workflow writes.
        ("KUBECONFIG", String::new()),
    ];
    let kubeconfig = fs::read_to_string(crate::sandbox::shared().kubeconfig())?;
    let mut known = BTreeMap::from([
        ("github.token", "test-token".to_owned()),
        ("secrets.WEFT_TOKEN", "test-token".to_owned()),
        ("secrets.KUBECONFIG", kubeconfig),
        ("env.KUBECONFIG_TEXT != ''", "true".to_owned()),
        ("always() && github.event_name == 'pull_request'", "true".to_owned()),
    ]);
    for (event, condition) in [
        ("pull_request", "github.event_name == 'pull_request'"),
        ("push", "github.event_name == 'push'"),
        ("schedule", "github.event_name == 'schedule'"),
    ] {
        known.insert(condition, (event == name).to_string());
    }
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (runner, mut said) = (Runner { stage, variables, known }, Vec::new());
    let workflow = yaml(path)?;
    assert!(workflow["on"].get(name).is_some(), "{path} is not for {name}");
    for step in workflow["jobs"]["weft"]["steps"].as_array().ok_or("steps")? {
        runner.step(step, &mut said)?;
    }
    let faults = forge.has(|it| it.faults.clone());
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(said)
}

fn workflows() -> Result<(), Failed> {
    for (kind, prefix) in [("github", "ci-github"), ("gitea", "ci-gitea")] {
        let path = format!("ci/{kind}/workflow.yaml");
        let (stage, forge) = (Stage::new(prefix)?, StandIn::new(kind));
        let base = stage.git(&["rev-parse", "HEAD"])?;
        stage.git(&["switch", "--quiet", "--create", "more"])?;
        let head = stage.change("Hello", "Goodbye")?;
        let ended = |said: Vec<Run>, text: &str| -> Result<(), Failed> {
            said.iter().try_for_each(|run| run.ends_with(0).map(drop))?;
            said.last().ok_or("steps")?.says(text).map(drop)
        };
        let event = pull_request(&base, &head, "me/shop");
        ended(run(&path, &stage, &forge, ("pull_request", &event))?, "dev: 1 to change")?;
        assert_eq!(forge.has(|it| it.comments.len()), 1);
        assert!(stage.site.desk.project().join("weft-plans/ci.json").is_file());
        ended(run(&path, &stage, &forge, ("push", &push(&base, &head)))?, "dev: 1 applied")?;
        ended(run(&path, &stage, &forge, ("schedule", &json!({})))?, "dev: no drift")?;
    }
    Ok(())
}

/// The scripts of the template, each in one shell.
fn template() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-gitlab")?, StandIn::new("gitlab"));
    let remote = stage.root().join("remote.git");
    let folder = remote.to_str().ok_or("a path")?;
    stage.git(&["clone", "--quiet", "--bare", ".", folder])?;
    stage.git(&["remote", "add", "origin", folder])?;
    let base = stage.git(&["rev-parse", "HEAD"])?;
    stage.git(&["switch", "--quiet", "--create", "more"])?;
    let head = stage.change("Hello", "Goodbye")?;
    let jobs = yaml("ci/gitlab/template.yml")?;
    let run = |job: &str, more: &[(&str, &str)]| -> Result<Run, Failed> {
        let lines = jobs[job]["script"].as_array().ok_or("a script")?.iter().map(text).collect::<Vec<_>>();
        let mut command = stage.command("bash");
        command.args(["-eo", "pipefail", "-c", &lines.join("\n")]);
        command.env("GITLAB_CI", "true").env("CI_API_V4_URL", forge.api()).env("CI_PROJECT_ID", "42");
        command.env("GITLAB_TOKEN", "test-token").envs(more.iter().copied());
        let run = stage.read(&command.output()?);
        let faults = forge.has(|it| it.faults.clone());
        assert!(faults.is_empty(), "{faults:#?}");
        Ok(run)
    };
    let merge_request = [
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "42"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "42"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
        ("CI_COMMIT_SHA", &head),
    ];
    run("weft-plan", &merge_request)?.ends_with(0)?.says("dev: 1 to change")?;
    assert_eq!(forge.has(|it| it.comments.len()), 1);
    let pushed = [("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", &*head), ("CI_COMMIT_BEFORE_SHA", &*base)];
    run("weft-apply", &pushed)?.ends_with(0)?.says("dev: 1 applied")?;
    stage.site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Ahoy"}}));
    run("weft-drift", &pushed)?.ends_with(2)?;
    assert_eq!(forge.has(|it| it.issues.len()), 1);
    assert_eq!(jobs["weft-drift"]["allow_failure"]["exit_codes"], json!([2]));
    Ok(())
}

fn before_a_commit() -> Result<(), Failed> {
    let stage = Stage::new("ci-commit")?;
    let hook = markdown::root().join("ci/hooks/pre-commit");
    let ran = |stage: &Stage| -> Result<Run, Failed> { Ok(stage.read(&stage.command("bash").arg(&hook).output()?)) };
    ran(&stage)?.ends_with(0)?;
    let entries = yaml(".pre-commit-hooks.yaml")?;
    for entry in entries.as_array().ok_or("hooks")? {
        let entry = text(&entry["entry"]);
        let output = stage.command("bash").args(["-c", &entry]).output()?;
        stage.read(&output).ends_with(0)?;
    }
    stage.site.desk.write("charts/web/templates/all.yaml.j2", "{{ values.greeting ");
    ran(&stage)?.ends_with(1)?.says("all.yaml.j2:1")?;
    Ok(())
}
