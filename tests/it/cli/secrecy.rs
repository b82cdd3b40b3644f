//! A secret value appears nowhere: in no output in any form, and not in the state that the cluster keeps.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::program::Run;
use super::site::{CANARY, Site};
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "secrecy_no_output_shows_it", no_output_shows_it),
        code("cli", "secrecy_server_that_echoes_it", server_that_echoes_it),
        code("cli", "secrecy_state_does_not_hold_it", state_does_not_hold_it),
    ]
}

const TEMPLATE: &str = "apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  password: {{ values.database.password | quote }}
  url: postgres://app:{{ values.database.password }}@db/app
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  leaked: password={{ values.database.password }}
  encoded: {{ values.database.password | b64encode | quote }}
  open: {{ values.open | quote }}
";

fn site(prefix: &str) -> Site {
    let site = Site::new(prefix);
    site.secret();
    site.chart("web", "open: one\n", TEMPLATE);
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site
}

/// The forms in which it must not be seen: as it is, in base64 at each place in a group of three, in hexadecimal.
fn forms() -> Vec<String> {
    let encoded = |before: &str| {
        let text = STANDARD.encode(format!("{before}{CANARY}"));
        text[before.len() * 4 / 3 + 2..text.len() - 4].to_owned()
    };
    let hex = HEXLOWER.encode(CANARY.as_bytes());
    vec![CANARY.to_owned(), encoded(""), encoded("a"), encoded("ab"), hex]
}

fn is_silent(run: &Run) -> Result<(), Failed> {
    forms().iter().try_for_each(|form| run.keeps_quiet_about(form).map(drop))
}

fn no_output_shows_it() -> Result<(), Failed> {
    let site = site("canary");
    let mut commands = vec!["render dev", "values dev web --origin", "validate dev"];
    for command in &mut commands {
        is_silent(&site.desk.run(command.split_whitespace()))?;
    }
    for command in
        ["plan dev", "plan dev -o json", "plan dev -o markdown", "apply dev --yes -o json", "get dev", "status dev"]
    {
        is_silent(&site.expect(command, 0)?)?;
    }
    // Somebody sets the same value elsewhere, so that it comes back from the server under other names.
    site.meddle(
        "web",
        "kubectl-edit",
        &json!({
            "data": {"leaked": format!("{CANARY}, changed"), "stolen": CANARY},
            "metadata": {"annotations": {"note": format!("was {CANARY}")}},
        }),
    );
    let secrets: Api<Secret> = Api::namespaced(shared().client(), &site.namespace);
    let patch = json!({"stringData": {"password": "another-canary-4712", "more": CANARY}});
    shared().block_on(secrets.patch(
        "web",
        &PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() },
        &Patch::Merge(&patch),
    ))?;
    for command in ["drift dev", "drift dev -o json", "drift dev -o markdown", "diff dev --exit-code"] {
        let run = site.expect(command, 2)?;
        is_silent(&run)?;
        run.says("password")?
            .keeps_quiet_about("another-canary")?
            .keeps_quiet_about(&STANDARD.encode("another-canary-4712"))?;
    }
    for command in [
        "get dev",
        "apply dev --yes --set open=two",
        "apply dev --yes --set open=three -o markdown",
        "destroy dev --yes",
    ] {
        is_silent(&site.expect(command, 0)?)?;
    }
    Ok(())
}

fn server_that_echoes_it() -> Result<(), Failed> {
    let site = site("echo");
    let wrong = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wrong\n  labels:\n    \
                 echo: {{ (values.database.password ~ ' !') | quote }}\n---\napiVersion: v1\nkind: Secret\n\
                 metadata: {name: docker}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: \
                 {{ values.database.password | quote }}\n";
    site.chart("web", "open: one\n", &format!("{TEMPLATE}{wrong}"));
    for command in
        ["plan dev", "plan dev -o json", "plan dev -o markdown", "apply dev --yes", "apply dev --yes -o json"]
    {
        let run = site.expect(command, 4)?;
        run.says("metadata.labels")?.says("dockerconfigjson")?;
        is_silent(&run)?;
    }
    // In a namespace that is not there yet, only the apply itself gets the answer.
    let mut fresh = site;
    fresh.namespace = format!("{}-new", fresh.namespace);
    fresh.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    for format in ["text", "json", "markdown"] {
        let run = fresh.run(&format!("apply dev --yes -o {format}"));
        is_silent(&run)?;
        run.says("metadata.labels")?;
        if run.code != Some(if format == "text" { 3 } else { 4 }) {
            run.ends_with(3)?;
        }
    }
    Ok(())
}

fn state_does_not_hold_it() -> Result<(), Failed> {
    let site = site("state");
    site.expect("apply dev --yes", 0)?;
    let whole = state(&site)?;
    if !whole.contains("\"web\"") || !whole.contains("one") {
        return Err(format!("this is no inventory: {whole}").into());
    }
    match forms().iter().find(|form| whole.contains(*form)) {
        Some(form) => Err(format!("`{form}` is in the state").into()),
        None => Ok(()),
    }
}

/// All that the cluster keeps about a project: the metadata of the Secrets, and the inventories.
pub fn state(site: &Site) -> Result<String, Failed> {
    let mut chunks = Vec::new();
    for secret in site.kept() {
        chunks.push(json!(secret.metadata).to_string());
        for (key, data) in secret.data.unwrap_or_default() {
            let mut text = Vec::new();
            // The first line says which chunk it is.
            let start = data.0.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if GzDecoder::new(&data.0[start..]).read_to_end(&mut text).is_ok() {
                chunks.push(String::from_utf8(text)?);
            } else if key == "chunk" {
                return Err("a chunk is not compressed with gzip".into());
            }
        }
    }
    Ok(chunks.concat())
}
