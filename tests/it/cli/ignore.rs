//! Ignore rules against a real API server: what others decide stays theirs, and is no difference.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, Patch, PatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::proxy::Proxy;
use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "ignore_what_an_autoscaler_decides", autoscaler),
        code("cli", "ignore_the_bundle_of_a_webhook", bundle),
        code("cli", "ignore_aggregated_rules", aggregated),
        code("cli", "ignore_what_is_hidden_until_it_is_applied", hidden),
        code("cli", "ignore_rules_that_are_not_used_are_told", unused),
    ]
}

fn by(manager: &str) -> PatchParams {
    PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() }
}

fn scale(site: &Site, replicas: i32) {
    let api: Api<Deployment> = Api::namespaced(shared().client(), &site.namespace);
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    shared().block_on(api.patch_scale("app", &by("kube-controller-manager"), &patch)).expect("a scale");
}

fn replicas(site: &Site) -> String {
    let deployment = site.get::<Deployment>("app").expect("a deployment");
    deployment.spec.and_then(|spec| spec.replicas).unwrap_or_default().to_string()
}

/// Appends rules for the whole environment.
fn ignore(site: &Site, releases: &[&str], rules: &str) {
    site.releases(releases);
    let path = site.desk.project().join("environments/dev/environment.yaml");
    let text = std::fs::read_to_string(&path).expect("an environment");
    site.desk.write("environments/dev/environment.yaml", format!("{text}{rules}"));
}

const APP: [&str; 2] =
    ["{name: app, chart: app, wait: false}", "{name: scaler, chart: scaler, needs: [app], wait: false}"];

fn autoscaler() -> Result<(), Failed> {
    let mut site = Site::new("ignore-hpa");
    site.chart("app", "replicas: 2\nimage: 1\n", DEPLOYMENT);
    site.chart("scaler", "{}\n", AUTOSCALER);
    site.releases(&APP);
    site.expect("apply dev --yes", 0)?;
    same("the replicas", "2", &replicas(&site))?;
    // Nobody has scaled it yet: we own the field, and what the repository says does not count any more.
    site.desk.write("environments/dev/values/app.yaml", "replicas: 3\n");
    site.expect("plan dev --exit-code", 0)?;
    scale(&site, 5);
    let door = Proxy::open_wide();
    site.through(&door);
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    site.expect("plan dev --show-ignored", 0)?.says("spec.replicas")?.says("decides how many there are")?;
    site.expect("drift dev", 0)?;
    let asked: Vec<_> = door.seen().into_iter().filter(|it| it.method != "GET").collect();
    assert!(asked.is_empty(), "no dry run is needed: {asked:?}");
    site.as_before();
    // A change of something else does not take it back.
    site.desk.write("environments/dev/values/app.yaml", "replicas: 3\nimage: 2\n");
    site.expect("plan dev --exit-code", 2)?.says("image")?.keeps_quiet_about("spec.replicas")?;
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    same("the replicas", "5", &replicas(&site))?;
    site.expect("plan dev --exit-code", 0)?;
    // Nor does a run that is not about the autoscaler's release: the inventory knows of it.
    site.expect("plan dev --release app --exit-code", 0)?;
    ignore(&site, &APP, "ignore: [{default: hpa-replicas, do: show}]\n");
    site.expect("plan dev", 4)?.says("spec.replicas")?.says("kube-controller-manager")?;
    site.expect("apply dev --yes --take kube-controller-manager", 0)?;
    same("the replicas", "3", &replicas(&site))
}

fn bundle() -> Result<(), Failed> {
    let site = Site::new("ignore-bundle");
    let name = site.namespace.clone();
    site.chart("hook", "bundle: Cg==\n", &WEBHOOK.replace("NAME", &name));
    site.releases(&["{name: hook, chart: hook}"]);
    site.expect("apply dev --yes", 0)?;
    let api: Api<ValidatingWebhookConfiguration> = Api::all(shared().client());
    let authority = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
    let inject = json!({"webhooks": [{"name": "it.example.com", "clientConfig": {"caBundle": authority}}]});
    let inject = Patch::Strategic(inject);
    shared().block_on(api.patch(&name, &by("cainjector"), &inject))?;
    let bundle = || -> Result<Json, Failed> {
        let hook = shared().block_on(api.get(&name))?;
        Ok(serde_json::to_value(hook)?["webhooks"][0]["clientConfig"]["caBundle"].take())
    };
    site.expect("plan dev --exit-code", 0)?;
    site.expect("drift dev", 0)?;
    for change in ["timeout: 3\n", "timeout: 4\nbundle: null\n"] {
        site.desk.write("environments/dev/values/hook.yaml", change);
        site.expect("plan dev --exit-code", 2)?.keeps_quiet_about("clientConfig.caBundle")?;
        site.expect("apply dev --yes", 0)?;
        assert_eq!(bundle()?, authority);
        site.expect("plan dev --exit-code", 0)?;
    }
    site.expect("destroy dev --yes", 0).map(drop)
}

fn aggregated() -> Result<(), Failed> {
    let site = Site::new("ignore-roles");
    let name = site.namespace.clone();
    site.chart("roles", "verb: get\n", &ROLES.replace("NAME", &name));
    site.releases(&["{name: roles, chart: roles}"]);
    site.expect("apply dev --yes", 0)?;
    let api: Api<ClusterRole> = Api::all(shared().client());
    let rules = || shared().block_on(api.get(&name)).map(|role| role.rules.unwrap_or_default().len());
    for _ in 0..100 {
        if rules()? > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(rules()?, 1, "the server collects the rules");
    site.expect("plan dev --exit-code", 0)?;
    site.expect("drift dev", 0)?;
    site.desk.write("environments/dev/values/roles.yaml", "label: changed\n");
    site.expect("apply dev --yes", 0)?;
    assert_eq!(rules()?, 1, "they stay");
    site.expect("plan dev --exit-code", 0)?;
    site.expect("destroy dev --yes", 0).map(drop)
}

fn hidden() -> Result<(), Failed> {
    let site = Site::with_web("ignore-hide");
    let web = "{name: web, chart: web, ignore: [{paths: [data.greeting], do: hide, reason: greetings vary}]}";
    site.releases(&[web]);
    site.expect("apply dev --yes", 0)?;
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Moin"}}));
    site.expect("plan dev --exit-code", 0)?;
    site.expect("drift dev", 0)?;
    site.releases(&["{name: web, chart: web}"]);
    site.expect("drift dev", 2)?.says("data.greeting")?;
    site.releases(&[web]);
    // What is applied for another reason is sent whole, and the plan names what it takes.
    site.desk.write("environments/dev/values/web.yaml", "port: 81\n");
    site.expect("apply dev --yes", 0)?.says("data.port")?.says("data.greeting")?;
    same("the data", r#"{"greeting":"Hello","port":"81"}"#, &site.data("web").unwrap_or_default())
}

fn unused() -> Result<(), Failed> {
    let site = Site::with_web("ignore-unused");
    let rules = "ignore:\n- {paths: [data.port], do: hide, reason: ports vary}\n- {paths: [data.prot], do: hide, reason: a slip}\n";
    let releases = ["{name: web, chart: web}", "{name: other, chart: web}"];
    ignore(&site, &releases, rules);
    let said = "The ignore rule for `data.prot` was not used";
    let run = site.expect("plan dev", 0)?;
    run.says(said)?.says("environments/dev/environment.yaml")?.keeps_quiet_about("`data.port`")?;
    site.expect("plan dev --release web", 0)?.keeps_quiet_about("was not used").map(drop)
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - {name: app, image: 'registry.example.com/app:{{ values.image }}'}
";

const AUTOSCALER: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec:
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
";

const WEBHOOK: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
- name: it.example.com
  clientConfig:
    service: {name: none, namespace: none}
    {% if values.bundle is defined and values.bundle %}
    caBundle: {{ values.bundle }}
    {% endif %}
  sideEffects: None
  timeoutSeconds: {{ values.timeout | default(2) }}
  admissionReviewVersions: [v1]
  rules: [{apiGroups: [it.example.com], apiVersions: [v1], resources: [things], operations: [CREATE]}]
";

const ROLES: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME, labels: {it: '{{ values.label | default('a') }}'}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {it/NAME: part}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME-part, labels: {it/NAME: part}}
rules: [{apiGroups: [''], resources: [pods], verbs: ['{{ values.verb }}']}]
";
