//! The recipe for bare repositories: a push starts the job.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use libtest_mimic::{Failed, Trial};

use super::Stage;
use crate::cases::code;
use crate::cli::program::Run;
use crate::markdown;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("ci", "a_push_to_a_bare_repository_starts_the_job", pushed)]
}

fn push(stage: &Stage, what: &str) -> Result<Run, Failed> {
    let output = stage.command("git").args(["push", "--quiet", "origin", what]).output()?;
    Ok(stage.read(&output))
}

fn pushed() -> Result<(), Failed> {
    let stage = Stage::new("ci-hook")?;
    let remote = stage.root().join("remote.git");
    let folder = remote.to_str().ok_or("a path")?;
    stage.git(&["init", "--quiet", "--bare", "--initial-branch=main", folder])?;
    fs::copy(markdown::root().join("ci/hooks/post-receive"), remote.join("hooks/post-receive"))?;
    fs::set_permissions(remote.join("hooks/post-receive"), fs::Permissions::from_mode(0o755))?;
    stage.git(&["remote", "add", "origin", folder])?;
    push(&stage, "main")?.ends_with(0)?.says("remote: dev: nothing to change")?;

    stage.git(&["switch", "--quiet", "--create", "more"])?;
    stage.change("Hello", "Goodbye")?;
    let run = push(&stage, "more")?;
    run.ends_with(0)?.says("data.greeting: pending \"Hello\" -> \"Goodbye\"")?.says("remote: dev: 1 to change")?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Hello"), "a branch is only planned");

    stage.git(&["switch", "--quiet", "main"])?;
    stage.git(&["merge", "--quiet", "--no-ff", "--no-edit", "more"])?;
    let tree = stage.git(&["rev-parse", "HEAD^{tree}"])?;
    assert!(remote.join("weft-plans").join(&tree).join("ci.json").is_file(), "the plan of what is merged is kept");
    // What was reviewed stands in the way of what others did since.
    stage.site.meddle("web", "kubectl-edit", &serde_json::json!({"data": {"greeting": "Ahoy"}}));
    push(&stage, "main")?.ends_with(0)?.says("remote: error:")?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Ahoy"), "a plan that is stale is not applied");
    // An environment that is named is planned anew, whatever the push touches.
    stage.git(&["commit", "--quiet", "--allow-empty", "--message", "again"])?;
    fs::remove_dir_all(remote.join("weft-plans"))?;
    let mut named = stage.command("git");
    named.args(["push", "--quiet", "origin", "main"]).env("WEFT_ENVIRONMENTS", "dev");
    stage.read(&named.output()?).ends_with(0)?.says("remote: dev: 1 applied")?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Goodbye"));
    Ok(())
}
