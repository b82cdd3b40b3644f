//! Releases that left the repository, and saved plans of what is not an apply.

use k8s_openapi::api::core::v1::ConfigMap;
use libtest_mimic::{Failed, Trial};

use super::program::Run;
use super::site::{Site, WEB};
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "leaving_policy_outlives_its_release", policy_outlives_its_release),
        code("cli", "leaving_policy_alone_is_recorded", policy_alone_is_recorded),
        code("cli", "leaving_named_where_only_an_inventory_knows_it", named_where_only_an_inventory_knows_it),
        code("cli", "leaving_saved_destroy", saved_destroy),
        code("cli", "leaving_saved_orphan", saved_orphan),
        code("cli", "leaving_saved_rollback", saved_rollback),
        code("cli", "leaving_saved_values", saved_values),
    ]
}

fn is_ours(site: &Site, name: &str) -> Option<bool> {
    let labels = site.get::<ConfigMap>(name)?.metadata.labels.unwrap_or_default();
    Some(labels.contains_key("applyset.kubernetes.io/part-of"))
}

fn is(what: &str, expected: Option<bool>, actual: Option<bool>) -> Result<(), Failed> {
    same(what, &format!("{expected:?}"), &format!("{actual:?}"))
}

fn policy_outlives_its_release() -> Result<(), Failed> {
    for (prune, after) in [("orphan", Some(false)), ("false", Some(true)), ("true", None)] {
        let site = Site::new("policy");
        site.chart("web", "greeting: Hello\nport: 80\n", WEB);
        site.releases(&[&format!("{{name: web, chart: web, prune: {prune}}}")]);
        site.expect("apply dev --yes", 0)?;
        site.expect("plan dev --exit-code", 0)?;
        site.releases(&[]);
        site.expect("apply dev --yes --allow-empty dev", 0)?;
        is(prune, after, is_ours(&site, "web"))?;
        site.expect("plan dev --exit-code", 0)?;
        // Who says that it shall go is not asked once more.
        if prune == "false" {
            site.expect("destroy dev --release web --yes", 0)?.says("1 deleted")?;
            is("destroyed", None, is_ours(&site, "web"))?;
        }
    }
    Ok(())
}

/// What a release says about the objects that leave it counts though nothing else changes.
fn policy_alone_is_recorded() -> Result<(), Failed> {
    let site = Site::with_web("policy-alone");
    site.expect("apply dev --yes", 0)?;
    site.releases(&["{name: web, chart: web, prune: orphan}"]);
    let planned = site.expect("plan dev --exit-code -o plan.json", 2)?;
    planned.says("release web: what leaves it is let go from now on (`prune: orphan`)")?;
    same("what is shown", &planned.stdout, &site.desk.run(["show", "plan.json"]).stdout)?;
    site.expect("plan dev -o json", 0)?.says(r#""policies""#)?;
    site.expect("apply --plan plan.json --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    site.releases(&["{name: web, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    site.releases(&["{name: web, chart: web, prune: orphan}"]);
    site.expect("apply dev --yes", 0)?;
    site.releases(&[]);
    site.expect("plan dev", 0)?.says("orphan ConfigMap")?.says("lets go of what leaves it")?;
    site.expect("apply dev --yes", 0)?;
    is("after", Some(false), is_ours(&site, "web"))
}

fn named_where_only_an_inventory_knows_it() -> Result<(), Failed> {
    let site = Site::new("unknown");
    site.chart("web", "greeting: Hello\nport: 80\n", WEB);
    site.releases(&["{name: web, chart: web}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.releases(&["{name: web, chart: web}"]);
    site.expect("orphan dev --release odl --yes", 1)?.says("odl")?;
    site.expect("plan dev --release old", 1)?;
    site.expect("status dev --release old", 0)?.says("old")?.keeps_quiet_about("web")?;
    site.expect("orphan dev --release old --yes", 0)?.says("1 orphaned")?;
    is("old", Some(false), is_ours(&site, "old"))?;
    is("web", Some(true), is_ours(&site, "web"))?;
    site.expect("plan dev --exit-code", 0)?;
    site.expect("destroy dev --release old --yes", 1)?.says("old").map(drop)
}

/// A plan is saved, shown, and nothing is done.
fn saved(site: &Site, verb: &str) -> Result<Run, Failed> {
    let before = site.versions();
    let run = site.expect(&format!("{verb} -o plan.json"), 0)?;
    run.says("the plan is saved in plan.json, digest ")?;
    same("what is shown", &run.stdout, &site.desk.run(["show", "plan.json"]).stdout)?;
    site.expect(&format!("{verb} -o plan.json --yes"), 1)?.says("a plan is saved in `plan.json`, and not applied")?;
    same("the objects", &before.join("\n"), &site.versions().join("\n"))?;
    Ok(run)
}

fn two_releases(prefix: &str) -> Result<Site, Failed> {
    let site = Site::new(prefix);
    site.chart("web", "greeting: Hello\nport: 80\n", WEB);
    site.releases(&["{name: web, chart: web}", "{name: other, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    Ok(site)
}

fn saved_destroy() -> Result<(), Failed> {
    let site = two_releases("saved-destroy")?;
    saved(&site, "destroy dev --release other")?.says("delete ConfigMap")?;
    site.meddle("other", "kubectl-edit", &serde_json::json!({"data": {"greeting": "Mine"}}));
    site.expect("apply --plan plan.json --yes", 4)?.says("the plan is stale")?;
    site.expect("destroy dev --release other -o plan.json", 0)?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 deleted")?;
    is("other", None, is_ours(&site, "other"))?;
    is("web", Some(true), is_ours(&site, "web"))
}

fn saved_orphan() -> Result<(), Failed> {
    let site = two_releases("saved-orphan")?;
    site.releases(&["{name: web, chart: web}"]);
    saved(&site, "orphan dev --release other --object ConfigMap/other")?.says("orphan ConfigMap")?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 orphaned")?;
    is("other", Some(false), is_ours(&site, "other"))?;
    is("web", Some(true), is_ours(&site, "web"))
}

fn saved_rollback() -> Result<(), Failed> {
    let site = two_releases("saved-back")?;
    site.chart("web", "greeting: Bye\nport: 80\n", WEB);
    site.expect("apply dev --yes", 0)?;
    saved(&site, "rollback dev web --to 1")?.says("release web: back to revision 1")?;
    let run = site.expect("apply --plan plan.json --yes", 0)?;
    run.says("release web: back to revision 1")?.says("1 applied")?;
    same("the data", r#"{"greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("history dev web", 0)?.says("rolled back to 1")?;
    site.expect("apply --plan plan.json --yes", 4)?.says("the plan is stale").map(drop)
}

/// The values of the command line need not be said again; those of whom secrets are made are encrypted.
fn saved_values() -> Result<(), Failed> {
    let site = Site::with_web("saved-values");
    let set = "--set greeting=Bye --set-string port=81";
    site.expect(&format!("plan dev -o plan.json {set}"), 0)?;
    site.expect("apply --plan plan.json --yes --set greeting=Other", 1)?.says("the plan was made with")?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 applied")?;
    same("the data", r#"{"greeting":"Bye","port":"81"}"#, &site.data("web").unwrap_or_default())?;
    let site = Site::new("sealed-values");
    site.secret();
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: '{{ \
                  values.database.password }}', token: '{{ values.token }}'}\n";
    site.chart("web", "greeting: Hello\nport: 80\ntoken: none\n", &format!("{WEB}{secret}"));
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site.expect("plan dev -o plan.json --set token=t0ken-of-the-command-line", 0)?;
    let text = std::fs::read_to_string(site.desk.project().join("plan.json"))?;
    if text.contains("t0ken-of-the-command-line") || text.matches("BEGIN AGE ENCRYPTED FILE").count() != 2 {
        return Err("the value is not encrypted".into());
    }
    site.expect("apply --plan plan.json --yes", 0)?.says("2 applied").map(drop)
}
