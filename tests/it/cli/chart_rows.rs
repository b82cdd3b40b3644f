//! Charts of the structure of public ones: what people do with them, from the first install to the end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::hooks::{Worker, job};
use super::site::Site;
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "chart_rows_a_life_with_hooks_parts_and_what_is_kept", a_life),
        code("cli", "chart_rows_definitions_before_certificates_that_become_ready", certificates),
    ]
}

/// A chart with a part that a condition switches, a library, hooks for each occasion, a test, notes, an object that stays
/// and a checksum.
fn a_life() -> Result<(), Failed> {
    let site = Site::new("row12");
    let _worker = Worker::of(&site);
    let write = |path: &str, text: &str| site.desk.write(&format!("charts/{path}"), text);
    write("lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n");
    write("lib/templates/_name.tpl", "{{ define \"lib.name\" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}");
    write("shop/Chart.yaml", PARTS);
    write("shop/values.yaml", "cache: {enabled: false}\ncolour: red\n");
    write("shop/charts/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 0.1.0\n");
    write("shop/charts/cache/templates/map.yaml", &named("size: {{ .Values.size | default 1 | quote }}"));
    write("shop/templates/map.yaml", SHOP);
    write("shop/templates/NOTES.txt", "{{ .Release.Name }} is {{ .Values.colour }}.");
    let hook = |name: &str| job(name, &format!("helm.sh/hook: {name}"), "registry.example.com/a:1", "{}");
    let occasions = ["pre-install", "post-install", "pre-upgrade", "post-upgrade", "post-rollback", "pre-delete"];
    write("shop/templates/hooks.yaml", &occasions.map(hook).concat());
    let test = "apiVersion: v1\nkind: Pod\nmetadata: {name: try, annotations: {helm.sh/hook: test}}\nspec:\n  \
                restartPolicy: Never\n  nodeSelector: {nowhere: 'true'}\n  containers: [{name: a, image: 'registry.example.com/a:1'}]\n";
    write("shop/templates/tests/try.yaml", test);
    let set = |values: &str| site.releases(&[&format!("{{name: shop, chart: shop, values: [{{{values}}}]}}")]);
    let ran = || {
        let api: Api<Job> = Api::namespaced(shared().client(), &site.namespace);
        let jobs = shared().block_on(api.list(&ListParams::default())).expect("a list").items;
        jobs.into_iter().filter_map(|it| it.metadata.name).collect::<Vec<_>>().join(" ")
    };
    set("");
    site.expect("apply dev --yes", 0)?.says("notes of shop:\n  shop is red.")?;
    assert_eq!(ran(), "post-install pre-install");
    assert!(site.data("shop-cache").is_none() && site.data("shop-shop").is_some());
    site.expect("plan dev --exit-code", 0)?;
    site.expect("test dev shop", 0)?.says("1 test, 0 not passed")?;
    assert!(site.get::<Pod>("try").is_some());

    set("colour: blue, cache: {enabled: true, size: 2}");
    site.expect("plan dev", 0)?.says("checksum/colour")?;
    site.expect("apply dev --yes", 0)?.says("shop is blue.")?;
    assert_eq!(ran(), "post-install post-upgrade pre-install pre-upgrade");
    assert_eq!(site.data("shop-cache").as_deref(), Some(r#"{"size":"2"}"#));
    site.expect("plan dev --exit-code", 0)?;

    site.expect("rollback dev shop --yes", 0)?;
    assert!(ran().contains("post-rollback") && site.data("shop-cache").is_none());
    site.expect("destroy dev --yes", 0)?;
    assert!(ran().contains("pre-delete"), "{}", ran());
    assert!(site.data("shop-shop").is_none() && site.get::<ConfigMap>("kept").is_some());
    Ok(())
}

const PARTS: &str = "apiVersion: v2
name: shop
version: 1.0.0
dependencies:
- {name: lib, version: 1.x.x, repository: 'file://../lib'}
- {name: cache, version: 0.1.0, condition: cache.enabled}
";

/// A `ConfigMap` that the library names.
fn named(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{{{{ include \"lib.name\" . }}}}'}}\ndata:\n  {data}\n"
    )
}

const SHOP: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "lib.name" . }}
  annotations: {checksum/colour: '{{ .Values.colour | sha256sum }}'}
data:
  colour: {{ .Values.colour }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kept
  annotations: {helm.sh/resource-policy: keep}
data: {a: b}
"#;

/// One run installs the definitions, then what is of their kinds; who needs a certificate waits until it is ready.
fn certificates() -> Result<(), Failed> {
    let site = Site::new("row17");
    let group = format!("{}.cert-manager.io", site.namespace);
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: certificates.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Certificate, plural: certificates}}\n  versions:\n  - name: v1\n    \
         served: true\n    storage: true\n    subresources: {{status: {{}}}}\n    \
         schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
    );
    let meta = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    site.desk.write("charts/manager/Chart.yaml", meta("manager"));
    site.desk.write("charts/manager/crds/certificate.yaml", definition);
    site.desk
        .write("charts/manager/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: manager}\n");
    site.desk.write("charts/certificates/Chart.yaml", meta("certificates"));
    let certificate = format!(
        "{{{{ if .Capabilities.APIVersions.Has \"v1\" }}}}\n---# The certificate of the site.\napiVersion: {group}/v1\nkind: Certificate\nmetadata: {{name: web}}\n\
         spec: {{secretName: web-tls, dnsNames: [web.example.com]}}\n{{{{ end }}}}"
    );
    site.desk.write("charts/certificates/templates/web.yaml", certificate);
    site.desk.write("charts/user/Chart.yaml", meta("user"));
    site.desk.write("charts/user/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: user}\n");
    let rule = "{kind: Certificate, current: \"self.status.conditions.exists(it, it.type == 'Ready' && it.status == 'True')\"}";
    site.releases(&[
        "{name: user, chart: user, needs: [certificates]}",
        &format!(
            "{{name: certificates, chart: certificates, needs: [manager], wait: {{timeout: 1m, rules: [{rule}]}}}}"
        ),
        "{name: manager, chart: manager}",
    ]);
    let child = site.command("apply dev --yes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(&group, "v1", "Certificate"));
    let api: Api<DynamicObject> = Api::namespaced_with(shared().client(), &site.namespace, &kind);
    let ready = Patch::Merge(json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    let (began, parameters) = (Instant::now(), PatchParams::default());
    while shared().block_on(api.patch_status("web", &parameters, &ready)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "the certificate is not applied");
        assert!(site.data("user").is_none(), "`user` was applied before what it needs was ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    site.desk.read(&child.wait_with_output()?).ends_with(0)?;
    assert!(site.data("user").is_some());
    site.expect("plan dev --exit-code", 0).map(drop)
}
