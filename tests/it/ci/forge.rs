//! The jobs at a stand-in for GitHub, which checks every request.

use std::fs;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::{Stage, pull_request, push};
use crate::cases::code;
use crate::cli::site::CANARY;
use crate::forge::standin::{Has, StandIn, Thing};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("ci", "a_pull_request_is_planned_and_its_merge_applied", planned_and_applied),
        code("ci", "a_job_that_fails_says_so", failures),
        code("ci", "a_fork_is_only_rendered", forks),
        code("ci", "drift_keeps_one_issue", drift),
    ]
}

fn body(thing: &Thing) -> &str {
    thing.body["body"].as_str().unwrap_or_default()
}

/// The state of a status of a commit.
fn state(has: &Has, commit: &str, context: &str) -> Option<String> {
    let of = |(on, it): &&(String, Json)| on == commit && it["context"] == context;
    has.statuses.iter().rev().find(of).map(|(_, it)| it["state"].as_str().unwrap_or_default().to_owned())
}

fn planned_and_applied() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-merge")?, StandIn::new("github"));
    forge.has(|it| {
        it.comments = vec![Thing { number: 1, body: json!({"body": "<!-- weft:gone -->\nold"}), author: None }];
    });
    let fork = stage.git(&["rev-parse", "HEAD"])?;
    stage.git(&["switch", "--quiet", "--create", "more"])?;
    let head = stage.change("Hello", "Goodbye")?;
    // The target moves on while the change waits, at another place of the same file.
    stage.git(&["switch", "--quiet", "main"])?;
    stage.site.desk.write("charts/web/Chart.yaml", "name: web\nversion: 0.2.0\n");
    let base = stage.commit("chart")?;

    let event = pull_request(&base, &head, "me/shop");
    let run = stage.job("plan --plans plans --dry-run", &forge, &event)?;
    run.ends_with(0)?.says("POST /repos/me/shop/issues/7/comments")?.says("weft/plan/dev")?;
    assert_eq!(forge.has(|it| it.writes), 0, "a dry run writes nothing");
    for _ in 0..2 {
        let run = stage.job("plan --plans plans", &forge, &event)?;
        run.ends_with(0)?.says("data.greeting: pending \"Hello\" -> \"Goodbye\"")?.says("dev: 1 to change")?;
    }
    forge.has(|it| {
        assert_eq!(it.comments.len(), 2);
        assert!(body(&it.comments[0]).contains("does not touch this environment any more"), "{:?}", it.comments[0]);
        let text = body(&it.comments[1]);
        assert!(text.starts_with("<!-- weft:dev -->\n") && text.contains("Goodbye") && text.contains(&head), "{text}");
        assert_eq!(state(it, &head, "weft/plan/dev").as_deref(), Some("success"));
        assert_eq!(state(it, &head, "weft/plan").as_deref(), Some("success"));
    });
    assert!(fs::read_to_string(stage.root().join("summary.md"))?.contains("Goodbye"));
    let kept: Json = serde_json::from_slice(&fs::read(stage.site.desk.project().join("plans/ci.json"))?)?;
    assert_eq!((kept["base"].as_str(), kept["head"].as_str()), (Some(&*base), Some(&*head)));
    fs::rename(stage.site.desk.project().join("plans"), stage.root().join("plans"))?;

    // Merged onto another base than the planned one, and with other files.
    stage.git(&["merge", "--quiet", "--no-ff", "--no-edit", "more"])?;
    let merged = stage.git(&["rev-parse", "HEAD"])?;
    let run = stage.job("apply --plans ../plans", &forge, &push(&fork, &merged))?;
    run.ends_with(4)?.says(&format!("the plans were made for the base `{base}`, and the change went onto `{fork}`"))?;
    assert_eq!(forge.has(|it| state(it, &merged, "weft/apply")).as_deref(), Some("failure"));
    let other = stage.change("80", "81")?;
    let run = stage.job("apply --plans ../plans", &forge, &push(&base, &other))?;
    run.ends_with(4)?.says("the plans were made of other files")?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Hello"), "nothing is applied");

    // An event that comes late is about a commit that its branch has left behind.
    let run = stage.job("apply --plans ../plans", &forge, &push(&base, &merged))?;
    run.ends_with(4)?.says(&format!("`{merged}` is not the newest commit of `main` any more: that is `{other}`"))?;
    stage.git(&["reset", "--quiet", "--hard", &merged])?;
    let run = stage.job("apply --plans ../plans", &forge, &push(&base, &merged))?;
    run.ends_with(0)?.says("dev: 1 applied")?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Goodbye"));
    assert_eq!(forge.has(|it| state(it, &merged, "weft/apply/dev")).as_deref(), Some("success"));
    stage.git(&["reset", "--quiet", "--hard", &other])?;
    // Without plans, it is planned anew.
    stage.job("apply", &forge, &push(&merged, &other))?.ends_with(0)?.says("dev: 1 applied")?;
    stage.job("apply", &forge, &push(&merged, &other))?.ends_with(0)?.says("dev: nothing to change")?;
    let told = stage.site.expect(&format!("apply dev --changed-since {merged} --yes -o json"), 0)?.stdout;
    let report: Json = serde_json::from_str(&told)?;
    let touched = &report["touched"][0];
    assert_eq!((&touched["release"], &touched["is"]), (&json!("web"), &json!("in")), "{told}");
    assert!(touched["why"][0].as_str().is_some_and(|it| it.contains("charts/web/values.yaml")), "{touched}");
    // What a change does not touch is not looked at.
    stage.site.desk.write("README.md", "more");
    let words = stage.commit("words")?;
    stage.job("apply", &forge, &push(&other, &words))?.ends_with(0)?.says("dev: nothing of it is touched")?;
    assert_eq!(forge.has(|it| state(it, &words, "weft/apply")).as_deref(), Some("success"));
    Ok(())
}

fn failures() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-failure")?, StandIn::new("github"));
    let base = stage.git(&["rev-parse", "HEAD"])?;
    stage.git(&["switch", "--quiet", "--create", "more"])?;
    stage.site.desk.write("charts/web/templates/all.yaml.j2", "{{ values.greeting ");
    let head = stage.commit("broken")?;
    let run = stage.job("plan --plans plans", &forge, &pull_request(&base, &head, "me/shop"))?;
    run.ends_with(1)?;
    forge.has(|it| {
        assert!(body(&it.comments[0]).contains("charts/web/templates/all.yaml.j2:1"), "{:?}", it.comments);
        assert_eq!(state(it, &head, "weft/plan/dev").as_deref(), Some("error"));
    });
    let kept: Json = serde_json::from_slice(&fs::read(stage.site.desk.project().join("plans/ci.json"))?)?;
    assert_eq!(kept["environments"][0]["exitCode"], 1);

    // What cannot be merged is a failure of the job, and said at the commit.
    stage.git(&["switch", "--quiet", "main"])?;
    stage.site.desk.write("charts/web/templates/all.yaml.j2", "{# other #}");
    let moved = stage.commit("other")?;
    let run = stage.job("plan", &forge, &pull_request(&moved, &head, "me/shop"))?;
    run.ends_with(4)?.says("both changed `charts/web/templates/all.yaml.j2`")?;
    assert_eq!(forge.has(|it| state(it, &head, "weft/plan")).as_deref(), Some("failure"));
    // History that is not there is no reason to compare with something else.
    let nowhere = "0123456789abcdef0123456789abcdef01234567";
    let event = json!({"pull_request": {"number": 7, "base": {"sha": nowhere}, "head": {"sha": head}}});
    stage.job("plan", &forge, &event)?.ends_with(1)?.says("fetch-depth: 0")?;
    // Who may not comment is told so.
    forge.has(|it| {
        it.troubles = vec![(false, (403, Vec::new(), b"{\"message\":\"Resource not accessible\"}".to_vec()))];
    });
    let run = stage.job("plan", &forge, &pull_request(&base, &base, "me/shop"))?;
    run.ends_with(1)?.says("Resource not accessible")?.says("The token lacks a right")?;
    Ok(())
}

fn forks() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-fork")?, StandIn::new("github"));
    let base = stage.git(&["rev-parse", "HEAD"])?;
    stage.site.secret();
    stage.site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    stage.site.desk.write(
        "charts/web/templates/secret.yaml.j2",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: {{ values.database.password | quote }}}\n",
    );
    // Neither a key nor a cluster is to be had.
    fs::remove_file(stage.site.desk.project().join("secrets/dev.agekey"))?;
    let environment = stage.site.desk.project().join("environments/dev/environment.yaml");
    fs::write(&environment, fs::read_to_string(&environment)?.replace("identity: secrets/dev.agekey\n", ""))?;
    let head = stage.commit("secret")?;
    let event = pull_request(&base, &head, "someone/shop");
    let nothing = |command: &mut std::process::Command| {
        command.env("KUBECONFIG", "/nonexistent");
    };
    let run = stage.job_with("plan --plans plans", &forge, &event, nothing)?;
    run.ends_with(0)?.says("the change comes from a fork")?.keeps_quiet_about(CANARY)?;
    assert!(!stage.site.desk.project().join("plans").exists(), "no plan is made");
    forge.has(|it| {
        let text = body(&it.comments[0]);
        assert!(text.starts_with("<!-- weft:dev -->\n") && text.contains("Only rendered"), "{text}");
        assert!(text.contains("Secret") && !text.contains(CANARY), "{text}");
    });
    // The token of a fork's job may only read.
    forge.has(|it| it.troubles = vec![(false, (403, Vec::new(), Vec::new())); 9]);
    stage.job_with("plan", &forge, &event, nothing)?.ends_with(0)?.says("not told")?;
    Ok(())
}

fn drift() -> Result<(), Failed> {
    let (stage, forge) = (Stage::new("ci-drift")?, StandIn::new("github"));
    stage.site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Ahoy"}}));
    for _ in 0..2 {
        stage.job("drift", &forge, &json!({}))?.ends_with(2)?.says("kubectl-edit")?;
    }
    forge.has(|it| {
        assert_eq!(it.issues.len(), 1);
        assert!(body(&it.issues[0]).contains("greeting"), "{:?}", it.issues);
    });
    // A failure to look is neither clean nor drift.
    let before = forge.has(|it| it.writes);
    let away = |command: &mut std::process::Command| {
        command.env("KUBECONFIG", "/nonexistent");
    };
    let run = stage.job_with("drift", &forge, &json!({}), away)?;
    assert!(!matches!(run.code, Some(0 | 2)), "{run:?}");
    assert_eq!(forge.has(|it| it.writes), before);
    stage.site.expect("apply dev --yes", 0)?;
    stage.job("drift", &forge, &json!({}))?.ends_with(0)?;
    forge.has(|it| assert_eq!((it.issues.len(), &it.issues[0].body["state"]), (1, &json!("closed"))));
    Ok(())
}
