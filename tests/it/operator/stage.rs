//! A tenant on the shared control plane, and an operator of its own that works for it alone.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use weft::operator::{self, ConfigMapSync, ConfigMapSyncStatus, NeededRight, RightCondition};

use crate::cli::program::Desk;
use crate::cli::proxy::{Answer, Proxy, Seen};
use crate::sandbox::shared;

/// How long something is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same where all faults are tried, in their long forms.
const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// How many namespaces are made at once.
const AT_ONCE: usize = 8;

/// Whether all faults are tried, in their long forms: `WEFT_FAULTS=all`.
pub fn all_faults() -> bool {
    std::env::var("WEFT_FAULTS").is_ok_and(|it| it == "all")
}

/// Does something for each of these at once, and waits for all: most of such a test is waiting.
pub fn at_once<T: Send>(
    all: impl IntoIterator<Item = T>,
    run: impl Fn(T) -> Result<(), Failed> + Sync,
) -> Result<(), Failed> {
    let run = &run;
    std::thread::scope(|scope| {
        let threads: Vec<_> = all.into_iter().map(|it| scope.spawn(move || run(it))).collect();
        threads.into_iter().try_for_each(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A tenant: a namespace with a source and an account, and namespaces that the account may write to.
pub struct Tenant {
    /// The namespace of the objects.
    pub own: String,
    /// The namespaces that the account may write to.
    pub targets: Vec<String>,
}

/// An operator under way, behind a door.
pub struct Running {
    desk: Desk,
    child: Option<Child>,
    arguments: Vec<String>,
    /// The door between it and the server.
    pub proxy: Proxy,
}

impl Tenant {
    /// A tenant with so many namespaces to write to, an account `copier`, and a source `settings` with `a: 1`.
    pub fn new(targets: usize) -> Self {
        super::defined();
        let shared = shared();
        let own = shared.namespace("sync");
        let targets: Vec<String> = (0..targets).map(|_| shared.namespace("sync-to")).collect();
        let tenant = Self { own, targets };
        tenant.account("copier");
        tenant.may("copier", &tenant.own, &["get"]);
        let verbs = ["get", "list", "create", "patch", "delete"];
        let several = tenant.targets.chunks(tenant.targets.len().div_ceil(AT_ONCE).max(1));
        let done = at_once(several, |some| {
            for namespace in some {
                tenant.may("copier", namespace, &verbs);
            }
            Ok(())
        });
        done.expect("rights");
        tenant.source(&json!({"a": "1"}));
        tenant
    }

    /// Creates an account.
    pub fn account(&self, name: &str) {
        let account = json!({"metadata": {"name": name}});
        let api: Api<ServiceAccount> = Api::namespaced(shared().client(), &self.own);
        let account = serde_json::from_value(account).expect("an account");
        shared().block_on(api.create(&PostParams::default(), &account)).expect("a new account");
    }

    /// Gives an account rights on the ConfigMaps of a namespace.
    pub fn may(&self, account: &str, namespace: &str, verbs: &[&str]) {
        let name = format!("{}-{account}", self.own);
        apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"namespace": namespace, "name": name},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}],
        }));
        apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"namespace": namespace, "name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": self.own, "name": account}],
        }));
    }

    /// Takes an account's rights in a namespace away.
    pub fn may_not(&self, account: &str, namespace: &str) {
        let gvk = GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", "RoleBinding");
        let api: Api<DynamicObject> = Api::namespaced_with(shared().client(), namespace, &ApiResource::from_gvk(&gvk));
        let name = format!("{}-{account}", self.own);
        shared().block_on(api.delete(&name, &DeleteParams::default())).expect("a binding");
    }

    /// Sets the data of the source.
    pub fn source(&self, data: &Json) {
        self.map(&self.own, "settings", data);
    }

    /// Writes a ConfigMap as somebody else.
    #[allow(clippy::unused_self, reason = "it reads as what happens to the tenant")]
    pub fn map(&self, namespace: &str, name: &str, data: &Json) {
        apply(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": data,
        }));
    }

    /// Creates an object `name` with this spec on top of source and account, to all targets if it names none.
    pub fn sync(&self, name: &str, spec: &Json) {
        let mut all = json!({"source": {"name": "settings"}, "serviceAccount": {"name": "copier"}});
        let named = spec.get("syncToNamespaces").or(spec.get("namespaceSelector"));
        if named.is_none() {
            all["syncToNamespaces"] = json!(self.targets);
        }
        for (key, value) in spec.as_object().expect("a map") {
            all[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync",
            "metadata": {"namespace": self.own, "name": name, "labels": {"stage": self.own}},
            "spec": all,
        });
        let object: ConfigMapSync = serde_json::from_value(object).expect("an object");
        shared().block_on(self.syncs().create(&PostParams::default(), &object)).expect("a new object");
    }

    /// The objects of the tenant.
    pub fn syncs(&self) -> Api<ConfigMapSync> {
        Api::namespaced(shared().client(), &self.own)
    }

    /// Changes an object by a merge patch.
    pub fn edit(&self, name: &str, patch: &Json) {
        let patch = Patch::Merge(patch);
        shared().block_on(self.syncs().patch(name, &PatchParams::default(), &patch)).expect("an object");
    }

    /// Deletes an object, and waits until it is gone.
    pub fn delete(&self, name: &str) -> Result<(), Failed> {
        shared().block_on(self.syncs().delete(name, &DeleteParams::default()))?;
        self.is_gone(name)
    }

    /// Waits until an object is gone.
    pub fn is_gone(&self, name: &str) -> Result<(), Failed> {
        until(&format!("{name} is gone"), || {
            let found = shared().block_on(self.syncs().get_opt(name)).expect("an answer");
            found.map_or(Ok(()), |it| Err(format!("{:?} {:?}", it.metadata.finalizers, it.status)))
        })
    }

    /// The status of an object.
    pub fn status(&self, name: &str) -> ConfigMapSyncStatus {
        let object = shared().block_on(self.syncs().get(name)).expect("an object");
        object.status.unwrap_or_default()
    }

    /// The conditions of an object in short, such as `Available=True/Synced`.
    pub fn conditions(&self, name: &str) -> String {
        let object = shared().block_on(self.syncs().get(name)).expect("an object");
        let status = object.status.unwrap_or_default();
        let current = status.observed_generation == object.metadata.generation;
        let all = status.conditions.iter().map(|it| format!("{}={}/{}", it.type_, it.status, it.reason));
        let text = all.collect::<Vec<_>>().join(" ");
        if current { text } else { format!("(of an older generation) {text}") }
    }

    /// Waits until the conditions of an object have this in them.
    pub fn comes_to(&self, name: &str, condition: &str) -> Result<(), Failed> {
        until(&format!("{name} is {condition}"), || {
            let now = self.conditions(name);
            let is = !now.starts_with('(') && now.contains(condition);
            if is { Ok(()) } else { Err(format!("{now} {:?}", self.status(name).failed_targets)) }
        })
    }

    /// Waits until the copies have this data; `None` where there shall be none.
    pub fn copies_are(&self, data: Option<&Json>) -> Result<(), Failed> {
        self.targets.iter().try_for_each(|namespace| self.copy_is(namespace, data))
    }

    /// Waits until a copy has this data; `None` where there shall be none.
    pub fn copy_is(&self, namespace: &str, data: Option<&Json>) -> Result<(), Failed> {
        until(&format!("the copy in {namespace} is {data:?}"), || {
            let found = map_at(namespace, "settings").map(|it| json!(it.data.unwrap_or_default()));
            if found.as_ref() == data { Ok(()) } else { Err(format!("{found:?} {}", self.conditions_if_there())) }
        })
    }

    fn conditions_if_there(&self) -> String {
        let all = shared().block_on(self.syncs().list(&kube::api::ListParams::default())).expect("a list");
        all.iter().map(|it| format!("{:?}", it.status)).collect::<Vec<_>>().join(" ")
    }
}

/// A ConfigMap, where it is there.
pub fn map_at(namespace: &str, name: &str) -> Option<ConfigMap> {
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), namespace);
    shared().block_on(api.get_opt(name)).expect("an answer")
}

/// Deletes a ConfigMap.
pub fn delete_map(namespace: &str, name: &str) {
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), namespace);
    shared().block_on(api.delete(name, &DeleteParams::default())).expect("a ConfigMap");
}

/// Changes a ConfigMap by a merge patch, as somebody else.
pub fn edit_map(namespace: &str, name: &str, patch: &Json) {
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), namespace);
    let parameters = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
    shared().block_on(api.patch(name, &parameters, &Patch::Merge(patch))).expect("a ConfigMap");
}

/// Labels a namespace; null takes a label away.
pub fn label(namespace: &str, labels: &Json) {
    let api: Api<Namespace> = Api::all(shared().client());
    let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
    shared().block_on(api.patch(namespace, &PatchParams::default(), &patch)).expect("a namespace");
}

/// Deletes a namespace, and does not wait.
pub fn delete_namespace(namespace: &str) {
    let api: Api<Namespace> = Api::all(shared().client());
    shared().block_on(api.delete(namespace, &DeleteParams::default())).expect("a namespace");
}

/// Waits until something holds; the error says what did not.
pub fn until(what: &str, mut holds: impl FnMut() -> Result<(), String>) -> Result<(), Failed> {
    let began = Instant::now();
    let patience = if all_faults() { LONG_PATIENCE } else { PATIENCE };
    loop {
        match holds() {
            Ok(()) => return Ok(()),
            Err(now) if began.elapsed() > patience => return Err(format!("never: {what}; but {now}").into()),
            Err(_) => std::thread::sleep(Duration::from_millis(25)),
        }
    }
}

/// Applies any object as the administrator.
pub fn apply(object: &Json) {
    let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(shared().client(), namespace, &resource),
        None => Api::all_with(shared().client(), &resource),
    };
    let name = text(&object["metadata"]["name"]);
    let parameters = PatchParams::apply("tests").force();
    shared().block_on(api.patch(&name, &parameters, &Patch::Apply(object))).expect("the server takes it");
}

/// A client that is the operator's own account, with the rights that the operator says it needs and no others.
pub fn operators() -> Client {
    static TOKEN: OnceLock<String> = OnceLock::new();
    let token = TOKEN.get_or_init(|| {
        let namespace = shared().namespace("operator");
        let rule = |it: &NeededRight| {
            json!({"apiGroups": [it.group], "resources": [it.resource], "verbs": it.verbs,
                   "resourceNames": it.name.into_iter().collect::<Vec<_>>()})
        };
        let rules: Vec<Json> = operator::OPERATOR.iter().filter(|it| it.when != RightCondition::Impersonating).map(rule).collect();
        let name = namespace.clone();
        apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}}));
        apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules,
        }));
        apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
        }));
        let api: Api<ServiceAccount> = Api::namespaced(shared().client(), &namespace);
        let request: TokenRequest = serde_json::from_value(json!({"spec": {"audiences": []}})).expect("a request");
        let granted = shared().block_on(api.create_token_request(&name, &PostParams::default(), &request));
        granted.expect("a token").status.and_then(|it| it.token).expect("a token")
    });
    let config = shared().block_on(async {
        let file = kube::config::Kubeconfig::read_from(shared().kubeconfig()).expect("a kubeconfig");
        kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await
    });
    let mut config = config.expect("a context");
    config.auth_info = kube::config::AuthInfo { token: Some(token.clone().into()), ..Default::default() };
    shared().block_on(async { weft::network::client(config).expect("a client") })
}

impl Running {
    /// An operator that works for a tenant, behind a door that does what the rule says.
    pub fn start(tenant: &Tenant, more: &[&str], rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::of(operators(), tenant, more, rule)
    }

    /// The same as whoever this client is.
    pub fn of(
        client: Client,
        tenant: &Tenant,
        more: &[&str],
        rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let proxy = Proxy::for_client(client, rule);
        let selector = format!("stage={}", tenant.own);
        let mut arguments: Vec<String> = ["operator", "--selector", &selector].map(str::to_owned).to_vec();
        arguments.extend(more.iter().map(|it| (*it).to_owned()));
        let mut running = Self { desk: Desk::new(), child: None, arguments, proxy };
        running.again();
        running
    }

    /// The same behind a door through which everything goes.
    pub fn open(tenant: &Tenant, more: &[&str]) -> Self {
        Self::start(tenant, more, |_| Answer::Through)
    }

    /// Starts the process, once more where it was killed.
    pub fn again(&mut self) {
        let config = self.desk.root().join("kubeconfig");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": self.proxy.address()}}],
            "users": [{"name": "a", "user": {}}],
        });
        fs::write(&config, text.to_string()).expect("a file");
        let mut command = self.desk.command(&self.arguments);
        command.arg("--kubeconfig").arg(config);
        // A container has none.
        command.env_remove("HOME");
        let log = fs::File::create(self.desk.root().join("log")).expect("a file");
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("the program"));
    }

    /// Kills it as nothing else does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a process");
            child.wait().expect("a process");
            self.says_no_token();
        }
    }

    /// What it says on standard error, so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.desk.root().join("log")).unwrap_or_default()
    }

    /// No token is in what it said: all begin with the same letters, those of `{"alg":`.
    fn says_no_token(&self) {
        let log = self.log();
        assert!(std::thread::panicking() || !log.contains("eyJhbGci"), "{log}");
    }

    /// The memory of its own that is resident, in bytes.
    pub fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.as_ref()?.id())).ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|it| it * 1024)
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|it| it.try_wait().expect("a process").is_none())
    }

    /// Asks it to end, and waits until it did: its exit code.
    pub fn ends(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let pid = rustix::process::Pid::from_raw(child.id().try_into().expect("a number")).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a process");
        let code = child.wait().expect("a process").code();
        self.says_no_token();
        code
    }

    /// The writes so far.
    pub fn writes(&self) -> Vec<Seen> {
        self.proxy.seen().into_iter().filter(|it| it.is_write() && !it.path.contains("/events")).collect()
    }

    /// How many writes of ConfigMaps there were.
    pub fn map_writes(&self) -> usize {
        self.writes().iter().filter(|it| of_maps(it)).count()
    }

    /// Waits until it is quiet: no write for a second.
    pub fn is_quiet(&self) -> usize {
        loop {
            let before = self.writes().len();
            std::thread::sleep(Duration::from_secs(1));
            if self.writes().len() == before {
                return before;
            }
        }
    }

    /// The methods and resources of the writes so far.
    pub fn kinds(&self) -> BTreeSet<String> {
        let last = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
        self.writes().iter().map(|it| format!("{} {}", it.method, last(&it.path))).collect()
    }
}

/// Whether a request is about ConfigMaps.
pub fn of_maps(seen: &Seen) -> bool {
    seen.bare_path().ends_with("/configmaps") || seen.path.contains("/configmaps/")
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
