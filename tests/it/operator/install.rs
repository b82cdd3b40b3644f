//! The chart of the operator, installed into namespaces of a test: its objects, and clients that act as somebody.

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use kube::api::{Api, DeleteParams};
use kube::{Client, Config};
use libtest_mimic::Failed;
use weft::project;
use weft::tree::Tree;
use weft::value::Value;

use super::examples;
use crate::cases;
use crate::sandbox::shared;

/// The name of the chart, and of the operator's service account.
pub const NAME: &str = "config-weaver";

/// The chart in a namespace of its own.
pub struct Installed {
    /// The namespace.
    pub namespace: String,
    policies: Vec<String>,
}

impl Installed {
    /// Renders the chart with these values (in YAML's flow style) and applies it, with a definition of the kind that is
    /// there already.
    pub fn with(values: &str) -> Result<Self, Failed> {
        super::defined();
        let namespace = shared().namespace("weaver");
        let mut policies = Vec::new();
        for (path, object) in rendered(&namespace, values)? {
            let kind = text(&object, &["kind"]);
            if kind == "CustomResourceDefinition" {
                continue;
            }
            if kind == "ValidatingAdmissionPolicy" {
                policies.push(text(&object, &["metadata", "name"]));
            }
            let applied = shared().block_on(examples::apply(&shared().client(), &namespace, &object));
            applied.map_err(|error| format!("{path}: {error:?}"))?;
        }
        Ok(Self { namespace, policies })
    }

    /// The name by which the server knows the operator.
    pub fn user(&self) -> String {
        account(&self.namespace, NAME)
    }
}

impl Drop for Installed {
    /// Policies are for the whole cluster, and other tests have no part in them.
    fn drop(&mut self) {
        let gone = |name: String| async move {
            let client = shared().client();
            let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
            let _ = bindings.delete(&name, &DeleteParams::default()).await;
            let _ = Api::<ValidatingAdmissionPolicy>::all(client).delete(&name, &DeleteParams::default()).await;
        };
        for name in std::mem::take(&mut self.policies) {
            shared().block_on(gone(name));
        }
    }
}

/// The objects that the chart makes in a namespace, each with its template.
pub fn rendered(namespace: &str, values: &str) -> Result<Vec<(String, Value)>, Failed> {
    let chart = cases::repository(&["charts"]);
    let environment =
        format!("releases:\n- name: {NAME}\n  namespace: {namespace}\n  chart: {NAME}\n  values: [{values}]\n");
    let files = chart.paths().map(|path| (path.to_owned(), chart.bytes(path).unwrap_or_default().to_vec()));
    let own = [
        ("environments/defaults.yaml".to_owned(), Vec::new()),
        ("environments/it/environment.yaml".to_owned(), environment.into_bytes()),
    ];
    let tree = Tree::new(files.chain(own));
    let environment = project::load(&tree, "it")?;
    examples::objects(&tree, &environment, &environment.releases[0])
}

/// The text at a path of an object; empty where there is none.
pub fn text(object: &Value, keys: &[&str]) -> String {
    object.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The name by which the server knows a service account.
pub fn account(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// A client of the shared control plane that acts as a user, for use within `block_on`. A service account is in the groups
/// of service accounts.
pub async fn acting_as(user: &str) -> Result<Client, Failed> {
    let kubeconfig = kube::config::Kubeconfig::read_from(shared().kubeconfig())?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await?;
    config.auth_info.impersonate = Some(user.to_owned());
    Ok(weft::network::client(config)?)
}
