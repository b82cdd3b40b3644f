//! The example repository against a real server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, oneshot};
use kube::{Client, ResourceExt};
use libtest_mimic::Failed;
use weft::chart::{self, Chart, Context};
use weft::project::{self, Environment, Release, ReleaseSource};
use weft::sandbox;
use weft::schema::Discovery;
use weft::tree::Tree;
use weft::value::Value;
use weft::values::{self, Layer};
use weft::yaml::{self, Rules};

use crate::cases;
use crate::sandbox::{client, options, tell};

/// Every object of every environment is taken, one environment over the other, and the workloads become available.
pub fn taken() -> Result<(), Failed> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let sandbox = sandbox::start(&options(1), &tell).await?;
        let client = client(sandbox.kubeconfig(), None).await;
        let tree = cases::repository(&["charts", "environments"]);
        for name in project::names(&tree) {
            let environment = project::load(&tree, &name)?;
            for release in &environment.releases {
                for (path, object) in objects(&tree, &environment, release)? {
                    let applied = apply(&client, &release.namespace, &object).await;
                    applied.map_err(|error| format!("{name}, {path}: {error:?}\n{}", yaml::write(&object)))?;
                }
            }
            available(&client, "config-weaver-system", "config-weaver").await?;
            available(&client, "apps", "app-flask").await?;
        }
        Ok(sandbox.stop().await?)
    })
}

/// The objects of a release, CRDs first, with the templates that made them.
pub fn objects(tree: &Tree, environment: &Environment, release: &Release) -> Result<Vec<(String, Value)>, Failed> {
    let rendered = match &release.source {
        ReleaseSource::Manifests(folder) => chart::manifests(tree, folder, release)?,
        ReleaseSource::Kustomization(folder) => return Err(format!("`{folder}` is a kustomization").into()),
        ReleaseSource::Chart(folder) => {
            let chart = Chart::load(tree, folder)?;
            let values = values::merge(values::layers(
                environment,
                release,
                tree,
                Some(chart.defaults()),
                vec![secret()],
                Vec::new(),
                &BTreeMap::new(),
            )?);
            let capabilities = Arc::new(Discovery::default());
            let (inputs, making) = (BTreeMap::new(), chart::RenderOptions::default());
            let environment = &environment.name;
            let context = Context {
                release,
                environment,
                values: &values,
                inputs: &inputs,
                capabilities: &capabilities,
                making: &making,
            };
            chart::render(&chart, &context)?
        }
    };
    let mut objects = Vec::new();
    for file in &rendered.files {
        let documents = yaml::documents(file.text.expose(), &file.path, Rules::Kubernetes)?;
        objects.extend(documents.into_iter().map(|object| (file.path.to_string(), object)));
    }
    Ok(objects)
}

/// What the encrypted file of the environment holds.
fn secret() -> Layer {
    let file = Arc::new("secrets.yaml".to_owned());
    let values = yaml::document("database: {password: not-a-real-one}", &file, Rules::Strict).expect("values");
    Layer::of_user("secrets", values.masked())
}

/// Applies an object, and waits for its kind.
pub async fn apply(client: &Client, namespace: &str, object: &Value) -> Result<(), Failed> {
    let body: DynamicObject = serde_json::from_value(serde_json::to_value(object.exposed())?)?;
    let types = body.types.clone().unwrap_or_default();
    let (resource, capabilities) = served(client, &GroupVersionKind::try_from(&types)?).await?;
    let api: Api<DynamicObject> = if capabilities.scope == Scope::Cluster {
        Api::all_with(client.clone(), &resource)
    } else {
        let namespace = body.namespace().unwrap_or_else(|| namespace.to_owned());
        ensure(client, &namespace).await?;
        Api::namespaced_with(client.clone(), &namespace, &resource)
    };
    let mut parameters = PatchParams::apply("tests").force();
    parameters.field_validation = Some(ValidationDirective::Strict);
    api.patch(&body.name_any(), &parameters, &Patch::Apply(&body)).await?;
    Ok(())
}

/// The kind as the server has it, waiting for one that is only just defined.
async fn served(
    client: &Client,
    gvk: &GroupVersionKind,
) -> Result<(kube::core::ApiResource, kube::discovery::ApiCapabilities), Failed> {
    let began = Instant::now();
    loop {
        match oneshot::pinned_kind(client, gvk).await {
            Err(_) if began.elapsed() < Duration::from_secs(10) => tokio::time::sleep(Duration::from_millis(50)).await,
            answer => return Ok(answer?),
        }
    }
}

async fn ensure(client: &Client, namespace: &str) -> Result<(), Failed> {
    let api: Api<Namespace> = Api::all(client.clone());
    let body = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    api.patch(namespace, &PatchParams::apply("tests-namespace"), &Patch::Apply(body)).await?;
    Ok(())
}

/// Waits until the pods of the newest generation are all available.
async fn available(client: &Client, namespace: &str, name: &str) -> Result<(), Failed> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let began = Instant::now();
    loop {
        let deployment = api.get(name).await?;
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        let status = deployment.status.clone().unwrap_or_default();
        let current = status.observed_generation == deployment.metadata.generation;
        if current && status.available_replicas == wanted && status.updated_replicas == wanted {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(30) {
            return Err(format!("{namespace}/{name} does not become available: {status:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
