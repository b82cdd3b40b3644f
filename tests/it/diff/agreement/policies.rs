//! Bodies of kinds that hold rules: network, rights, budgets, admission.

use serde_json::{Value as Json, json};

use super::dice::{Dice, Fields, named};
use super::pods::quantity;
use super::scalars::labels;

pub fn quota(d: &Dice) -> Json {
    let hard = |d: &Dice| {
        Fields::new(d)
            .maybe("requests.cpu", 60, |d| quantity(d, &["1", "1000m", "0.5", "0"]))
            .maybe("limits.memory", 60, |d| quantity(d, &["1Gi", "1024Mi", "1e9"]))
            .maybe("pods", 50, |d| quantity(d, &["10", "0", "1e1"]))
            .maybe("count/widgets.example.com", 40, |d| quantity(d, &["0", "5"]))
            .done()
    };
    let scopes = if d.fixed().chance("scoped", 20) { json!(["NotTerminating"]) } else { Json::Null };
    let mut spec = Fields::new(&d.at("spec")).maybe("hard", 90, hard).done();
    if !scopes.is_null() {
        spec["scopes"] = scopes;
        if let Some(hard) = spec.get_mut("hard").and_then(Json::as_object_mut) {
            hard.remove("count/widgets.example.com");
        }
    }
    json!({"spec": spec})
}

pub fn limit_range(d: &Dice) -> Json {
    let item = |d: &Dice, kind: &str| {
        Fields::new(d)
            .always("type", |_| kind.into())
            .maybe("max", 70, |d| {
                Fields::new(d)
                    .maybe("cpu", 60, |d| quantity(d, &["4", "4000m"]))
                    .maybe("memory", 60, |d| quantity(d, &["8Gi", "8192Mi"]))
                    .done()
            })
            .maybe("min", 50, |d| {
                Fields::new(d)
                    .maybe("cpu", 60, |d| quantity(d, &["0.1", "100m", "0"]))
                    .maybe("memory", 60, |d| quantity(d, &["1Mi", "1048576"]))
                    .done()
            })
            .done()
    };
    json!({"spec": {"limits": named(&d.at("limits"), &["Container", "Pod"], 1, &item)}})
}

pub fn ingress(d: &Dice) -> Json {
    let backend = |d: &Dice| json!({"service": {"name": d.pick("name", &["a", "b"]), "port": d.pick("port", &[json!({"number": 80}), json!({"name": "http"})])}});
    let path = |d: &Dice, at: &str| {
        Fields::new(d)
            .always("path", |_| format!("/{at}").into())
            .always("pathType", |d| d.pick("type", &["Prefix", "Exact"]).into())
            .always("backend", backend)
            .done()
    };
    let rule = |d: &Dice, host: &str| {
        Fields::new(d)
            .always("host", |_| host.into())
            .maybe("http", 80, |d| json!({"paths": named(d, &["", "a", "b"], 1, &path)}))
            .done()
    };
    let spec = Fields::new(&d.at("spec"))
        .always("defaultBackend", backend)
        .text("ingressClassName", 50, &["nginx", "other"])
        .named("rules", 70, &["a.example.com", "b.example.com", ""], rule)
        .named("tls", 40, &["a.example.com", "b.example.com"], |d, host| {
            Fields::new(d).maybe("hosts", 80, |_| json!([host])).text("secretName", 70, &["t", ""]).done()
        });
    json!({"spec": spec.done()})
}

pub fn network_policy(d: &Dice) -> Json {
    let peers = |d: &Dice| {
        let all = [
            json!({"podSelector": {}}),
            json!({"namespaceSelector": {"matchLabels": {"a": ""}}}),
            json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
        ];
        json!(d.some("peers", &all, 0, 50))
    };
    let ports = |d: &Dice| {
        json!(d.some(
            "ports",
            &[
                json!({"port": 80}),
                json!({"port": "web", "protocol": "TCP"}),
                json!({"port": 53, "protocol": "UDP", "endPort": 60})
            ],
            0,
            50
        ))
    };
    let rule = |side: &'static str| {
        move |d: &Dice| {
            (0..d.below("count", 3))
                .map(|at| Fields::new(&d.at(&at.to_string())).maybe(side, 70, peers).maybe("ports", 60, ports).done())
                .collect()
        }
    };
    let spec = Fields::new(&d.at("spec"))
        .always("podSelector", |d| if d.chance("all", 40) { json!({}) } else { json!({"matchLabels": labels(d, 60)}) })
        .maybe("ingress", 60, rule("from"))
        .maybe("egress", 40, rule("to"))
        .maybe("policyTypes", 50, |d| json!(d.some("types", &["Ingress", "Egress"], 1, 60)));
    json!({"spec": spec.done()})
}

fn rules(d: &Dice) -> Json {
    (0..d.below("count", 3))
        .map(|at| {
            Fields::new(&d.at(&at.to_string()))
                .always("apiGroups", |d| json!(d.some("groups", &["", "apps"], 1, 50)))
                .always("resources", |d| json!(d.some("resources", &["pods", "deployments", "*"], 1, 50)))
                .always("verbs", |d| json!(d.some("verbs", &["get", "list", "*"], 1, 50)))
                .maybe("resourceNames", 20, |d| json!(d.some("names", &["x", ""], 0, 50)))
                .done()
        })
        .collect()
}

pub fn role(d: &Dice) -> Json {
    Fields::new(d).maybe("rules", 90, rules).done()
}

pub fn cluster_role(d: &Dice) -> Json {
    Fields::new(d)
        .maybe("rules", 80, rules)
        .maybe("aggregationRule", 30, |d| json!({"clusterRoleSelectors": [{"matchLabels": labels(d, 60)}]}))
        .done()
}

pub fn role_binding(d: &Dice) -> Json {
    let subjects = [
        json!({"kind": "ServiceAccount", "name": "a", "namespace": "b"}),
        json!({"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}),
        json!({"kind": "Group", "name": "system:g"}),
    ];
    Fields::new(d)
        .always("roleRef", |d| {
            Fields::new(&d.fixed())
                .always("kind", |_| "Role".into())
                .always("name", |_| "r".into())
                .text("apiGroup", 60, &["rbac.authorization.k8s.io"])
                .done()
        })
        .maybe("subjects", 85, |d| json!(d.some("subjects", &subjects, 0, 50)))
        .done()
}

pub fn disruption_budget(d: &Dice) -> Json {
    let least = d.at("spec").fixed().chance("least", 60);
    let field = if least { "minAvailable" } else { "maxUnavailable" };
    let spec = Fields::new(&d.at("spec"))
        .maybe(field, 85, |d| d.pick("count", &[json!(0), json!(1), json!("50%"), json!("0%")]))
        .maybe("selector", 80, |d| if d.chance("all", 20) { json!({}) } else { json!({"matchLabels": labels(d, 60)}) })
        .text("unhealthyPodEvictionPolicy", 25, &["IfHealthyBudget", "AlwaysAllow"]);
    json!({"spec": spec.done()})
}

pub fn autoscaler(d: &Dice) -> Json {
    let metric = |d: &Dice, name: &str| match name {
        "object" => {
            json!({"type": "Object", "object": {"metric": {"name": "requests"}, "describedObject": {"kind": "Service", "name": "a"},
            "target": {"type": "Value", "value": quantity(d, &["10k", "10000", "2"])}}})
        }
        "pods" => {
            json!({"type": "Pods", "pods": {"metric": {"name": "requests", "selector": {"matchLabels": {"a": "b"}}},
            "target": {"type": "AverageValue", "averageValue": quantity(d, &["1", "1000m", "0.5"])}}})
        }
        resource => {
            json!({"type": "Resource", "resource": {"name": resource, "target": {"type": "Utilization", "averageUtilization": d.below("share", 90) + 1}}})
        }
    };
    let rules = |d: &Dice| {
        Fields::new(d)
            .number("stabilizationWindowSeconds", 50, &[0, 300])
            .text("selectPolicy", 30, &["Max", "Min", "Disabled"])
            .maybe("policies", 60, |d| {
                named(
                    d,
                    &["Pods", "Percent"],
                    1,
                    &|d, kind| json!({"type": kind, "value": d.below("value", 5) + 1, "periodSeconds": 60}),
                )
            })
            .maybe("tolerance", 10, |d| quantity(d, &["0.1", "100m"]))
            .done()
    };
    let spec = Fields::new(&d.at("spec"))
        .always(
            "scaleTargetRef",
            |d| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": d.pick("name", &["a", "b"])}),
        )
        .always("maxReplicas", |d| (d.below("most", 4) + 3).into())
        .number("minReplicas", 50, &[1, 2, 3])
        .named("metrics", 70, &["cpu", "memory", "object", "pods"], metric)
        .maybe("behavior", 35, |d| Fields::new(d).maybe("scaleDown", 60, rules).maybe("scaleUp", 50, rules).done());
    json!({"spec": spec.done()})
}

pub fn priority_class(d: &Dice) -> Json {
    Fields::new(d)
        .always("value", |d| d.fixed().pick("value", &[0, 1, -5, 1_000_000]).into())
        .text("description", 60, &["", "what for", "ü"])
        .maybe("preemptionPolicy", 30, |d| d.fixed().pick("policy", &["Never", "PreemptLowerPriority"]).into())
        .done()
}

pub fn storage_class(d: &Dice) -> Json {
    Fields::new(d)
        .always("provisioner", |_| "example.com/none".into())
        .flag("allowVolumeExpansion", 50)
        .maybe("mountOptions", 40, |d| json!(d.some("options", &["ro", "soft"], 0, 50)))
        .maybe(
            "allowedTopologies",
            30,
            |d| json!([{"matchLabelExpressions": [{"key": "zone", "values": d.some("zones", &["a", "b"], 1, 50)}]}]),
        )
        .done()
}

/// They are called for objects that there are none of.
pub fn webhooks(d: &Dice) -> Json {
    let webhook = |d: &Dice, name: &str| {
        Fields::new(d)
            .always("name", |_| name.into())
            .always("admissionReviewVersions", |d| json!(d.some("versions", &["v1", "v1beta1"], 1, 50)))
            .always("sideEffects", |d| d.pick("effects", &["None", "NoneOnDryRun"]).into())
            .always("clientConfig", |d| {
                if d.chance("url", 40) {
                    json!({"url": "https://hook.example.com/x"})
                } else {
                    json!({"service": Fields::new(d).always("name", |_| "a".into()).always("namespace", |_| "b".into()).text("path", 50, &["", "/p"]).number("port", 40, &[443, 8443]).done()})
                }
            })
            .maybe("rules", 70, |d| {
                json!([Fields::new(d)
                    .always("apiGroups", |_| json!(["none.example.com"]))
                    .always("apiVersions", |_| json!(["v1"]))
                    .always("operations", |d| json!(d.some("operations", &["CREATE", "UPDATE"], 1, 50)))
                    .always("resources", |_| json!(["nothings"]))
                    .text("scope", 30, &["*", "Namespaced"])
                    .done()])
            })
            .text("failurePolicy", 30, &["Ignore", "Fail"])
            .text("matchPolicy", 20, &["Exact", "Equivalent"])
            .number("timeoutSeconds", 30, &[1, 10])
            .maybe("namespaceSelector", 30, |d| json!({"matchLabels": labels(d, 50)}))
            .done()
    };
    json!({"webhooks": named(&d.at("webhooks"), &["a.example.com", "b.example.com", "c.example.com"], 0, &webhook)})
}

pub fn lease(d: &Dice) -> Json {
    let spec = Fields::new(&d.at("spec"))
        .text("holderIdentity", 60, &["a", "b"])
        .number("leaseDurationSeconds", 60, &[10, 20])
        .text("acquireTime", 40, &["2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z"]);
    json!({"spec": spec.done()})
}

pub fn endpoints(d: &Dice) -> Json {
    Fields::new(d)
        .always("addressType", |_| "IPv4".into())
        .always("endpoints", |d| {
            named(d, &["10.0.0.1", "10.0.0.2"], 0, &|d, ip| {
                Fields::new(d)
                    .always("addresses", |_| json!([ip]))
                    .maybe("conditions", 50, |d| Fields::new(d).flag("ready", 70).flag("serving", 30).done())
                    .text("hostname", 30, &["a", "b"])
                    .done()
            })
        })
        .maybe("ports", 70, |d| {
            named(d, &["http", "https"], 0, &|d, name| {
                Fields::new(d)
                    .always("name", |_| name.into())
                    .number("port", 90, &[80, 443])
                    .text("protocol", 40, &["TCP"])
                    .done()
            })
        })
        .done()
}
