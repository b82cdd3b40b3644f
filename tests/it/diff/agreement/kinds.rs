//! The kinds of which objects are made, and their bodies.

use serde_json::{Value as Json, json};

use super::dice::{Dice, Fields, named};
use super::pods::{quantity, template};
use super::scalars::{INTEGERS, TEXTS, labels, metadata};
use super::{custom, policies};

/// A kind: how it is written, where it is served, and how a body comes about.
#[derive(Clone, Copy)]
pub struct Kind {
    pub api_version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    /// Of so many objects, how many are of this kind.
    pub weight: u64,
    /// Whether it has the subresource.
    pub scale: bool,
    pub status: bool,
    /// All but `apiVersion`, `kind` and `metadata`.
    pub body: fn(&Dice) -> Json,
}

const fn kind(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    weight: u64,
    body: fn(&Dice) -> Json,
) -> Kind {
    Kind { api_version, name: kind, plural, namespaced: true, weight, scale: false, status: false, body }
}

const fn whole(it: Kind) -> Kind {
    Kind { namespaced: false, ..it }
}

const fn with_status(it: Kind) -> Kind {
    Kind { status: true, ..it }
}

const fn with_scale(it: Kind) -> Kind {
    Kind { scale: true, status: true, ..it }
}

/// All kinds.
pub const KINDS: [Kind; 31] = [
    with_scale(kind("apps/v1", "Deployment", "deployments", 14, deployment)),
    with_scale(kind("apps/v1", "StatefulSet", "statefulsets", 8, stateful_set)),
    with_status(kind("apps/v1", "DaemonSet", "daemonsets", 6, daemon_set)),
    with_status(kind("batch/v1", "CronJob", "cronjobs", 5, cron_job)),
    with_status(kind("batch/v1", "Job", "jobs", 3, job)),
    kind("v1", "ConfigMap", "configmaps", 6, config_map),
    kind("v1", "Secret", "secrets", 6, secret),
    with_status(kind("v1", "Service", "services", 9, service)),
    kind("v1", "ServiceAccount", "serviceaccounts", 3, service_account),
    with_status(kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims", 3, claim)),
    with_status(kind("v1", "ResourceQuota", "resourcequotas", 3, policies::quota)),
    kind("v1", "LimitRange", "limitranges", 3, policies::limit_range),
    with_status(kind("networking.k8s.io/v1", "Ingress", "ingresses", 5, policies::ingress)),
    kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", 4, policies::network_policy),
    kind("rbac.authorization.k8s.io/v1", "Role", "roles", 3, policies::role),
    kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", 3, policies::role_binding),
    whole(kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", 3, policies::cluster_role)),
    with_status(kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", 4, policies::disruption_budget)),
    with_status(kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", 6, policies::autoscaler)),
    whole(kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", 2, policies::priority_class)),
    whole(kind("storage.k8s.io/v1", "StorageClass", "storageclasses", 2, policies::storage_class)),
    whole(kind(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        3,
        policies::webhooks,
    )),
    whole(kind(
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        2,
        policies::webhooks,
    )),
    kind("coordination.k8s.io/v1", "Lease", "leases", 2, policies::lease),
    kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", 2, policies::endpoints),
    with_scale(kind("agreement.example.com/v1", "Sample", "samples", 20, custom::sample)),
    kind("agreement.example.com/v1", "Plain", "plains", 5, custom::plain),
    whole(kind("agreement.example.com/v1", "Wide", "wides", 5, custom::sample)),
    with_scale(kind("apps/v1", "ReplicaSet", "replicasets", 2, replica_set)),
    with_scale(kind("v1", "ReplicationController", "replicationcontrollers", 2, replication_controller)),
    kind("v1", "PodTemplate", "podtemplates", 3, pod_template),
];

/// The kind of an object.
pub fn choose(d: &Dice) -> &'static Kind {
    let total = KINDS.iter().map(|it| it.weight).sum();
    let mut at = d.below("kind", total);
    for kind in &KINDS {
        if at < kind.weight {
            return kind;
        }
        at -= kind.weight;
    }
    &KINDS[0]
}

impl Kind {
    /// An object that the dice make.
    pub fn object(&self, d: &Dice, name: &str) -> Json {
        let mut body = (self.body)(d);
        let fields = body.as_object_mut().unwrap();
        fields.insert("apiVersion".into(), self.api_version.into());
        fields.insert("kind".into(), self.name.into());
        fields.insert("metadata".into(), metadata(&d.at("metadata"), name));
        body
    }

    /// Where an object is served.
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let root = if self.api_version.contains('/') { "/apis/" } else { "/api/" };
        let namespace = if self.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
        format!(
            "{root}{}{namespace}/{}{name}",
            self.api_version,
            self.plural,
            name = if name.is_empty() { String::new() } else { format!("/{name}") }
        )
    }

    /// Whether the server knows it by itself.
    pub fn is_builtin(&self) -> bool {
        !self.api_version.ends_with("example.com/v1")
    }
}

fn spec(spec: Json) -> Json {
    json!({"spec": spec})
}

fn deployment(d: &Dice) -> Json {
    let d = &d.at("spec");
    spec(
        Fields::new(d)
            .number("replicas", 65, &[0, 1, 2, 3])
            .always("selector", |_| json!({"matchLabels": {"app": "a"}}))
            .always("template", |d| template(d, "a", &["Always"]))
            .maybe("strategy", 35, |d| {
                if d.chance("recreate", 25) {
                    return json!({"type": "Recreate"});
                }
                Fields::new(d)
                    .text("type", 60, &["RollingUpdate"])
                    .maybe("rollingUpdate", 60, |d| {
                        Fields::new(d)
                            .maybe("maxSurge", 70, |d| d.pick("surge", &[json!(1), json!("25%"), json!("10%")]))
                            .maybe("maxUnavailable", 60, |d| d.pick("down", &[json!(0), json!("25%"), json!(1)]))
                            .done()
                    })
                    .done()
            })
            .number("minReadySeconds", 25, &[0, 5])
            .number("revisionHistoryLimit", 25, &[0, 3, 10])
            .number("progressDeadlineSeconds", 20, &[600, 700])
            .flag("paused", 15)
            .done(),
    )
}

fn replica_set(d: &Dice) -> Json {
    let d = &d.at("spec");
    spec(
        Fields::new(d)
            .number("replicas", 65, &[0, 1, 2])
            .always("selector", |_| json!({"matchLabels": {"app": "a"}}))
            .always("template", |d| template(d, "a", &["Always"]))
            .number("minReadySeconds", 25, &[0, 5])
            .done(),
    )
}

fn replication_controller(d: &Dice) -> Json {
    let d = &d.at("spec");
    spec(
        Fields::new(d)
            .number("replicas", 65, &[0, 1, 2])
            .maybe("selector", 60, |_| json!({"app": "a"}))
            .always("template", |d| template(d, "a", &["Always"]))
            .done(),
    )
}

fn pod_template(d: &Dice) -> Json {
    json!({"template": template(&d.at("template"), "a", &["Always", "Never"])})
}

fn stateful_set(d: &Dice) -> Json {
    let d = &d.at("spec");
    let spec_of = Fields::new(d)
        .number("replicas", 65, &[0, 1, 3])
        .always("serviceName", |_| "a".into())
        .always("selector", |_| json!({"matchLabels": {"app": "a"}}))
        .always("template", |d| template(d, "a", &["Always"]))
        .maybe("updateStrategy", 40, |d| {
            if d.chance("delete", 25) {
                return json!({"type": "OnDelete"});
            }
            Fields::new(d)
                .always("type", |_| "RollingUpdate".into())
                .maybe("rollingUpdate", 50, |d| Fields::new(d).number("partition", 70, &[0, 1]).done())
                .done()
        })
        .number("minReadySeconds", 20, &[0, 5])
        .number("revisionHistoryLimit", 20, &[0, 10])
        .maybe("persistentVolumeClaimRetentionPolicy", 25, |d| {
            Fields::new(d)
                .text("whenDeleted", 60, &["Retain", "Delete"])
                .text("whenScaled", 60, &["Retain", "Delete"])
                .done()
        });
    // What must not change once it is there.
    let fixed = Fields::new(&d.fixed())
        .maybe("volumeClaimTemplates", 50, |d| named(d, &["data", "log"], 1, &claim_template))
        .text("podManagementPolicy", 20, &["Parallel", "OrderedReady"])
        .done();
    let mut spec_of = spec_of.done();
    spec_of.as_object_mut().unwrap().extend(fixed.as_object().unwrap().clone());
    spec(spec_of)
}

fn claim_template(d: &Dice, name: &str) -> Json {
    let mut claim = json!({"metadata": {"name": name}, "spec": claim(d)["spec"]});
    if d.chance("labelled", 30) {
        claim["metadata"]["labels"] = labels(&d.at("labels"), 50);
    }
    claim
}

fn claim(d: &Dice) -> Json {
    let d = &d.at("spec").fixed();
    spec(
        Fields::new(d)
            .always("accessModes", |d| json!(d.some("modes", &["ReadWriteOnce", "ReadOnlyMany"], 1, 40)))
            .always(
                "resources",
                |d| json!({"requests": {"storage": quantity(d, &["1Gi", "1024Mi", "1.5Gi", "1e9", "1000000000"])}}),
            )
            .text("storageClassName", 40, &["", "standard"])
            .text("volumeMode", 20, &["Filesystem", "Block"])
            .done(),
    )
}

fn daemon_set(d: &Dice) -> Json {
    let d = &d.at("spec");
    spec(
        Fields::new(d)
            .always("selector", |_| json!({"matchLabels": {"app": "a"}}))
            .always("template", |d| template(d, "a", &["Always"]))
            .maybe("updateStrategy", 40, |d| {
                if d.chance("delete", 25) {
                    return json!({"type": "OnDelete"});
                }
                Fields::new(d)
                    .text("type", 80, &["RollingUpdate"])
                    .maybe("rollingUpdate", 50, |d| {
                        Fields::new(d).maybe("maxUnavailable", 80, |d| d.pick("down", &[json!(1), json!("25%")])).done()
                    })
                    .done()
            })
            .number("minReadySeconds", 20, &[0, 5])
            .number("revisionHistoryLimit", 20, &[0, 10])
            .done(),
    )
}

fn cron_job(d: &Dice) -> Json {
    let d = &d.at("spec");
    spec(
        Fields::new(d)
            .always("schedule", |d| d.pick("when", &["0 * * * *", "*/5 1 * * 1-5", "@daily"]).into())
            .text("timeZone", 20, &["Etc/UTC", "Europe/Paris"])
            .text("concurrencyPolicy", 30, &["Allow", "Forbid", "Replace"])
            .flag("suspend", 30)
            .number("startingDeadlineSeconds", 20, &[0, 60])
            .number("successfulJobsHistoryLimit", 25, &[0, 3])
            .number("failedJobsHistoryLimit", 25, &[0, 1])
            .always("jobTemplate", |d| {
                let job = Fields::new(&d.at("spec"))
                    .always("template", |d| template(d, "a", &["Never", "OnFailure"]))
                    .number("backoffLimit", 30, &[0, 6])
                    .number("parallelism", 20, &[0, 1, 2])
                    .number("activeDeadlineSeconds", 20, &[30])
                    .number("ttlSecondsAfterFinished", 20, &[0, 60])
                    .done();
                Fields::new(d)
                    .maybe("metadata", 30, |d| json!({"labels": labels(d, 50)}))
                    .always("spec", |_| with_restart(job))
                    .done()
            })
            .done(),
    )
}

/// Pods of jobs must say when they are started again.
fn with_restart(mut job: Json) -> Json {
    let pod = job["template"]["spec"].as_object_mut().unwrap();
    pod.entry("restartPolicy").or_insert_with(|| "Never".into());
    for probe in pod["containers"].as_array_mut().unwrap() {
        let fields = probe.as_object_mut().unwrap();
        fields.retain(|key, _| !key.ends_with("Probe"));
    }
    job
}

fn job(d: &Dice) -> Json {
    let d = &d.at("spec");
    let job = json!({"template": template(&d.at("template").fixed(), "a", &["Never", "OnFailure"])});
    let mut job = with_restart(job);
    let rest = Fields::new(d)
        .always("suspend", |_| true.into())
        .number("parallelism", 40, &[0, 1, 2])
        .number("activeDeadlineSeconds", 30, &[30, 60])
        .number("backoffLimit", 30, &[0, 6])
        .number("ttlSecondsAfterFinished", 30, &[0, 60])
        .done();
    job.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    spec(job)
}

const KEYS: [&str; 6] = ["a", "b.yaml", "c-d_e", ".hidden", "F", "zero"];

fn config_map(d: &Dice) -> Json {
    let entries = |d: &Dice| {
        let mut map = serde_json::Map::new();
        for key in KEYS {
            if d.chance(key, 45) {
                map.insert(key.to_owned(), d.at(key).pick("value", &TEXTS).into());
            }
        }
        map.into()
    };
    Fields::new(d)
        .maybe("data", 90, entries)
        .maybe("binaryData", 25, |d| {
            let mut map = serde_json::Map::new();
            for key in ["bin", "png.b"] {
                if d.chance(key, 60) {
                    map.insert(key.to_owned(), d.at(key).pick("bytes", &["", "AA==", "/+8=", "AAEC/w=="]).into());
                }
            }
            map.into()
        })
        .done()
}

fn secret(d: &Dice) -> Json {
    Fields::new(d)
        .maybe("data", 80, |d| {
            let mut map = serde_json::Map::new();
            for key in KEYS {
                if d.chance(key, 40) {
                    map.insert(
                        key.to_owned(),
                        d.at(key).pick("bytes", &["", "AA==", "/+8=", "AAEC/w==", "aHVu\ndGVy", "aHVudGVy"]).into(),
                    );
                }
            }
            map.into()
        })
        .maybe("stringData", 40, |d| {
            let mut map = serde_json::Map::new();
            for key in KEYS {
                if d.chance(key, 30) {
                    map.insert(key.to_owned(), d.at(key).pick("value", &TEXTS).into());
                }
            }
            map.into()
        })
        .done()
}

fn service(d: &Dice) -> Json {
    let d = &d.at("spec");
    let headless = d.fixed().chance("headless", 20);
    let mut fields = Fields::new(d)
        .maybe("selector", 85, |d| {
            let mut labels = labels(d, 30);
            labels["app"] = "a".into();
            labels
        })
        .always("ports", service_ports)
        .maybe("sessionAffinity", 25, |d| d.pick("affinity", &["None", "ClientIP"]).into())
        .flag("publishNotReadyAddresses", 20)
        .maybe("externalIPs", 15, |d| json!(d.some("ips", &["192.0.2.1", "192.0.2.2"], 0, 50)))
        .text("internalTrafficPolicy", 15, &["Cluster", "Local"]);
    fields = if headless {
        fields.always("clusterIP", |_| "None".into())
    } else {
        fields.text("type", 60, &["ClusterIP", "ClusterIP", "NodePort", "LoadBalancer"])
    };
    let mut made = fields.done();
    if matches!(made["type"].as_str(), Some("NodePort" | "LoadBalancer")) && d.chance("policy", 30) {
        made["externalTrafficPolicy"] = d.pick("external", &["Cluster", "Local"]).into();
    }
    if made["type"] == "LoadBalancer" && d.chance("source-ranges", 30) {
        made["loadBalancerSourceRanges"] = json!(d.some("ranges", &["10.0.0.0/8", "192.0.2.0/24"], 0, 60));
    }
    spec(made)
}

fn service_ports(d: &Dice) -> Json {
    named(d, &["80/http/", "80/dns/UDP", "443/https/TCP", "53/domain/UDP"], 1, &|d, name| {
        let mut parts = name.split('/');
        let port: i64 = parts.next().unwrap().parse().unwrap();
        let name = parts.next().unwrap().to_owned();
        let protocol = parts.next().unwrap();
        let fields = Fields::new(d).always("port", |_| port.into()).always("name", |_| name.into());
        let fields = match protocol {
            "" => fields.text("protocol", 30, &["TCP"]),
            other => fields.always("protocol", |_| other.into()),
        };
        fields
            .maybe("targetPort", 50, |d| d.pick("target", &[json!(8080), json!("web"), json!(80)]))
            .text("appProtocol", 15, &["http", "example.com/x"])
            .done()
    })
}

fn service_account(d: &Dice) -> Json {
    Fields::new(d)
        .flag("automountServiceAccountToken", 40)
        .named("imagePullSecrets", 50, &["one", "two"], |_, name| json!({"name": name}))
        .named("secrets", 40, &["s-one", "s-two"], |_, name| json!({"name": name}))
        .done()
}

/// An integer that must not be lost on the way.
pub fn integer(d: &Dice) -> Json {
    d.pick("integer", &INTEGERS).into()
}
