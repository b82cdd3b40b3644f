//! The two admission policies, on a real server: each rule allowed and denied.

use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::operator::ConfigMapSync;

use super::install::{Installed, acting_as};
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("operator", "policy_of_tokens", tokens),
        code("operator", "policy_of_audiences", audiences),
        code("operator", "policy_of_use", r#use),
        code("operator", "policy_in_strict_mode", strict),
    ]
}

/// What a server made of a request.
type Answer<T> = Result<T, kube::Error>;

fn refusal<T: std::fmt::Debug>(answer: Answer<T>) -> Result<String, Failed> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(status.message.clone()),
        other => Err(format!("not refused: {other:?}").into()),
    }
}

fn says<T: std::fmt::Debug>(answer: Answer<T>, what: &str) -> Result<(), Failed> {
    let message = refusal(answer)?;
    if message.contains(what) { Ok(()) } else { Err(format!("`{what}` is not in `{message}`").into()) }
}

/// Asks until the server refuses for this reason: it takes note of a new policy, or of a label, after a while.
async fn until<T: std::fmt::Debug>(what: &str, ask: impl AsyncFn() -> Answer<T>) -> Result<(), Failed> {
    let began = Instant::now();
    loop {
        match says(ask().await, what) {
            Err(error) if began.elapsed() > Duration::from_secs(30) => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(()) => return Ok(()),
        }
    }
}

/// The same until it is taken.
async fn until_taken<T>(ask: impl AsyncFn() -> Answer<T>) -> Result<T, Failed> {
    let began = Instant::now();
    loop {
        match ask().await {
            Err(error) if began.elapsed() > Duration::from_secs(30) => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(taken) => return Ok(taken),
        }
    }
}

/// Asks for a token of the account `copier`, as the operator does, but for what is said.
async fn token(client: &Client, namespace: &str, spec: Json) -> Answer<TokenRequest> {
    let request: TokenRequest = serde_json::from_value(json!({"spec": spec})).expect("a request");
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    api.create_token_request("copier", &PostParams::default(), &request).await
}

fn short() -> Json {
    json!({"audiences": [], "expirationSeconds": 600})
}

async fn account(namespace: &str) -> Result<(), Failed> {
    let api: Api<ServiceAccount> = Api::namespaced(shared().client(), namespace);
    let copier = serde_json::from_value(json!({"metadata": {"name": "copier"}}))?;
    api.create(&PostParams::default(), &copier).await?;
    Ok(())
}

async fn label(namespace: &str, value: Option<&str>) -> Result<(), Failed> {
    let labels = json!({"metadata": {"labels": {"weaver.example.com/tenant": value}}});
    let api: Api<Namespace> = Api::all(shared().client());
    api.patch(namespace, &PatchParams::default(), &Patch::Merge(&labels)).await?;
    Ok(())
}

/// The operator gets short tokens in namespaces of tenants, never in kube-system; others are left alone.
fn tokens() -> Result<(), Failed> {
    let installed = Installed::with("{}")?;
    let (tenant, other) = (shared().namespace("weaver-tenant"), shared().namespace("weaver-other"));
    shared().block_on(async {
        for namespace in [&tenant, &other] {
            account(namespace).await?;
        }
        label(&tenant, Some("true")).await?;
        let operator = acting_as(&installed.user()).await?;
        until("only in namespaces with the label weaver.example.com/tenant", async || {
            token(&operator, &other, short()).await
        })
        .await?;
        let given = token(&operator, &tenant, short()).await?;
        assert!(given.status.is_some_and(|status| status.token.is_some()), "a token");
        for spec in [json!({"audiences": [], "expirationSeconds": 601}), json!({"audiences": []})] {
            says(token(&operator, &tenant, spec).await, "600 seconds or less")?;
        }
        label(&tenant, Some("false")).await?;
        until("only in namespaces", async || token(&operator, &tenant, short()).await).await?;
        label(&tenant, Some("true")).await?;
        until_taken(async || token(&operator, &tenant, short()).await).await?;

        // Not even where kube-system has the label.
        let system: Api<ServiceAccount> = Api::namespaced(shared().client(), "kube-system");
        let copier = serde_json::from_value(json!({"metadata": {"name": "copier"}}))?;
        system.create(&PostParams::default(), &copier).await?;
        label("kube-system", Some("true")).await?;
        let answer = token(&operator, "kube-system", short()).await;
        label("kube-system", None).await?;
        system.delete("copier", &kube::api::DeleteParams::default()).await?;
        says(answer, "may not act as a service account of kube-system")?;

        // Somebody else.
        token(&shared().client(), &other, json!({"audiences": ["elsewhere"], "expirationSeconds": 7200})).await?;
        Ok(())
    })
}

/// Where audiences are listed, a token is for no other; none means those of the API server.
fn audiences() -> Result<(), Failed> {
    let known = "https://kubernetes.default.svc.cluster.local";
    let installed = Installed::with(&format!("{{policies: {{tokens: {{audiences: [\"{known}\"]}}}}}}"))?;
    let tenant = shared().namespace("weaver-tenant");
    shared().block_on(async {
        account(&tenant).await?;
        label(&tenant, Some("true")).await?;
        let operator = acting_as(&installed.user()).await?;
        let vault = json!({"audiences": ["vault"], "expirationSeconds": 600});
        until("only for tokens for the API server", async || token(&operator, &tenant, vault.clone()).await).await?;
        token(&operator, &tenant, json!({"audiences": [known], "expirationSeconds": 600})).await?;
        token(&operator, &tenant, short()).await?;
        Ok(())
    })
}

/// In strict mode it is RBAC that says which accounts, and the policy holds beside it.
fn strict() -> Result<(), Failed> {
    let tenant = shared().namespace("weaver-tenant");
    let tenants = format!("tenants: [{{namespace: {tenant}, serviceAccounts: [copier]}}]");
    let installed = Installed::with(&format!("{{strict: {{enabled: true, {tenants}}}}}"))?;
    shared().block_on(async {
        account(&tenant).await?;
        let operator = acting_as(&installed.user()).await?;
        until("only in namespaces with the label", async || token(&operator, &tenant, short()).await).await?;
        label(&tenant, Some("true")).await?;
        until_taken(async || token(&operator, &tenant, short()).await).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(operator, &tenant);
        let request: TokenRequest = serde_json::from_value(json!({"spec": short()}))?;
        let other = accounts.create_token_request("default", &PostParams::default(), &request).await;
        says(other, "cannot create resource \"serviceaccounts/token\"")
    })
}

/// Gives a user rights in a namespace.
async fn grant(user: &str, namespace: &str, name: &str, rules: Json) -> Result<(), Failed> {
    let role: Role = serde_json::from_value(json!({"metadata": {"name": name}, "rules": rules}))?;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }))?;
    Api::<Role>::namespaced(shared().client(), namespace).create(&PostParams::default(), &role).await?;
    Api::<RoleBinding>::namespaced(shared().client(), namespace).create(&PostParams::default(), &binding).await?;
    Ok(())
}

fn sync(account: &str, targets: &[&str]) -> ConfigMapSync {
    let spec = json!({"source": {"name": "a"}, "serviceAccount": {"name": account}, "syncToNamespaces": targets});
    ConfigMapSync::new("settings", serde_json::from_value(spec).expect("a spec"))
}

/// Who says what is copied where needs `use` on the account; the rest of the object is free.
fn r#use() -> Result<(), Failed> {
    let installed = Installed::with("{}")?;
    let namespace = shared().namespace("weaver-use");
    let writes = json!([{
        "apiGroups": ["weaver.example.com"], "resources": ["configmapsyncs"],
        "verbs": ["get", "create", "patch", "update", "delete"],
    }]);
    let uses =
        json!([{"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["copier"], "verbs": ["use"]}]);
    let of = |client: Client| -> Api<ConfigMapSync> { Api::namespaced(client, &namespace) };
    let merge = PatchParams::default();
    shared().block_on(async {
        for user in ["alice", "bob"] {
            grant(user, &namespace, user, writes.clone()).await?;
        }
        grant("alice", &namespace, "alice-uses", uses).await?;
        let [alice, bob] = [of(acting_as("alice").await?), of(acting_as("bob").await?)];
        let operator = of(acting_as(&installed.user()).await?);
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        until("bob may not use the service account", async || bob.create(&dry, &sync("copier", &["b"])).await).await?;

        // An account that alice may use, and one that she may not, named or by default.
        for account in ["cluster-admin", "default"] {
            let refused = alice.create(&dry, &sync(account, &["b"])).await;
            says(
                refused,
                &format!("alice may not use the service account {namespace}/{account}: this needs the verb use"),
            )?;
        }
        let mut unnamed = serde_json::to_value(sync("copier", &["b"]))?;
        unnamed["spec"].as_object_mut().ok_or("a spec")?.remove("serviceAccount");
        says(alice.create(&dry, &serde_json::from_value(unnamed)?).await, "/default: this needs")?;
        alice.create(&PostParams::default(), &sync("copier", &["b"])).await?;

        // What the account does is changed by who may use it alone.
        let change = |spec: Json| Patch::Merge(json!({"spec": spec}));
        for spec in [json!({"syncToNamespaces": ["b", "c"]}), json!({"serviceAccount": {"name": "default"}})] {
            says(bob.patch("settings", &merge, &change(spec)).await, "bob may not use the service account")?;
        }
        let other = alice.patch("settings", &merge, &change(json!({"serviceAccount": {"name": "default"}}))).await;
        says(other, "alice may not use the service account")?;
        alice.patch("settings", &merge, &change(json!({"syncToNamespaces": ["b", "c"]}))).await?;

        // The rest is free, for the operator too.
        let asks = json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "now"}}});
        bob.patch("settings", &merge, &Patch::Merge(&asks)).await?;
        let finalizer = json!({"metadata": {"finalizers": ["weaver.example.com/cleanup"]}});
        operator.patch("settings", &merge, &Patch::Merge(&finalizer)).await?;
        operator.patch("settings", &merge, &Patch::Merge(json!({"metadata": {"finalizers": null}}))).await?;
        bob.delete("settings", &kube::api::DeleteParams::default()).await?;
        Ok(())
    })
}
