//! A value in every input, and no byte of it in any output: each verb, each form, what is refused, and the state.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy as Policy, ValidatingAdmissionPolicyBinding as Binding,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::program::Run;
use super::secrecy::state;
use super::site::Site;
use crate::cases::code;
use crate::planted;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("cli", "canary_in_every_input_is_in_no_output", in_every_input_in_no_output)]
}

/// The inputs, by the word that its value has in each line.
const INPUTS: [&str; 6] = ["leaf", "plain", "flag", "variable", "manifest", "live"];

/// The value of an input: several lines with all that is quoted somewhere.
fn canary(input: &str) -> String {
    format!("canary <&> \"{input}-4711\"\nthe second line of {input}-4712\nlast: 50% + é/ü {input}-4713")
}

/// The forms of the value that no output may have.
fn forms(input: &str) -> Vec<String> {
    let (whole, heart) = (planted::forms(&canary(input)), planted::forms(&format!("{input}-471")));
    whole.into_iter().chain(heart).collect()
}

/// A release with a Secret from every input, the encrypted value in objects of all sorts, and a plain manifest.
fn site() -> Result<Site, Failed> {
    let site = Site::new("canary");
    site.secret();
    let recipient = "age18l83z3lpv3q63lh8ymalgmk4uxdctrsp48tt29ad63zxmfj9mags8e0rxr";
    site.desk.write(".sops.yaml", format!("creation_rules:\n- path_regex: ^secrets/\n  age: {recipient}\n"));
    site.desk.write("secrets/dev/canary.yaml", json!({"leaf": canary("leaf"), "pin": 47_114_711}).to_string());
    silent(&site.desk.run(["secrets", "encrypt", "--in-place", "secrets/dev/canary.yaml"]), &INPUTS)?.ends_with(0)?;
    site.chart("web", &json!({"open": "one", "plain": canary("plain"), "flag": ""}).to_string(), WEB);
    let group = format!("{}.example.com", site.namespace);
    site.desk.write("definitions/all.yaml", DEFINITION.replace("GROUP", &group));
    site.chart("custom", "{}", &CUSTOM.replace("GROUP", &group));
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "manifest"},
        "stringData": {"value": canary("manifest")},
    });
    site.desk.write("manifests/secret.yaml", manifest.to_string());
    let environment = json!({
        "cluster": {}, "identity": "secrets/dev.agekey", "stateNamespace": site.state(),
        "inputs": {"TOKEN": {"env": "TOKEN", "required": true}},
        "releases": [
            {"name": "definitions", "namespace": site.namespace, "manifests": "definitions"},
            {"name": "manifest", "namespace": site.namespace, "manifests": "manifests"},
            {"name": "web", "namespace": site.namespace, "chart": "web", "secrets": ["canary.yaml"]},
            {"name": "custom", "namespace": site.namespace, "chart": "custom", "secrets": ["canary.yaml"],
             "needs": ["definitions"]},
        ],
    });
    site.desk.write("environments/dev/environment.yaml", environment.to_string());
    Ok(site)
}

const WEB: &str = r#"apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  leaf: {{ values.leaf | tojson }}
  plain: {{ values.plain | tojson }}
  flag: {{ values.flag | tojson }}
  variable: {{ inputs.TOKEN | tojson }}
  open: {{ values.open | tojson }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, annotations: {example.com/note: {{ ("see " ~ values.leaf) | tojson }}}}
data:
  leaked: {{ ("password is " ~ values.leaf ~ "!") | tojson }}
  encoded: {{ ("a" ~ values.leaf) | b64encode | tojson }}
  reversed: {{ (values.leaf | lines | reverse | join("\n")) | tojson }}
  pin: {{ values.pin | string | tojson }}
  open: {{ values.open | tojson }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: web
        image: registry.example.com/web:1
        env:
        - {name: PASSWORD, value: {{ values.leaf | tojson }}}
        - {name: OPEN, value: {{ values.open | tojson }}}
"#;

const CUSTOM: &str = "apiVersion: GROUP/v1
kind: Vault
metadata: {name: web}
spec: {password: {{ values.leaf | tojson }}, pin: {{ values.pin }}, open: {{ values.open | default('one') | tojson }}}
";

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vaults.GROUP}
spec:
  group: GROUP
  names: {kind: Vault, listKind: VaultList, plural: vaults, singular: vault}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              password: {type: string, maxLength: 200}
              pin: {type: integer}
              open: {type: string}
";

/// Fails where a form of one of the values is in what was printed.
fn silent<'r>(run: &'r Run, inputs: &[&str]) -> Result<&'r Run, Failed> {
    for form in inputs.iter().flat_map(|input| forms(input)) {
        run.keeps_quiet_about(&form)
            .map_err(|error| format!("{form:?} is shown: {}", error.message().unwrap_or("")))?;
    }
    Ok(run)
}

/// Runs a verb with the values of the flag and of the variable.
fn run(site: &Site, arguments: &str) -> Run {
    let flag = format!("flag={}", json!(canary("flag")));
    let mut command = site.command(arguments);
    if ["diff", "plan", "drift", "apply", "render", "validate"].iter().any(|verb| arguments.starts_with(verb)) {
        command.args(["--set-json", &flag]);
    }
    command.env("TOKEN", canary("variable")).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    site.desk.output(&mut command)
}

/// The same without a cluster.
fn offline(site: &Site, arguments: &[&str]) -> Run {
    let mut command = site.desk.command(arguments);
    command.env("TOKEN", canary("variable"));
    site.desk.output(&mut command)
}

/// All that only looks, in every form.
fn look(site: &Site, what: &str) -> Result<(), Failed> {
    for verb in ["diff dev", "plan dev", "drift dev"] {
        for form in ["", "-o json", "-o markdown", "--view columns", "--show-ignored", "-o markdown --view columns"] {
            let found = run(site, &format!("{verb} {form}"));
            silent(&found, &INPUTS).map_err(|error| format!("{what}: {verb} {form}: {error:?}"))?;
            if ![Some(0), Some(2), Some(4)].contains(&found.code) {
                found.ends_with(0)?;
            }
        }
    }
    for verb in ["status dev", "get dev", "rights dev", "rights dev --for apply --discover"] {
        silent(&run(site, verb), &INPUTS).map_err(|error| format!("{what}: {verb}: {error:?}"))?.ends_with(0)?;
    }
    Ok(())
}

fn in_every_input_in_no_output() -> Result<(), Failed> {
    let site = site()?;
    silent(&offline(&site, &["render", "dev"]), &INPUTS)?.ends_with(0)?.says("Vault")?;
    silent(&offline(&site, &["validate", "dev"]), &INPUTS)?;
    // What is plain in the repository is plain here, too.
    silent(&offline(&site, &["values", "dev", "web", "--origin"]), &["leaf", "manifest", "live"])?.ends_with(0)?;
    look(&site, "before the first apply")?;
    silent(&run(&site, "apply dev --yes --no-wait -o json"), &INPUTS)?.ends_with(0)?;
    look(&site, "right after it")?;
    is_not_in_the_state(&site)?;

    meddle(&site)?;
    silent(&run(&site, "drift dev"), &INPUTS)?
        .ends_with(2)?
        .says("changed since the last apply")?
        .says(" bytes, text)")?;
    look(&site, "after others changed it")?;
    site.chart("web", &json!({"open": "two", "plain": canary("plain"), "flag": ""}).to_string(), WEB);
    silent(&run(&site, "plan dev"), &INPUTS)?.says("Job")?;
    look(&site, "with a change that the server refuses")?;
    for form in ["", "-o json", "-o markdown"] {
        silent(&run(&site, &format!("apply dev --yes --no-wait {form}")), &INPUTS)?;
    }

    refused_by_a_policy(&site)?;
    refused_for_its_form(&site)?;
    failing_template(&site)?;
    is_not_in_the_state(&site)?;
    silent(&run(&site, "destroy dev --yes -o json"), &INPUTS)?.ends_with(0).map(drop)
}

/// Somebody copies the values to other places, adds one to a Secret, and leaves what `kubectl apply` leaves.
fn meddle(site: &Site) -> Result<(), Failed> {
    let last_applied = json!({"data": {"a": canary("live")}}).to_string();
    let copies = json!({
        "data": {"leaked": format!("{}, changed", canary("leaf")), "stolen": canary("plain"), "flag": canary("flag")},
        "metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": last_applied,
            "note": json!({"was": canary("variable"), "and": canary("manifest")}).to_string(),
            "encoded": STANDARD.encode(format!("x{}y", canary("leaf"))),
        }},
    });
    site.meddle("web", "kubectl-edit", &copies);
    let secrets: Api<Secret> = Api::namespaced(shared().client(), &site.namespace);
    let edit = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
    let patch = json!({"stringData": {"leaf": canary("live"), "more": canary("live")}});
    shared().block_on(secrets.patch("web", &edit, &Patch::Merge(&patch)))?;
    Ok(())
}

/// A policy of the cluster whose message holds what the object has.
fn refused_by_a_policy(site: &Site) -> Result<(), Failed> {
    let name = &site.namespace;
    let policy = json!({
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                                   "operations": ["CREATE", "UPDATE"]}],
            },
            "validations": [{
                "expression": "!has(object.data) || !('leaked' in object.data)",
                "messageExpression": "'denied: ' + object.data.leaked.replace('\\n', ' ') + ' ' + object.data.encoded + ' ' + object.data.pin",
            }],
        },
    });
    let binding = json!({"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}});
    let (policies, bindings): (Api<Policy>, Api<Binding>) = (Api::all(shared().client()), Api::all(shared().client()));
    shared().block_on(policies.create(&PostParams::default(), &serde_json::from_value(policy)?))?;
    shared().block_on(bindings.create(&PostParams::default(), &serde_json::from_value(binding)?))?;
    // It takes a moment until the server knows it.
    for _ in 0..60 {
        let found = run(site, "plan dev -r web");
        silent(&found, &INPUTS)?.keeps_quiet_about("47114711")?;
        if found.says("denied: ").is_ok() {
            look(site, "with a policy that echoes")?;
            let gone = shared().block_on(bindings.delete(name, &kube::api::DeleteParams::default()));
            gone?;
            shared().block_on(policies.delete(name, &kube::api::DeleteParams::default()))?;
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Err("the policy never refuses".into())
}

/// Objects that the server finds wrong, and says how they look.
fn refused_for_its_form(site: &Site) -> Result<(), Failed> {
    let wrong = r"---
apiVersion: v1
kind: ConfigMap
metadata: {name: wrong, labels: {echo: {{ values.leaf | tojson }}}}
---
apiVersion: v1
kind: Secret
metadata: {name: docker}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: {{ values.plain | tojson }}}
---
apiVersion: v1
kind: Service
metadata: {name: wrong}
spec: {ports: [{name: {{ values.leaf | tojson }}, port: 80}], externalName: {{ values.leaf | tojson }}}
";
    site.chart(
        "web",
        &json!({"open": "three", "plain": canary("plain"), "flag": ""}).to_string(),
        &format!("{WEB}{wrong}"),
    );
    let found = run(site, "plan dev");
    silent(&found, &INPUTS)?.says("metadata.labels")?.says("dockerconfigjson")?.says("spec.ports")?;
    look(site, "with objects that the server refuses")?;
    silent(&run(site, "apply dev --yes --no-wait"), &INPUTS).map(drop)
}

/// A template that fails with the value in its hand.
fn failing_template(site: &Site) -> Result<(), Failed> {
    for failing in [
        "{{ fail('it is ' ~ values.leaf) }}",
        "{{ values.leaf.nothing.more }}",
        "a: {{ values.leaf }}: b: [",
        "a: {{ values.leaf | int }}",
    ] {
        site.chart("web", &json!({"open": "one", "plain": "", "flag": ""}).to_string(), failing);
        for verb in ["render", "validate", "plan", "apply"] {
            silent(&run(site, &format!("{verb} dev")), &INPUTS)?.ends_with(1)?;
        }
    }
    site.chart("web", &json!({"open": "one", "plain": canary("plain"), "flag": ""}).to_string(), WEB);
    Ok(())
}

fn is_not_in_the_state(site: &Site) -> Result<(), Failed> {
    let text = state(site)?;
    if !text.contains("\"web\"") || !text.contains("one") {
        return Err(format!("this is no inventory: {text}").into());
    }
    match INPUTS.iter().flat_map(|input| forms(input)).find(|form| text.contains(form)) {
        Some(form) => Err(format!("`{form}` is in the state").into()),
        None => Ok(()),
    }
}
