//! A plan of fifty objects: 12 to change, 20 to create, 4 to make again, 6 to take over from kubectl, 8 to delete.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::Resource as _;
use kube::api::{Api, ListParams, PostParams};
use libtest_mimic::Failed;
use serde_json::{Value as Json, json};

use crate::cli::program::Run;
use crate::cli::site::Site;
use crate::sandbox::shared;

/// What a release of each of the two stages has.
const BEFORE: &str = "{version: 1, keep: 3, change: 6, fixed: 2, gone: 4, fresh: 0, adopt: 0}";
const AFTER: &str = "{version: 2, keep: 3, change: 6, fixed: 2, gone: 0, fresh: 10, adopt: 3}";
/// The two releases, of which the second needs the first.
const RELEASES: [&str; 2] = ["base", "app"];

const CHART: &str = r#"
{% macro config(kind, at, version, immutable) %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ release.name }}-{{ kind }}{{ at }}}
immutable: {{ immutable }}
data: {version: "{{ version }}"}
{% endmacro %}
{% for at in range(values.keep) %}{{ config("keep", at, 1, false) }}{% endfor %}
{% for at in range(values.change) %}{{ config("change", at, values.version, false) }}{% endfor %}
{% for at in range(values.fixed) %}{{ config("fixed", at, values.version, true) }}{% endfor %}
{% for at in range(values.gone) %}{{ config("gone", at, 1, false) }}{% endfor %}
{% for at in range(values.adopt) %}{{ config("adopt", at, values.version, false) }}{% endfor %}
{% for at in range(values.fresh) %}
{% if at % 5 == 0 %}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ release.name }}-fresh{{ at }}}
stringData: {version: "{{ values.version }}"}
{% elif at % 5 == 1 %}
---
apiVersion: v1
kind: Service
metadata: {name: {{ release.name }}-fresh{{ at }}}
spec: {selector: {app: web}, ports: [{port: 80}]}
{% else %}{{ config("fresh", at, values.version, false) }}{% endif %}
{% endfor %}
"#;

/// The fifty objects, before the plan.
pub struct Fleet {
    /// The project.
    pub site: Site,
    /// What was there before the run with the fault.
    pub before: BTreeMap<String, Live>,
}

/// What of a live object matters here.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Its UID.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
    /// Whether it has our label.
    pub ours: bool,
    /// `data.version` of a ConfigMap.
    pub version: Option<String>,
}

impl Fleet {
    /// Applies what is there before, and commits the project to the plan of fifty.
    pub fn new(prefix: &str) -> Result<Self, Failed> {
        let site = Site::new(prefix);
        site.chart("fleet", "{}", CHART);
        releases(&site, BEFORE);
        site.expect("apply dev --yes --no-wait", 0)?;
        for name in RELEASES.iter().flat_map(|release| (0..3).map(move |at| format!("{release}-adopt{at}"))) {
            by_kubectl(&site.namespace, &name)?;
        }
        releases(&site, AFTER);
        let before = live(&site.namespace)?;
        Ok(Self { site, before })
    }

    /// The arguments of the apply of the plan.
    pub fn apply() -> String {
        let replaced =
            RELEASES.iter().flat_map(|it| (0..2).map(move |at| format!(" --replace ConfigMap/{it}-fixed{at}")));
        format!("apply dev --yes --prune-cap 20{}", replaced.collect::<String>())
    }

    /// The apply of the plan, with more arguments.
    pub fn run(&self, more: &str) -> Run {
        self.site.run(&format!("{} {more}", Self::apply()))
    }

    /// The names of all objects after the plan, as [`live`] names them.
    pub fn after() -> Vec<String> {
        let kinds = [("keep", 3), ("change", 6), ("fixed", 2), ("adopt", 3)];
        let maps = kinds.iter().flat_map(|(kind, count)| (0..*count).map(move |at| format!("{kind}{at}")));
        let maps: Vec<String> = maps.map(|it| format!("ConfigMap/RELEASE-{it}")).collect();
        let fresh = (0..10).map(|at| match at % 5 {
            0 => format!("Secret/RELEASE-fresh{at}"),
            1 => format!("Service/RELEASE-fresh{at}"),
            _ => format!("ConfigMap/RELEASE-fresh{at}"),
        });
        let all: Vec<String> = maps.into_iter().chain(fresh).collect();
        let mut names: Vec<String> =
            RELEASES.iter().flat_map(|release| all.iter().map(|it| it.replace("RELEASE", release))).collect();
        names.sort();
        names
    }
}

fn releases(site: &Site, values: &str) {
    let [base, app] = RELEASES;
    site.releases(&[
        &format!("{{name: {base}, chart: fleet, values: [{values}]}}"),
        &format!("{{name: {app}, chart: fleet, needs: [{base}], values: [{values}]}}"),
    ]);
}

/// A ConfigMap as `kubectl apply` leaves one, with a field that leaves with kubectl.
fn by_kubectl(namespace: &str, name: &str) -> Result<(), Failed> {
    let data = json!({"version": "1", "old": "x"});
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
    let map = json!({
        "metadata": {"name": name, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied.to_string()}},
        "data": data,
    });
    let map: ConfigMap = serde_json::from_value(map)?;
    let parameters = PostParams { field_manager: Some("kubectl-client-side-apply".into()), ..PostParams::default() };
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), namespace);
    shared().block_on(api.create(&parameters, &map))?;
    Ok(())
}

/// The objects of a namespace by `KIND/NAME`, without those that controllers put into every namespace.
pub fn live(namespace: &str) -> Result<BTreeMap<String, Live>, Failed> {
    let mut found = BTreeMap::new();
    shared().block_on(async {
        let (client, all) = (shared().client(), ListParams::default());
        for it in Api::<ConfigMap>::namespaced(client.clone(), namespace).list(&all).await? {
            let version = it.data.as_ref().and_then(|data| data.get("version")).cloned();
            found.insert(name("ConfigMap", it.meta()), entry(it.meta(), version));
        }
        for it in Api::<Secret>::namespaced(client.clone(), namespace).list(&all).await? {
            found.insert(name("Secret", it.meta()), entry(it.meta(), None));
        }
        for it in Api::<Service>::namespaced(client, namespace).list(&all).await? {
            found.insert(name("Service", it.meta()), entry(it.meta(), None));
        }
        Ok::<_, kube::Error>(())
    })?;
    found.remove("ConfigMap/kube-root-ca.crt");
    Ok(found)
}

type Meta = kube::core::ObjectMeta;

fn name(kind: &str, meta: &Meta) -> String {
    format!("{kind}/{}", meta.name.as_deref().unwrap_or_default())
}

fn entry(meta: &Meta, version: Option<String>) -> Live {
    Live {
        uid: meta.uid.clone().unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        ours: meta.labels.as_ref().is_some_and(|it| it.contains_key("applyset.kubernetes.io/part-of")),
        version,
    }
}

/// `KIND/NAME` of an object of a report.
pub fn named(object: &Json) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    format!("{}/{}", text("kind"), text("name"))
}
