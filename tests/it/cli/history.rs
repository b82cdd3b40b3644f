//! What was applied is kept, shown, and brought back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams};
use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;

use super::proxy::{Answer, Proxy};
use super::site::{CANARY, Site};
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "history_goes_back_and_forth", goes_back_and_forth),
        code("cli", "history_keeps_what_it_is_told_to", keeps_what_it_is_told_to),
        code("cli", "history_says_what_is_missing", says_what_is_missing),
        code("cli", "history_brings_secrets_back", brings_secrets_back),
        code("cli", "history_says_which_object_is_lost", says_which_object_is_lost),
        code("cli", "history_says_which_secrets_were_not_kept", says_which_secrets_were_not_kept),
        code("cli", "history_of_twenty_megabytes", of_twenty_megabytes),
        code("cli", "history_survives_a_crash_between_its_writes", survives_a_crash),
        code("cli", "history_rolls_back_by_itself", rolls_back_by_itself),
    ]
}

/// The revisions of a release, the newest first: number and result.
fn revisions(site: &Site, release: &str) -> Result<Vec<(u64, String)>, Failed> {
    let run = site.expect(&format!("history dev {release} -o json"), 0)?;
    let document: Vec<Json> = serde_json::from_str(&run.stdout)?;
    let row = |it: &Json| Some((it["revision"].as_u64()?, it["result"].as_str()?.to_owned()));
    document.iter().map(|it| row(it).ok_or_else(|| format!("{it:#}").into())).collect()
}

fn numbers(site: &Site, release: &str) -> Result<Vec<u64>, Failed> {
    Ok(revisions(site, release)?.into_iter().map(|(number, _)| number).collect())
}

#[allow(clippy::needless_pass_by_value, reason = "what is expected is made for it")]
fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}").into()) }
}

fn greeting(site: &Site, text: &str) {
    site.desk.write("environments/dev/values/web.yaml", format!("greeting: {text}\n"));
}

fn goes_back_and_forth() -> Result<(), Failed> {
    let site = Site::with_web("history");
    for text in ["one", "two"] {
        greeting(&site, text);
        site.expect("apply dev --yes", 0)?;
    }
    // A run that changes nothing is none.
    site.expect("apply dev --yes", 0)?;
    equal(revisions(&site, "web")?, vec![(2, "done".into()), (1, "done".into())])?;
    site.expect("history dev web --revision 1", 0)?.says("greeting: one")?.keeps_quiet_about("greeting: two")?;
    site.expect("rollback dev web --plan-only", 0)?
        .says("back to revision 1")?
        .says("data.greeting: pending \"two\" -> \"one\"")?;
    site.expect("rollback dev web", 4)?.says("there is no terminal to ask on")?;
    equal(site.data("web").as_deref(), Some(r#"{"greeting":"two","port":"80"}"#))?;
    // What somebody changed meanwhile is told, and taken back.
    site.meddle("web", "kubectl-edit", &serde_json::json!({"data": {"port": "81"}}));
    site.expect("rollback dev web --yes", 0)?.says("data.port: drift \"81\" -> \"80\"")?.says("1 applied")?;
    equal(site.data("web").as_deref(), Some(r#"{"greeting":"one","port":"80"}"#))?;
    site.expect("history dev", 0)?.says("web      3 ")?.says("rolled back to 1")?;
    site.expect("rollback dev web --to 1 --yes", 0)?.says("nothing to change")?;
    // The repository has not changed, so it would go forth again.
    site.expect("plan dev --exit-code", 2)?.says("data.greeting: pending \"one\" -> \"two\"")?;
    site.expect("drift dev", 0)?;
    site.expect("apply dev --yes", 0)?;
    equal(numbers(&site, "web")?, vec![4, 3, 2, 1])
}

fn keeps_what_it_is_told_to() -> Result<(), Failed> {
    let site = Site::with_web("keep");
    let environment = "environments/dev/environment.yaml";
    let text = std::fs::read_to_string(site.desk.project().join(environment))?;
    site.desk.write(environment, format!("history: {{keep: 2}}\n{text}"));
    for round in 1..=4 {
        greeting(&site, &format!("round {round}"));
        site.expect("apply dev --yes", 0)?;
    }
    equal(numbers(&site, "web")?, vec![4, 3])?;
    let of_history = |site: &Site| {
        let label = |it: &Secret| it.metadata.labels.as_ref()?.get("weft.example.com/state").cloned();
        site.kept().iter().filter_map(label).filter(|it| it == "revision" || it == "pack").count()
    };
    equal(of_history(&site), 4)?;
    site.desk.write(environment, format!("history: {{keep: 0}}\n{text}"));
    greeting(&site, "last");
    site.expect("apply dev --yes", 0)?;
    equal(of_history(&site), 0)?;
    // With the release goes its history.
    site.desk.write(environment, &text);
    greeting(&site, "again");
    site.expect("apply dev --yes", 0)?;
    equal(of_history(&site), 2)?;
    site.expect("destroy dev --yes", 0)?;
    equal(of_history(&site), 0)
}

fn says_what_is_missing() -> Result<(), Failed> {
    let site = Site::with_web("missing");
    site.expect("history dev web", 1)?.says("the release `web` of `dev` has no history")?;
    site.expect("rollback dev web --yes", 1)?.says("has no history")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("rollback dev web --yes", 1)?.says("has no revision before the last one")?.says("`--to`")?;
    site.expect("rollback dev web --to 7 --yes", 1)?.says("no revision 7")?.says("These are kept: 1.")?;
    site.expect("history dev web --revision 7", 1)?.says("no revision 7")?;
    site.expect("rollback dev wep --yes", 1)?.says("wep")?;
    site.expect("history dev --revision 1", 1)?.says("<RELEASE>").map(drop)
}

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  password: {{ values.database.password | quote }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {open: {{ values.open | quote }}}
";

fn brings_secrets_back() -> Result<(), Failed> {
    let site = Site::new("sealed");
    site.secret();
    site.chart("web", "open: one\n", SECRET);
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site.expect("apply dev --yes", 0)?;
    site.expect("history dev web --revision 1", 0)?.says("(secret ")?.says("open: one")?;
    // A plain value takes the place of the encrypted one.
    site.expect("apply dev --yes --set open=two --set database.password=another", 0)?;
    let password = |site: &Site| site.get::<Secret>("web").and_then(|it| it.data?.remove("password")).map(|it| it.0);
    equal(password(&site).as_deref(), Some(&b"another"[..]))?;
    let keys = "secrets/dev.agekey";
    let key = std::fs::read(site.desk.project().join(keys))?;
    // Only where a secret is another now is a key needed.
    let (other, _) = weft::secrets::keygen("2026-11-21T10:00:00Z", Some("of a test"));
    let environment = "environments/dev/environment.yaml";
    let text = std::fs::read_to_string(site.desk.project().join(environment))?;
    site.desk.write(environment, text.replace("identity: secrets/dev.agekey", "identity: other.agekey"));
    site.desk.write("other.agekey", other_key(&other));
    site.expect("rollback dev web --plan-only", 1)?.says("revision 1 of release web")?;
    site.desk.write(environment, &text);
    site.desk.write(keys, &key);
    site.expect("rollback dev web --plan-only -o json", 0)?.says("password")?;
    site.expect("rollback dev web --yes", 0)?.says("2 applied")?;
    equal(password(&site).as_deref(), Some(CANARY.as_bytes()))?;
    equal(site.data("web").as_deref(), Some(r#"{"open":"one"}"#))?;
    site.expect("apply dev --yes --set open=three", 0)?;
    site.desk.write(environment, text.replace("identity: secrets/dev.agekey", "identity: other.agekey"));
    site.expect("rollback dev web --yes", 0)?.says("1 applied").map(drop)
}

/// A pack holds other objects than its revision says.
fn says_which_object_is_lost() -> Result<(), Failed> {
    let site = Site::with_web("lost-object");
    site.chart("other", "greeting: Other\nport: 1\n", super::site::WEB);
    site.releases(&["{name: web, chart: web}", "{name: other, chart: other}"]);
    site.expect("apply dev --yes", 0)?;
    greeting(&site, "two");
    site.expect("apply dev --yes", 0)?;
    let kept = site.kept();
    let pack = |release: &str| {
        let named =
            |it: &&Secret| it.metadata.name.as_ref().is_some_and(|it| it.starts_with(&format!("weft.dev.{release}.p")));
        let is_first = |it: &&Secret| it.metadata.creation_timestamp.is_some();
        kept.iter().filter(named).filter(is_first).min_by_key(|it| it.metadata.resource_version.clone()).cloned()
    };
    let (mut web, other) = (pack("web").ok_or("no pack")?, pack("other").ok_or("no pack")?);
    web.data = other.data;
    web.metadata.managed_fields = None;
    let api: Api<Secret> = Api::namespaced(shared().client(), &site.state());
    let name = web.metadata.name.clone().unwrap_or_default();
    shared().block_on(api.replace(&name, &kube::api::PostParams::default(), &web))?;
    let run = site.expect("rollback dev web --to 1 --yes", 5)?;
    run.says(&format!("`ConfigMap {}/web` of revision 1 is not in the history any more", site.namespace))?;
    run.says("Go back to another revision.")?;
    equal(site.data("web").as_deref(), Some(r#"{"greeting":"two","port":"80"}"#))
}

/// Values of which nobody can read an encrypted file are not kept, and another value took their place.
fn says_which_secrets_were_not_kept() -> Result<(), Failed> {
    let site = Site::new("not-kept");
    site.chart("web", "open: one\ndatabase: {password: first}\n", SECRET);
    site.releases(&["{name: web, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.expect("apply dev --yes --set open=two", 0)?;
    // The value is in the cluster still.
    site.expect("rollback dev web --to 1 --yes", 0)?;
    site.expect("apply dev --yes --set database.password=second", 0)?;
    let run = site.expect("rollback dev web --to 1 --yes", 1)?;
    run.says(&format!("the secret values of revision 1 were not kept: `Secret {}/web`", site.namespace))?;
    run.says("apply the commit of that revision")?.keeps_quiet_about("first").map(drop)
}

/// The text of a key that was made for a test.
fn other_key(key: &weft::masked::Masked<String>) -> String {
    key.expose().clone()
}

/// A text of nearly 1 MiB, another for each seed, of which as much does not compress as makes several Secrets of the
/// whole release.
fn long(seed: u64) -> String {
    noise(seed, 160_000) + &"x".repeat(880_000)
}

/// Text that does not compress well, and is another for each seed.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()
    };
    let raw: Vec<u8> =
        std::iter::repeat_with(&mut next).flat_map(|it| it.into_iter().take(3)).take(bytes * 3 / 4).collect();
    STANDARD.encode(raw)
}

fn of_twenty_megabytes() -> Result<(), Failed> {
    const OBJECTS: u64 = 20;
    let site = Site::new("large");
    let write = |at: u64, seed: u64| {
        let text = long(seed);
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}}}\ndata:\n  text: {text}\n");
        site.desk.write(&format!("manifests/c{at}.yaml"), map);
    };
    (0..OBJECTS).for_each(|at| write(at, at));
    site.releases(&["{name: large, manifests: manifests}"]);
    let data = |at: u64| site.get::<ConfigMap>(&format!("c{at}")).and_then(|it| it.data?.remove("text"));
    site.expect("apply dev --yes", 0)?.says("20 applied")?;
    equal(data(7).map(|it| it.len()), Some(1_040_000))?;
    let parts = |site: &Site| {
        site.kept().iter().filter(|it| it.metadata.name.as_deref().is_some_and(|n| n.contains(".p"))).count()
    };
    let before = parts(&site);
    write(7, 99);
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    if before < 3 || parts(&site) != before + 1 {
        return Err(format!("{before} parts, and then {}", parts(&site)).into());
    }
    let shown = site.expect("history dev large --revision 1 -o json", 0)?;
    same("an object of revision 1", &long(7), &text_of(&shown.stdout, "c7")?)?;
    site.expect("rollback dev large --yes", 0)?.says("1 applied")?;
    if data(7) != Some(long(7)) {
        return Err("another text came back".into());
    }
    equal(numbers(&site, "large")?, vec![3, 2, 1])
}

/// What the ConfigMap of this name has in `-o json` of a revision.
fn text_of(document: &str, name: &str) -> Result<String, Failed> {
    let document: Json = serde_json::from_str(document)?;
    let found = document["objects"].as_array().and_then(|all| all.iter().find(|it| it["metadata"]["name"] == name));
    Ok(found.and_then(|it| it["data"]["text"].as_str()).ok_or("no such object")?.to_owned())
}

/// Each write into the history fails in turn: the objects and the inventory are as they should be, every earlier
/// revision can be gone back to, and the next run goes on.
fn survives_a_crash() -> Result<(), Failed> {
    let mut site = Site::with_web("torn");
    greeting(&site, "first");
    site.expect("apply dev --yes", 0)?;
    for (round, part) in [".p", ".r2"].into_iter().enumerate() {
        let text = format!("torn {round}");
        greeting(&site, &text);
        let door = Proxy::open(move |seen| {
            let torn = seen.method == "PATCH" && seen.path.contains(&format!("weft.dev.web{part}"));
            if torn { Answer::Says(413, "too large") } else { Answer::Through }
        });
        site.through(&door);
        let run = site.run("apply dev --yes");
        run.says("1 applied")?.says("could not be written")?;
        site.as_before();
        equal(numbers(&site, "web")?, vec![1])?;
        site.expect("plan dev --exit-code", 0)?;
        site.expect("rollback dev web --to 1 --plan-only", 0)?.says("\"first\"")?;
    }
    greeting(&site, "last");
    site.expect("apply dev --yes", 0)?;
    equal(numbers(&site, "web")?, vec![2, 1])?;
    // What was left half-way is gone: two revisions with a pack each.
    let left = site.kept().iter().filter(|it| it.metadata.name.as_deref().is_some_and(|n| n.contains("web."))).count();
    equal(left, 4)?;
    // Somebody deletes a pack: the revision says so, and the next one is written whole.
    let api: Api<Secret> = Api::namespaced(shared().client(), &site.state());
    for name in site.kept().into_iter().filter_map(|it| it.metadata.name).filter(|it| it.contains("web.p")) {
        shared().block_on(api.delete(&name, &DeleteParams::default()))?;
    }
    site.expect("rollback dev web --to 1 --yes", 5)?.says("is part of the history of release `web`")?;
    greeting(&site, "after");
    site.expect("apply dev --yes", 0)?;
    site.expect("history dev web --revision 3", 0)?.says("greeting: after").map(drop)
}

const MAYBE_BROKEN: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: {{ values.greeting | quote }}}
{% if values.broken is defined %}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken}
spec:
  selector: {matchLabels: {app: broken}}
  template:
    metadata: {labels: {app: broken}}
    spec: {nodeSelector: {never: there}, containers: [{name: broken, image: registry.example.com/broken}]}
{% endif %}
";

fn rolls_back_by_itself() -> Result<(), Failed> {
    let site = Site::new("auto");
    site.chart("web", "greeting: one\n", MAYBE_BROKEN);
    site.releases(&["{name: web, chart: web, rollback: true, wait: {timeout: 3s}}"]);
    // There is nothing to go back to.
    let first = site.run("apply dev --yes --set broken=1");
    first.says("was not rolled back")?.ends_with(3)?;
    site.expect("destroy dev --yes", 0)?;
    site.expect("apply dev --yes", 0)?;
    let run = site.run("apply dev --yes --set broken=1 --set greeting=two");
    run.says("back to revision 1")?
        .says("- delete Deployment.apps")?
        .says("release web is rolled back")?
        .ends_with(3)?;
    equal(site.data("web").as_deref(), Some(r#"{"greeting":"one"}"#))?;
    let found = revisions(&site, "web")?;
    equal(found, vec![(3, "done".into()), (2, "failed".into()), (1, "done".into())])?;
    site.expect("history dev web", 0)?.says("rolled back to 1")?.says("failed: ")?;
    site.expect("plan dev --exit-code", 0).map(drop)
}
