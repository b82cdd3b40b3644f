//! How differences are found: what is asked of the server, and that proofs and the server say the same.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::proxy::{Answer, Proxy, Seen};
use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "judging_asks_about_what_changed_alone", asks_about_what_changed),
        code("cli", "judging_needs_no_record", needs_no_record),
        code("cli", "judging_goes_on_without_schemas", goes_on_without_schemas),
        code("cli", "judging_says_the_same_as_the_server", says_the_same),
    ]
}

/// How many objects the release has.
const COUNT: usize = 40;

/// A release of many objects; those before `edited` have another text.
fn many(site: &Site, edited: usize) {
    let mut template = String::new();
    for at in 0..COUNT {
        let text = if at < edited { "new" } else { "old" };
        writeln!(template, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{at}}}\ndata: {{text: {text}}}")
            .unwrap();
    }
    site.chart("many", "", &template);
    site.releases(&["{name: many, chart: many}"]);
}

/// How many of the requests are dry runs.
pub fn dry_runs(seen: &[Seen]) -> usize {
    seen.iter().filter(|it| it.path.contains("dryRun=All")).count()
}

/// The requests for schemas: the index, and documents.
fn schemas(seen: &[Seen]) -> (usize, usize) {
    let of = |document: bool| {
        let is = |it: &&Seen| it.path.starts_with("/openapi/v3") && it.path.contains("?hash=") == document;
        seen.iter().filter(is).count()
    };
    (of(false), of(true))
}

/// What a run asks of the server.
pub fn asked(site: &mut Site, arguments: &str, code: i32) -> Result<Vec<Seen>, Failed> {
    let door = Proxy::open_wide();
    site.through(&door);
    site.expect(arguments, code)?;
    site.as_before();
    Ok(door.seen())
}

fn equal<T: Copy + PartialEq + std::fmt::Debug>(actual: T, expected: T) -> Result<(), Failed> {
    if actual == expected { Ok(()) } else { Err(format!("{actual:?} instead of {expected:?}").into()) }
}

fn asks_about_what_changed() -> Result<(), Failed> {
    let mut site = Site::new("judging");
    many(&site, 0);
    site.expect("apply dev --yes", 0)?;
    let seen = asked(&mut site, "diff dev --exit-code", 0)?;
    equal((dry_runs(&seen), schemas(&seen)), (0, (0, 0)))?;
    many(&site, 5);
    // The first run of all fetched the document; it is kept by its hash.
    let seen = asked(&mut site, "diff dev --exit-code", 2)?;
    equal((dry_runs(&seen), schemas(&seen)), (5, (1, 0)))?;
    let kept = site.desk.root().join("home/.cache/weft/openapi");
    for file in std::fs::read_dir(&kept)? {
        std::fs::write(file?.path(), "{ broken")?;
    }
    let seen = asked(&mut site, "diff dev --exit-code", 2)?;
    equal((dry_runs(&seen), schemas(&seen)), (5, (1, 1)))?;
    let seen = asked(&mut site, "diff dev --exit-code --judge dry-run", 2)?;
    equal((dry_runs(&seen), schemas(&seen)), (COUNT, (1, 0)))
}

/// Without its records, an environment that is as it was applied is proven by structure.
fn needs_no_record() -> Result<(), Failed> {
    let mut site = Site::new("judging");
    many(&site, 0);
    site.expect("apply dev --yes", 0)?;
    let api: Api<Secret> = Api::namespaced(shared().client(), &site.state());
    for secret in site.kept() {
        let name = secret.metadata.name.unwrap_or_default();
        shared().block_on(api.delete(&name, &DeleteParams::default()))?;
    }
    many(&site, 3);
    let seen = asked(&mut site, "diff dev", 0)?;
    equal((dry_runs(&seen), schemas(&seen)), (3, (1, 0)))
}

/// A server that does not tell its schemas is asked by dry runs.
fn goes_on_without_schemas() -> Result<(), Failed> {
    let mut site = Site::new("judging");
    many(&site, 0);
    site.expect("apply dev --yes", 0)?;
    many(&site, 2);
    let before = site.expect("diff dev", 0)?.stdout;
    let door = Proxy::open(|seen| if seen.path.starts_with("/openapi") { Answer::Missing } else { Answer::Through });
    site.through(&door);
    let run = site.expect("diff dev", 0)?;
    equal(dry_runs(&door.seen()), 2)?;
    let warning = "There are no schemas of `v1 ConfigMap`, so their structure proves nothing here: ";
    equal(run.says(warning)?.stdout.matches(warning).count() + run.stderr.matches(warning).count(), 1)?;
    let other = |line: &str| line.contains("127.0.0.1") || line.contains(warning);
    let server = |text: &str| text.lines().filter(|line| !other(line)).collect::<Vec<_>>().join("\n");
    same("the difference", &server(&before), &server(&run.stdout))
}

/// What a report says of every step, without how it was judged.
fn steps(site: &Site, arguments: &str) -> Result<Json, Failed> {
    let run = site.run(arguments);
    let report: Json = serde_json::from_str(&run.stdout).map_err(|error| format!("{error}: {}", run.stderr))?;
    let mut steps = report["steps"].clone();
    steps.as_array_mut().into_iter().flatten().for_each(|step| step["judged"] = json!(null));
    Ok(json!({"summary": report["summary"], "steps": steps}))
}

/// The example's application: applied, changed by its values and by others.
fn says_the_same() -> Result<(), Failed> {
    let site = Site::with_example("judging")?;
    site.expect("apply dev --yes --no-wait", 0)?;
    for change in ["", " --set replicas=3", " --set image.registry=other.example.com"] {
        let proofs = steps(&site, &format!("diff dev -o json{change}"))?;
        let server = steps(&site, &format!("diff dev -o json --judge dry-run{change}"))?;
        same("the steps", &format!("{server:#}"), &format!("{proofs:#}"))?;
    }
    Ok(())
}
