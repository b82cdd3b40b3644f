//! A small project, and namespaces of its own for it on the shared control plane.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Resource;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, NamespaceResourceScope};
use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use weft::state::{self, Inventory};

use super::program::{Desk, Run, copy};
use super::proxy::{Proxy, answer_of};
use crate::sandbox::{NOBODY, shared};

/// The password in the project's encrypted file.
pub const CANARY: &str = "canary-4711";

/// A project with the environment `dev`, its namespace and its state namespace.
pub struct Site {
    /// The project's folder.
    pub desk: Desk,
    /// The namespace of all its releases.
    pub namespace: String,
    kubeconfig: PathBuf,
    context: Option<String>,
}

impl Site {
    /// A project without releases.
    pub fn new(prefix: &str) -> Self {
        let namespace = shared().namespace(&format!("cli-{prefix}"));
        let site = Self { desk: Desk::new(), namespace, kubeconfig: shared().kubeconfig().to_owned(), context: None };
        site.releases(&[]);
        site.desk.write("environments/project.yaml", format!("id: {}\n", site.namespace));
        site
    }

    /// A project with the release `web`: a ConfigMap with `greeting`, and `port` where that is set.
    pub fn with_web(prefix: &str) -> Self {
        let site = Self::new(prefix);
        site.chart("web", "greeting: Hello\nport: 80\n", WEB);
        site.releases(&["{name: web, chart: web}"]);
        site
    }

    /// The example's application.
    pub fn with_example(prefix: &str) -> Result<Self, Failed> {
        let site = Self::new(prefix);
        let (root, project) = (Path::new(env!("CARGO_MANIFEST_DIR")), site.desk.project());
        for folder in ["charts/app-flask", "secrets"] {
            copy(&root.join(folder), &project.join(folder));
        }
        site.releases(&["{name: app-flask, chart: app-flask, secrets: [app-flask.yaml]}"]);
        let environment = "environments/dev/environment.yaml";
        let text = std::fs::read_to_string(project.join(environment))?;
        site.desk.write(environment, format!("values: {{image: {{registry: r.example.com}}}}\n{text}"));
        Ok(site)
    }

    /// The namespace of its state.
    pub fn state(&self) -> String {
        format!("{}-state", self.namespace)
    }

    /// Writes the environment; each release as a YAML map without its namespace.
    pub fn releases(&self, releases: &[&str]) {
        let (state, namespace) = (self.state(), &self.namespace);
        let head = format!("cluster: {{}}\nidentity: secrets/dev.agekey\nstateNamespace: {state}\nreleases:\n");
        let items = releases.iter().map(|release| {
            let fields = release.strip_suffix('}').expect("a YAML map");
            format!("- {fields}, namespace: {namespace}}}\n")
        });
        let text = std::iter::once(head).chain(items).collect::<String>();
        self.desk.write("environments/dev/environment.yaml", text);
    }

    /// Writes a chart of one template.
    pub fn chart(&self, name: &str, values: &str, template: &str) {
        self.desk.write(&format!("charts/{name}/Chart.yaml"), format!("name: {name}\nversion: 0.1.0\n"));
        self.desk.write(&format!("charts/{name}/values.yaml"), values);
        self.desk.write(&format!("charts/{name}/templates/all.yaml.j2"), template);
    }

    /// Adds the encrypted file `secrets/dev/web.yaml`, whose `database.password` is [`CANARY`], and the key to it.
    pub fn secret(&self) {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/cli");
        copy(&cases.join("secret_masked/project/secrets"), &self.desk.project().join("secrets"));
    }

    /// The same project through another context of the kubeconfig.
    pub fn by(&mut self, context: &str) {
        self.context = Some(context.to_owned());
    }

    /// Makes of an inventory what it was before projects had identities.
    pub fn forget_owner(&self, name: &str) -> Result<(), Failed> {
        let api: Api<Secret> = Api::namespaced(shared().client(), &self.state());
        let key = "weft.example.com/project";
        let kept = shared().block_on(api.get(name))?.data.unwrap_or_default();
        let chunk = kept.get("chunk").ok_or("no chunk")?.0.clone();
        let inventory = Inventory { owner: None, ..state::decode(&[chunk])? };
        let chunk = ByteString(state::encode(&inventory)?.concat());
        let metadata = json!({"labels": {key: null}, "annotations": {key: null}});
        let patch = json!({"metadata": metadata, "data": {"chunk": chunk}});
        shared().block_on(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)))?;
        Ok(())
    }

    /// Deletes a Secret of the state.
    pub fn drop_kept(&self, name: &str) -> Result<(), Failed> {
        let api: Api<Secret> = Api::namespaced(shared().client(), &self.state());
        shared().block_on(api.delete(name, &DeleteParams::default()))?;
        Ok(())
    }

    /// The same project through a door.
    pub fn through(&mut self, proxy: &Proxy) {
        self.kubeconfig(&kubeconfig(proxy.address(), "{}"));
    }

    /// The same project with another kubeconfig.
    pub fn kubeconfig(&mut self, text: &str) {
        self.kubeconfig = self.desk.root().join("kubeconfig");
        std::fs::write(&self.kubeconfig, text).expect("a kubeconfig");
        self.context = None;
    }

    /// The same project with the administrator's kubeconfig.
    pub fn as_before(&mut self) {
        shared().kubeconfig().clone_into(&mut self.kubeconfig);
        self.context = None;
    }

    /// The program with these arguments, which are separated by blanks.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.desk.command(arguments.split_whitespace());
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command.args(self.context.iter().flat_map(|context| ["--context", context]));
        command
    }

    /// Runs the program.
    pub fn run(&self, arguments: &str) -> Run {
        self.desk.output(&mut self.command(arguments))
    }

    /// Runs the program, which must end with this code.
    pub fn expect(&self, arguments: &str, code: i32) -> Result<Run, Failed> {
        let run = self.run(arguments);
        run.ends_with(code)?;
        Ok(run)
    }

    /// An object of the namespace; `None` where it is not there.
    pub fn get<K>(&self, name: &str) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + serde::de::DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(shared().client(), &self.namespace);
        shared().block_on(api.get_opt(name)).expect("an answer")
    }

    /// The data of a ConfigMap of the namespace, as JSON.
    pub fn data(&self, name: &str) -> Option<String> {
        self.get::<ConfigMap>(name).map(|it| json!(it.data.unwrap_or_default()).to_string())
    }

    /// Changes a ConfigMap as somebody else: `kubectl edit` or a controller.
    pub fn meddle(&self, name: &str, manager: &str, patch: &Json) {
        let api: Api<ConfigMap> = Api::namespaced(shared().client(), &self.namespace);
        let parameters = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        shared().block_on(api.patch(name, &parameters, &Patch::Merge(patch))).expect("a change");
    }

    /// Creates a ConfigMap as somebody else.
    pub fn create(&self, name: &str, manager: &str) -> Result<(), Failed> {
        let api: Api<ConfigMap> = Api::namespaced(shared().client(), &self.namespace);
        let map = serde_json::from_value(json!({"metadata": {"name": name}, "data": {"of": manager}}))?;
        let parameters = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        shared().block_on(api.create(&parameters, &map))?;
        Ok(())
    }

    /// What the server answers now to a LIST of the namespace's `ConfigMap`s.
    pub fn old_list(&self) -> Result<Arc<Vec<u8>>, Failed> {
        let path = format!("/api/v1/namespaces/{}/configmaps?limit=500", self.namespace);
        let request = http::Request::get(path).body(Vec::new())?;
        let body = shared().block_on(shared().client().request_text(request))?;
        Ok(Arc::new(answer_of(200, "", &body)))
    }

    /// Deletes a ConfigMap as somebody else.
    pub fn delete(&self, name: &str) {
        let api: Api<ConfigMap> = Api::namespaced(shared().client(), &self.namespace);
        shared().block_on(api.delete(name, &DeleteParams::default())).expect("a deletion");
    }

    /// Gives the user [`NOBODY`] rights in a namespace: `policy` are rules as JSON.
    pub fn allow(namespace: &str, policy: &Json) {
        let role = json!({"metadata": {"name": "it"}, "rules": policy});
        let binding = json!({
            "metadata": {"name": "it"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "it"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": NOBODY}],
        });
        let roles: Api<Role> = Api::namespaced(shared().client(), namespace);
        let bindings: Api<RoleBinding> = Api::namespaced(shared().client(), namespace);
        shared().block_on(async {
            let role = serde_json::from_value(role).expect("a Role");
            roles.create(&PostParams::default(), &role).await.expect("a new Role");
            let binding = serde_json::from_value(binding).expect("a RoleBinding");
            bindings.create(&PostParams::default(), &binding).await.expect("a new RoleBinding");
        });
    }

    /// Everything of both namespaces that this program can have written, with its version.
    pub fn versions(&self) -> Vec<String> {
        let kinds = [
            ("", "ConfigMap"),
            ("", "Secret"),
            ("", "Service"),
            ("apps", "Deployment"),
            ("coordination.k8s.io", "Lease"),
        ];
        let mut found = Vec::new();
        for namespace in [self.namespace.clone(), self.state()] {
            for (group, kind) in kinds {
                let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
                let api: Api<DynamicObject> = Api::namespaced_with(shared().client(), &namespace, &resource);
                let list = shared().block_on(api.list(&ListParams::default())).expect("a list");
                // A controller puts this one into every new namespace, some time later.
                let ours = |it: &DynamicObject| it.metadata.name.as_deref() != Some("kube-root-ca.crt");
                found.extend(list.items.into_iter().filter(ours).map(|it| {
                    let (name, version) = (it.metadata.name.unwrap_or_default(), it.metadata.resource_version);
                    format!("{kind} {namespace}/{name} {}", version.unwrap_or_default())
                }));
            }
        }
        found
    }

    /// The Secrets of the state namespace.
    pub fn kept(&self) -> Vec<Secret> {
        let api: Api<Secret> = Api::namespaced(shared().client(), &self.state());
        shared().block_on(api.list(&ListParams::default())).expect("a list").items
    }
}

/// The template of [`Site::with_web`].
pub const WEB: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ release.name }}
data:
  greeting: {{ values.greeting | quote }}
  {% if values.port is defined %}
  port: {{ values.port | string | quote }}
  {% endif %}
";

/// A kubeconfig with one server and one user, written as a YAML map.
pub fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{{name: it, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: it, user: {user}}}]\ncontexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n"
    )
}
