//! `weft import`: what other tools have, taken into a repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use weft::yaml::{self, Rules};

use super::program::Desk;
use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "import_helm_takes_a_live_release_over", helm),
        code("cli", "import_namespace_takes_what_lives_there", namespace),
        code("cli", "import_helmfile_makes_environments", helmfile),
        code("cli", "import_kluctl_makes_environments", kluctl),
        code("cli", "import_kustomization_makes_environments", kustomization),
        code("cli", "import_leaves_no_secret_in_clear", secretive),
        code("cli", "import_helmfile_reads_all_values", helmfile_values),
        code("cli", "import_helmfile_keeps_charts_with_libraries", helmfile_library),
        code("cli", "import_helmfile_refuses_undefined_values", helmfile_undefined),
        code("cli", "import_helmfile_asks_for_variables", helmfile_variables),
        code("cli", "import_kluctl_renders_charts_and_names_the_rest", kluctl_chart),
        code("cli", "import_kustomization_goes_on_without_broken_parts", kustomization_many),
        code("cli", "import_kustomization_writes_all_or_nothing", kustomization_twice),
        code("cli", "import_kustomization_at_the_root", kustomization_root),
        code("cli", "import_goes_on_behind_a_broken_link", broken_link),
    ]
}

/// The record of a release as Helm wrote it.
const RECORD: &str = "tests/cases/import/helm-record.txt";
const CHART: &str = "tests/cases/import/chart";

/// Rules for the key of the project's `identity`.
fn rules(site: &Site) {
    site.secret();
    let text = fs::read_to_string(site.desk.project().join("secrets/dev/web.yaml")).expect("a file");
    let key = text.lines().find_map(|line| line.trim().trim_start_matches("- ").strip_prefix("recipient: "));
    site.desk.write(".sops.yaml", format!("creation_rules:\n- age: {}\n", key.expect("a recipient")));
    fs::remove_file(site.desk.project().join("secrets/dev/web.yaml")).expect("a file");
}

/// Releases the chart as Helm does: with Helm itself where `WEFT_HELM` names it, whose record is then kept for the other
/// runs, which put it and its objects into the cluster as Helm did.
fn released(site: &Site) -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let secrets: Api<Secret> = Api::namespaced(shared().client(), &site.namespace);
    if let Some(program) = std::env::var_os("WEFT_HELM") {
        let mut helm = Command::new(program);
        helm.args(["install", "web", "-n", &site.namespace, "--set", "password=canary-4711,replicas=0"]);
        let output = helm.arg(root.join(CHART)).arg("--kubeconfig").arg(shared().kubeconfig()).output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let list = shared().block_on(secrets.list(&ListParams::default().labels("owner=helm")))?;
        let record = list.items.into_iter().next().and_then(|mut it| it.data.take()?.remove("release"));
        fs::write(root.join(RECORD), record.ok_or("no record")?.0)?;
        return Ok(());
    }
    let record = fs::read_to_string(root.join(RECORD))?;
    let mut secret = Secret {
        metadata: ObjectMeta { name: Some("sh.helm.release.v1.web.v1".to_owned()), ..ObjectMeta::default() },
        type_: Some("helm.sh/release.v1".to_owned()),
        ..Secret::default()
    };
    let labels = [("owner", "helm"), ("name", "web"), ("status", "deployed"), ("version", "1")];
    secret.metadata.labels = Some(labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
    secret.data = Some([("release".to_owned(), k8s_openapi::ByteString(record.clone().into_bytes()))].into());
    shared().block_on(secrets.create(&PostParams::default(), &secret))?;
    for mut object in manifest(&record)? {
        let gvk = GroupVersionKind::try_from(object.types.clone().ok_or("no kind")?)?;
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert("meta.helm.sh/release-name".to_owned(), "web".to_owned());
        annotations.insert("meta.helm.sh/release-namespace".to_owned(), site.namespace.clone());
        let api: Api<DynamicObject> =
            Api::namespaced_with(shared().client(), &site.namespace, &ApiResource::from_gvk(&gvk));
        let name = object.metadata.name.clone().ok_or("no name")?;
        shared().block_on(api.patch(&name, &PatchParams::apply("helm"), &Patch::Apply(&object)))?;
    }
    Ok(())
}

/// The objects of a record.
fn manifest(record: &str) -> Result<Vec<DynamicObject>, Failed> {
    let packed = STANDARD.decode(record)?;
    let json: serde_json::Value = serde_json::from_reader(flate2::read::GzDecoder::new(&packed[..]))?;
    let text = json["manifest"].as_str().ok_or("no manifest")?;
    let documents = yaml::documents(text, &std::sync::Arc::default(), Rules::Kubernetes)?;
    documents.iter().map(|it| Ok(serde_json::from_value(serde_json::to_value(it)?)?)).collect()
}

fn helm() -> Result<(), Failed> {
    let site = Site::new("import-helm");
    rules(&site);
    released(&site)?;
    let namespace = &site.namespace;
    site.expect(&format!("import helm wob -n {namespace}"), 1)?.says("there is no Helm release `wob`")?;
    let run = site.expect(&format!("import helm web -n {namespace}"), 0)?;
    run.says("charts/web/Chart.yaml")?.says("secrets/dev/web.yaml")?.keeps_quiet_about("canary-4711")?;
    let read = |path: &str| fs::read_to_string(site.desk.project().join(path)).unwrap_or_default();
    assert!(read("secrets/dev/web.yaml").contains("ENC["), "{}", read("secrets/dev/web.yaml"));
    same("values", "replicas: 0\n", &read("environments/dev/values/web.yaml"))?;
    let entry = format!("- name: web\n  namespace: {namespace}\n  chart: web\n  secrets: [web.yaml]\n");
    assert!(read("environments/dev/environment.yaml").ends_with(&entry));
    site.expect("plan dev --take helm", 0)?.says("adopted from helm")?;
    site.expect("apply dev --take helm --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    let web: Deployment = site.get("web").ok_or("it is gone")?;
    let managers = web.metadata.managed_fields.unwrap_or_default();
    let names: Vec<_> =
        managers.iter().filter(|it| it.subresource.is_none()).filter_map(|it| it.manager.as_deref()).collect();
    assert_eq!(names, ["weft"]);
    assert!(!web.metadata.annotations.unwrap_or_default().keys().any(|key| key.starts_with("meta.helm.sh/")));
    site.expect(&format!("import helm web -n {namespace}"), 1)?.says("has a release `web` already").map(drop)
}

fn namespace() -> Result<(), Failed> {
    let site = Site::new("import-namespace");
    rules(&site);
    site.create("settings", "kubectl-create")?;
    let secret = serde_json::json!({"metadata": {"name": "db"}, "data": {"password": STANDARD.encode("canary-4711")}});
    let secrets: Api<Secret> = Api::namespaced(shared().client(), &site.namespace);
    shared().block_on(secrets.create(&PostParams::default(), &serde_json::from_value(secret)?))?;
    let run = site.expect(&format!("import namespace {}", site.namespace), 0)?;
    run.says(&format!("manifests/{0}/configmap-settings.yaml", site.namespace))?.keeps_quiet_about("canary-4711")?;
    let read = |path: String| fs::read_to_string(site.desk.project().join(path)).unwrap_or_default();
    let manifest = read(format!("manifests/{}/configmap-settings.yaml", site.namespace));
    assert!(
        !manifest.contains("uid") && !manifest.contains("managedFields") && manifest.contains("of: kubectl-create"),
        "{manifest}"
    );
    assert!(read(format!("secrets/dev/{}-secrets.yaml", site.namespace)).contains("ENC["));
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    let data = site.get::<Secret>("db").and_then(|it| it.data).unwrap_or_default();
    assert_eq!(data.get("password").map(|it| it.0.as_slice()), Some(&b"canary-4711"[..]));
    assert!(site.get::<ConfigMap>("settings").is_some());
    Ok(())
}

/// A desk with the files of a folder of cases.
fn desk(case: &str) -> Desk {
    let desk = Desk::new();
    super::program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/import").join(case), &desk.project());
    desk
}

/// The files below `environments/` and what was said, held against `expected.txt` of the case.
fn imported(case: &str, arguments: &[&str]) -> Result<Desk, Failed> {
    let desk = desk(case);
    held(&desk, case, arguments)?;
    Ok(desk)
}

/// The same on a desk that is there, for a case of this name.
fn held(desk: &Desk, case: &str, arguments: &[&str]) -> Result<(), Failed> {
    let run = desk.run(arguments);
    run.ends_with(0)?;
    let mut text = format!("{}---\n{}", run.stdout, run.stderr);
    let project = desk.project().join("environments");
    for (path, bytes) in desk.files() {
        if let Ok(below) = path.strip_prefix(&project) {
            text.extend([format!("--- environments/{}\n", below.display())]);
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/import/{case}.txt"));
    if std::env::var_os("WEFT_UPDATE").is_some() {
        fs::write(&expected, &text)?;
    }
    same(case, &fs::read_to_string(&expected).unwrap_or_default(), &text)
}

fn helmfile() -> Result<(), Failed> {
    let desk = imported("helmfile", &["import", "helmfile", "helmfile.yaml", "--without-secrets"])?;
    desk.run(["render", "staging"]).ends_with(0)?.says("level: debug")?;
    desk.run(["render", "production"]).ends_with(0)?.says("level: info")?.says("replicas: \"5\"").map(drop)
}

fn kluctl() -> Result<(), Failed> {
    let desk = imported("kluctl", &["import", "kluctl", "."])?;
    desk.run(["render", "prod"]).ends_with(0)?.says("greeting: hello from prod").map(drop)
}

fn kustomization() -> Result<(), Failed> {
    let desk = imported("kustomization", &["import", "kustomization", "overlays"])?;
    desk.run(["render", "dev"]).ends_with(0)?.says("name: dev-web")?;
    let outside = desk.run(["import", "kustomization", "../overlays/"]);
    outside.ends_with(1)?.says("no kustomization in `../overlays`")?.says("of its own repository").map(drop)
}

fn helmfile_values() -> Result<(), Failed> {
    imported("helmfile_values", &["import", "helmfile", "helmfile.yaml.gotmpl"]).map(drop)
}

fn helmfile_library() -> Result<(), Failed> {
    let desk = imported("helmfile_library", &["import", "helmfile", "deploy/helmfile.yaml"])?;
    desk.run(["render", "default"]).ends_with(0)?.says("from: library").map(drop)
}

fn helmfile_undefined() -> Result<(), Failed> {
    let desk = desk("helmfile_undefined");
    let before = desk.files();
    let run = desk.run(["import", "helmfile", "helmfile.yaml.gotmpl"]);
    run.ends_with(1)?.says("tag")?.says("helmfile.yaml.gotmpl:7")?;
    assert!(desk.files() == before, "nothing is written");
    Ok(())
}

fn helmfile_variables() -> Result<(), Failed> {
    let desk = desk("helmfile_env");
    let run = desk.run(["import", "helmfile"]);
    run.ends_with(1)?.says("read variables of the machine: `NAMESPACE`, `CLUSTER`")?.says("--variable NAME=VALUE")?;
    held(&desk, "helmfile_env", &["import", "helmfile", "--variable", "NAMESPACE=apps", "--variable", "CLUSTER="])
}

fn kluctl_chart() -> Result<(), Failed> {
    let desk = imported("kluctl_chart", &["import", "kluctl", "--arg", "environment=test"])?;
    desk.run(["render", "test-eu"]).ends_with(0)?.says("mode: single").map(drop)
}

fn kustomization_many() -> Result<(), Failed> {
    let desk = imported("kustomization_many", &["import", "kustomization", "."])?;
    desk.run(["render", "outside"]).ends_with(0)?.says("patched: \"yes\"")?;
    desk.run(["render", "infra-prod-eu"]).ends_with(0)?.says("namespace: eu")?;
    let text = fs::read_to_string(desk.project().join("environments/outside/environment.yaml"))?;
    desk.write("environments/outside/environment.yaml", text.replace("  loadRestrictor: LoadRestrictionsNone\n", ""));
    desk.run(["render", "outside"])
        .ends_with(1)?
        .says("`loadRestrictor: LoadRestrictionsNone` in the release")
        .map(drop)
}

fn kustomization_twice() -> Result<(), Failed> {
    let desk = desk("kustomization");
    let path = "environments/prod/environment.yaml";
    desk.write(path, "cluster: {}\nreleases:\n- name: app\n  namespace: x\n  manifests: x\n");
    let before = desk.files();
    desk.run(["import", "kustomization", "overlays"]).ends_with(1)?.says("has a release `app` already")?;
    assert!(desk.files() == before, "nothing is written");
    Ok(())
}

fn kustomization_root() -> Result<(), Failed> {
    let desk = imported("kustomization_root", &["import", "kustomization", "."])?;
    desk.run(["render", "default"]).ends_with(0)?.says("namespace: root").map(drop)
}

fn broken_link() -> Result<(), Failed> {
    let desk = desk("kustomization");
    std::os::unix::fs::symlink("nowhere", desk.project().join("broken"))?;
    let run = desk.run(["import", "kustomization", "overlays"]);
    run.ends_with(0)?.says("Not read: `broken` is a symbolic link that leads nowhere.")?;
    desk.run(["render", "dev"]).ends_with(0)?.says("name: dev-web").map(drop)
}

fn secretive() -> Result<(), Failed> {
    let desk = desk("helmfile");
    let before = desk.files();
    let run = desk.run(["import", "helmfile", "helmfile.yaml"]);
    run.ends_with(1)?.says("values look secret")?.keeps_quiet_about("canary-4711")?;
    assert!(desk.files() == before, "nothing is written");
    Ok(())
}
