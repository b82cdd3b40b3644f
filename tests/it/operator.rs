//! Tests of `operator`: what a real server says about ConfigMapSync objects.

mod behaviour;
mod chart;
mod examples;
mod faults;
mod install;
mod leading;
mod perturbed;
mod policies;
mod stage;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams, ValidationDirective};
use kube::core::{ApiResource, Status};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::operator::{self, ConfigMapSync, ConfigMapSyncStatus, FailedTarget, SyncReason};
use weft::value::Value;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case, code, same};
use crate::sandbox::{Shared, shared};

static DEFINED: OnceLock<()> = OnceLock::new();

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("operator", case);
    trials.push(code("operator", "a_status_is_kept_and_sources_select", a_status_is_kept_and_sources_select));
    trials.push(code("operator", "the_kind_has_short_names_and_columns", short_names_and_columns));
    trials.push(code("operator", "the_examples_are_taken", examples::taken));
    trials.push(code("operator", "the_chart_has_the_definition", the_chart_has_the_definition));
    trials.extend(behaviour::trials());
    trials.extend(faults::trials());
    trials.extend(perturbed::trials());
    trials.extend([chart::trials(), policies::trials(), leading::trials()].into_iter().flatten());
    trials
}

/// The objects of `objects.yaml` go to the server, one after the other and each over the one before it where the name
/// is the same; `answers.yaml` holds what became of each.
fn case(case: &Case) -> Result<(), Failed> {
    let shared = shared();
    defined();
    let namespace = shared.namespace("operator");
    let objects = yaml::documents(&case.read("objects.yaml"), &Arc::new("objects.yaml".into()), Rules::Strict)?;
    let answers: Vec<String> =
        objects.iter().map(|object| answer(shared, &namespace, object)).collect::<Result<_, _>>()?;
    case.expect("answers.yaml", &answers.join("---\n").replace(&namespace, "NAMESPACE"))
}

/// The spec as the server keeps it, or its refusal.
fn answer(shared: &Shared, namespace: &str, object: &Value) -> Result<String, Failed> {
    let body: DynamicObject = serde_json::from_value(serde_json::to_value(object)?)?;
    let name = body.metadata.name.clone().unwrap_or_default();
    let api: Api<DynamicObject> =
        Api::namespaced_with(shared.client(), namespace, &ApiResource::erase::<ConfigMapSync>(&()));
    let parameters = PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply("tests") };
    match shared.block_on(api.patch(&name, &parameters, &Patch::Apply(&body))) {
        Ok(kept) => Ok(yaml::write(&serde_json::from_value(kept.data["spec"].clone())?)),
        Err(kube::Error::Api(status)) => Ok(format!("refused:\n{}", refusal(&status))),
        Err(error) => Err(error.into()),
    }
}

/// What the server found wrong, field by field. It reports them in no order.
fn refusal(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut lines: Vec<String> = causes.map(|cause| format!("- {}: {}\n", cause.field, cause.message)).collect();
    lines.sort();
    if lines.is_empty() { format!("- {}\n", status.message) } else { lines.concat() }
}

/// The kind is defined on the shared control plane.
fn defined() {
    DEFINED.get_or_init(|| define(shared()));
}

/// Creates the definition and waits until its objects are served.
fn define(shared: &Shared) {
    let definition: CustomResourceDefinition =
        serde_json::from_value(serde_json::to_value(operator::crd().expect("a definition")).expect("JSON"))
            .expect("a definition");
    shared.block_on(async {
        let api: Api<CustomResourceDefinition> = Api::all(shared.client());
        api.create(&PostParams::default(), &definition).await.expect("the server takes the definition");
        loop {
            let status = api.get("configmapsyncs.weaver.example.com").await.expect("a definition").status;
            let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
            if conditions.iter().any(|c| c.type_ == "Established" && c.status == "True") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
}

fn the_chart_has_the_definition() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/config-weaver/crds/configmapsyncs.yaml");
    let text = yaml::write(&operator::crd()?);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return std::fs::write(&path, text).map_err(Failed::from);
    }
    same(&path.display().to_string(), &std::fs::read_to_string(&path)?, &text)
}

/// `kubectl get cms`, `cmsync` and `weaver` find the objects, and print what matters of them.
fn short_names_and_columns() -> Result<(), Failed> {
    let shared = shared();
    defined();
    let ask = |path: &str, accept: &str| -> Result<serde_json::Value, Failed> {
        let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new())?;
        Ok(serde_json::from_str(&shared.block_on(shared.client().request_text(request))?)?)
    };
    let group = "/apis/weaver.example.com/v1alpha1";
    let resources = ask(group, "application/json")?;
    let all = resources["resources"].as_array().ok_or("resources")?;
    let kind = all.iter().find(|it| it["name"] == "configmapsyncs").ok_or("the kind")?;
    assert_eq!((&kind["shortNames"], &kind["categories"]), (&json!(["cms", "cmsync"]), &json!(["weaver"])));
    let table = ask(&format!("{group}/configmapsyncs"), "application/json;as=Table;v=v1;g=meta.k8s.io")?;
    let columns = table["columnDefinitions"].as_array().ok_or("columns")?;
    let of = |wide: bool| -> Vec<&str> {
        let some = columns.iter().filter(|it| (it["priority"] == 1) == wide);
        some.filter_map(|it| it["name"].as_str()).collect()
    };
    assert_eq!(of(false), ["Name", "Source", "Synced", "Targets", "Available", "Reason", "Age"]);
    assert_eq!(of(true), ["SA", "Paused"]);
    Ok(())
}

/// Objects are found by the name of their source, and the status has the shape that the types say.
fn a_status_is_kept_and_sources_select() -> Result<(), Failed> {
    let shared = shared();
    defined();
    let namespace = shared.namespace("operator");
    let api: Api<ConfigMapSync> = Api::namespaced(shared.client(), &namespace);
    shared.block_on(async {
        for (name, source) in [("one", "a"), ("two", "b")] {
            let spec = serde_json::from_value(json!({"source": {"name": source}, "syncToNamespaces": ["team-a"]}))?;
            api.create(&PostParams::default(), &ConfigMapSync::new(name, spec)).await?;
        }
        let found = api.list(&ListParams::default().fields("spec.source.name=b")).await?;
        assert_eq!(found.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["two"]);
        let failed =
            FailedTarget { namespace: "team-a".into(), reason: SyncReason::NamespaceMissing, message: "no".into() };
        let status = ConfigMapSyncStatus { targets: Some(1), failed_targets: vec![failed], ..Default::default() };
        let patch = json!({"apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync", "status": status});
        let parameters =
            PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply("tests") };
        let kept = api.patch_status("two", &parameters, &Patch::Apply(&patch)).await?;
        assert_eq!(kept.status, Some(status));
        Ok(())
    })
}
