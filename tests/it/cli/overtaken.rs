//! What is there when an object is written, and was not when the plan was made: nothing is done to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::api::{Api, DeleteParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::proxy::{Answer, Proxy};
use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "overtaken_by_an_object_of_strangers", by_an_object_of_strangers),
        code("cli", "overtaken_as_an_old_list_shows", as_an_old_list_shows),
        code("cli", "overtaken_by_another_object_of_that_name", by_another_object_of_that_name),
        code("cli", "overtaken_in_a_new_namespace_by_controllers", in_a_new_namespace_by_controllers),
    ]
}

fn maps(namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(shared().client(), namespace)
}

/// A ConfigMap `web` of somebody else.
async fn of_strangers(namespace: &str) {
    let map = serde_json::from_value(json!({"metadata": {"name": "web"}, "data": {"of": "strangers"}}));
    let parameters = PostParams { field_manager: Some("strangers".into()), ..PostParams::default() };
    maps(namespace).create(&parameters, &map.expect("a ConfigMap")).await.expect("a new ConfigMap");
}

/// A site through a door that does something right before the first write of the ConfigMap `web`.
fn before_the_write(site: &mut Site, act: impl Fn() + Send + Sync + 'static) {
    let came = Arc::new(AtomicBool::new(false));
    let door = Proxy::open(move |seen| {
        if seen.writes("configmaps/web") && !came.swap(true, Ordering::SeqCst) {
            act();
        }
        Answer::Through
    });
    site.through(&door);
}

/// The object is as strangers left it, and is in no inventory.
fn is_untouched(site: &Site) -> Result<(), Failed> {
    let map = site.get::<ConfigMap>("web").ok_or("it is gone")?;
    same("the data", r#"{"of":"strangers"}"#, &json!(map.data.unwrap_or_default()).to_string())?;
    let managers = map.metadata.managed_fields.unwrap_or_default().into_iter().filter_map(|it| it.manager);
    same("the managers", "strangers", &managers.collect::<Vec<_>>().join(" "))?;
    same("the labels", "None", &format!("{:?}", map.metadata.labels))
}

fn by_an_object_of_strangers() -> Result<(), Failed> {
    let mut site = Site::with_web("overtaken");
    let namespace = site.namespace.clone();
    before_the_write(&mut site, move || shared().block_on(of_strangers(&namespace)));
    let run = site.expect("apply dev --yes", 1)?;
    run.says(&format!("failed ConfigMap {}/web: it is there by now", site.namespace))?
        .says("nothing was done to it")?;
    is_untouched(&site)?;
    site.as_before();
    // Now it is seen, and named.
    site.expect("plan dev", 0)?.says("update ConfigMap")?.keeps_quiet_about("create ConfigMap")?;
    is_untouched(&site)
}

fn as_an_old_list_shows() -> Result<(), Failed> {
    let mut site = Site::with_web("old-list");
    let old = site.old_list()?;
    shared().block_on(of_strangers(&site.namespace));
    let door = Proxy::open(move |seen| {
        let lists = seen.method == "GET" && seen.bare_path().ends_with("/configmaps");
        // The question about it is not answered, so that the LIST is all there is.
        let asks = seen.is_dry_run() && seen.bare_path().ends_with("/configmaps/web");
        match () {
            () if lists => Answer::Old(Arc::clone(&old)),
            () if asks => Answer::Says(400, "the webhook does not support dry run"),
            () => Answer::Through,
        }
    });
    site.through(&door);
    site.expect("apply dev --yes", 1)?.says("it is there by now, and was not when the plan was made")?;
    is_untouched(&site)
}

fn by_another_object_of_that_name() -> Result<(), Failed> {
    let mut site = Site::with_web("made-again");
    site.expect("apply dev --yes", 0)?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    let namespace = site.namespace.clone();
    before_the_write(&mut site, move || {
        shared().block_on(async {
            maps(&namespace).delete("web", &DeleteParams::default()).await.expect("a deletion");
            of_strangers(&namespace).await;
        });
    });
    site.expect("apply dev --yes", 1)?.says("somebody deleted it and made it again since the plan was made")?;
    is_untouched(&site)?;
    site.as_before();
    site.delete("web");
    site.expect("apply dev --yes", 0)?;
    let namespace = site.namespace.clone();
    site.desk.write("environments/dev/values/web.yaml", "greeting: Again\n");
    before_the_write(&mut site, move || {
        shared().block_on(maps(&namespace).delete("web", &DeleteParams::default())).expect("a deletion");
    });
    site.expect("apply dev --yes", 1)?.says("somebody deleted it since the plan was made")?;
    site.as_before();
    // It is drift like any other.
    site.expect("apply dev --yes", 0)?;
    same("the data", r#"{"greeting":"Again","port":"80"}"#, &site.data("web").unwrap_or_default())
}

/// What controllers put into each new namespace may be declared by a release.
fn in_a_new_namespace_by_controllers() -> Result<(), Failed> {
    let mut site = Site::new("new-space");
    let (namespace, state) = (format!("{}-new", site.namespace), site.state());
    site.desk.write(
        "accounts/all.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\nautomountServiceAccountToken: false\n",
    );
    site.desk.write(
        "environments/dev/environment.yaml",
        format!(
            "cluster: {{}}\nstateNamespace: {state}\nreleases:\n- {{name: accounts, manifests: accounts, namespace: \
             {namespace}}}\n"
        ),
    );
    let door = Proxy::open(move |seen| {
        if seen.writes("serviceaccounts/default") {
            // The controller comes first.
            std::thread::sleep(std::time::Duration::from_millis(1500));
        }
        Answer::Through
    });
    site.through(&door);
    site.expect("apply dev --yes", 0)?.says("2 applied")?;
    let accounts: Api<ServiceAccount> = Api::namespaced(shared().client(), &namespace);
    let account = shared().block_on(accounts.get("default"))?;
    same("the account", "Some(false)", &format!("{:?}", account.automount_service_account_token))?;
    site.expect("plan dev --exit-code", 0).map(drop)
}
