//! Pod templates.

use serde_json::{Value as Json, json};

use super::dice::{Dice, Fields, named};
use super::scalars::{TEXTS, labels};

const CPU: [&str; 6] = ["100m", "0.1", "0.25", "250m", "0", "0.1000"];
const CPU_LIMIT: [&str; 6] = ["1", "1000m", "1.5", "1500m", "2e0", "2"];
const MEMORY: [&str; 8] = ["64Mi", "67108864", "0.0625Gi", "64M", "1e6", "1024Ki", "128974848", "0"];
const MEMORY_LIMIT: [&str; 6] = ["1Gi", "1024Mi", "1.5Gi", "2G", "1073741824", "2e9"];
const IMAGES: [&str; 5] = [
    "registry.example.com/a:1",
    "registry.example.com/a:2",
    "registry.example.com/a",
    "registry.example.com/a:latest",
    "registry.example.com/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];
const VOLUMES: [&str; 6] = ["config", "data", "down", "host", "secret", "token"];

/// A quantity, which may also be written as a number.
pub fn quantity(d: &Dice, of: &[&str]) -> Json {
    let text = d.pick("quantity", of);
    match text.parse::<i64>() {
        Ok(number) if d.chance("as-number", 40) => number.into(),
        _ => text.into(),
    }
}

/// A template of pods that the selector `app` selects.
pub fn template(d: &Dice, app: &str, restart: &[&str]) -> Json {
    let metadata = Fields::new(&d.at("metadata"))
        .always("labels", |d| {
            let mut labels = labels(d, 30);
            labels["app"] = app.into();
            labels
        })
        .maybe("annotations", 30, |d| labels(d, 60))
        .done();
    json!({"metadata": metadata, "spec": pod(&d.at("spec"), restart)})
}

fn pod(d: &Dice, restart: &[&str]) -> Json {
    let volumes = if d.chance("volumes", 50) { d.some("volumes", &VOLUMES, 1, 40) } else { Vec::new() };
    let spec = Fields::new(d)
        .always("containers", |d| named(d, &["app", "web", "z-side"], 1, &|d, name| container(d, name, &volumes)))
        .maybe("initContainers", 20, |d| named(d, &["prepare", "wait"], 0, &|d, name| container(d, name, &volumes)))
        .text("restartPolicy", 40, restart)
        .text("serviceAccountName", 25, &["default", "app", ""])
        .number("terminationGracePeriodSeconds", 30, &[0, 1, 30, 60])
        .text("dnsPolicy", 15, &["ClusterFirst", "Default"])
        .text("schedulerName", 10, &["default-scheduler", "other"])
        .flag("enableServiceLinks", 15)
        .flag("automountServiceAccountToken", 20)
        .flag("hostNetwork", 4)
        .flag("shareProcessNamespace", 10)
        .maybe("nodeSelector", 25, |d| labels(d, 50))
        .maybe("tolerations", 30, tolerations)
        .maybe("topologySpreadConstraints", 25, spread)
        .maybe("affinity", 20, affinity)
        .maybe("securityContext", 35, pod_security)
        .named("imagePullSecrets", 20, &["one", "two"], |_, name| json!({"name": name}))
        .named(
            "hostAliases",
            15,
            &["10.0.0.1", "10.0.0.2"],
            |d, ip| json!({"ip": ip, "hostnames": d.some("names", &["a.example.com", "b.example.com"], 1, 50)}),
        )
        .named("readinessGates", 5, &["example.com/a", "example.com/b"], |_, kind| json!({"conditionType": kind}))
        .maybe("dnsConfig", 10, |d| {
            Fields::new(d)
                .maybe("nameservers", 70, |d| json!(d.some("ip", &["10.0.0.3", "10.0.0.4"], 0, 50)))
                .maybe("searches", 40, |d| json!(d.some("search", &["a.example.com", "b.example.com"], 0, 50)))
                .named("options", 50, &["ndots", "edns0"], |_, name| json!({"name": name, "value": "2"}))
                .done()
        });
    let mut spec = spec.done();
    if !volumes.is_empty() {
        let d = d.at("volume");
        spec["volumes"] = volumes.iter().map(|name| volume(&d.at(name), name)).collect();
    }
    spec
}

fn tolerations(d: &Dice) -> Json {
    let item = |d: &Dice| {
        Fields::new(d)
            .always("key", |d| d.pick("key", &["a", "example.com/b"]).into())
            .text("operator", 60, &["Exists"])
            .text("effect", 60, &["NoSchedule", "PreferNoSchedule"])
            .done()
    };
    let exists = |mut item: Json| {
        item["operator"] = "Exists".into();
        item
    };
    (0..d.below("count", 3)).map(|at| exists(item(&d.at(&at.to_string())))).collect()
}

fn spread(d: &Dice) -> Json {
    named(d, &["zone/DoNotSchedule", "zone/ScheduleAnyway", "host/ScheduleAnyway"], 0, &|d, name| {
        let (key, when) = name.split_once('/').unwrap();
        Fields::new(d)
            .always("maxSkew", |d| (d.below("skew", 3) + 1).into())
            .always("topologyKey", |_| key.into())
            .always("whenUnsatisfiable", |_| when.into())
            .maybe("labelSelector", 50, |_| json!({"matchLabels": {"app": "a"}}))
            .text("nodeTaintsPolicy", 20, &["Honor", "Ignore"])
            .done()
    })
}

fn affinity(d: &Dice) -> Json {
    let terms = |d: &Dice| {
        let values = d.some("values", &["x", "y", "z"], 1, 50);
        json!([{"matchExpressions": [{"key": "example.com/pool", "operator": "In", "values": values}]}])
    };
    Fields::new(d)
        .maybe(
            "nodeAffinity",
            60,
            |d| json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms(d)}}),
        )
        .maybe("podAntiAffinity", 60, |d| {
            json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": d.below("weight", 99) + 1,
                "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "a"}}}}]})
        })
        .done()
}

fn pod_security(d: &Dice) -> Json {
    Fields::new(d)
        .flag("runAsNonRoot", 40)
        .number("runAsUser", 40, &[0, 1000, 65534])
        .number("fsGroup", 30, &[0, 2000])
        .maybe("supplementalGroups", 20, |d| json!(d.some("groups", &[0, 5, 9_999_999], 0, 50)))
        .named(
            "sysctls",
            15,
            &["kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies"],
            |_, name| json!({"name": name, "value": "1"}),
        )
        .maybe("seccompProfile", 25, |_| json!({"type": "RuntimeDefault"}))
        .text("fsGroupChangePolicy", 15, &["OnRootMismatch", "Always"])
        .done()
}

fn container(d: &Dice, name: &str, volumes: &[&str]) -> Json {
    let probe = |d: &Dice| probe(d);
    let plain = !matches!(name, "prepare" | "wait");
    let fields = Fields::new(d)
        .always("name", |_| name.into())
        .always("image", |d| d.pick("image", &IMAGES).into())
        .text("imagePullPolicy", 20, &["Always", "IfNotPresent", "Never"])
        .maybe("command", 15, |d| json!(d.some("words", &["sh", "-c", "", "exit 0"], 0, 60)))
        .maybe("args", 25, |d| json!(d.some("words", &["--a=1", "--b", "", "on", "1e3", "ü→码"], 0, 50)))
        .named("env", 50, &["A", "B", "C_D", "E.F"], env)
        .maybe("envFrom", 10, |d| {
            (0..d.below("count", 3))
                .map(|at| json!({"prefix": format!("P{at}_"), "configMapRef": {"name": "c", "optional": true}}))
                .collect()
        })
        .maybe("ports", 45, ports)
        .maybe("resources", 45, resources)
        .maybe("securityContext", 25, |d| {
            Fields::new(d)
                .flag("privileged", 20)
                .flag("readOnlyRootFilesystem", 40)
                .number("runAsUser", 30, &[0, 1000])
                .maybe("capabilities", 50, |d| {
                    Fields::new(d)
                        .maybe("add", 50, |d| json!(d.some("caps", &["NET_ADMIN", "SYS_TIME"], 0, 50)))
                        .maybe("drop", 60, |d| json!(d.some("caps", &["ALL", "CHOWN"], 0, 50)))
                        .done()
                })
                .done()
        })
        .text("workingDir", 10, &["", "/tmp"])
        .flag("stdin", 10)
        .flag("tty", 8)
        .text("terminationMessagePolicy", 10, &["File", "FallbackToLogsOnError"])
        .text("terminationMessagePath", 8, &["/dev/termination-log", "/tmp/log"]);
    let fields = if plain {
        fields
            .maybe("livenessProbe", 25, probe)
            .maybe("readinessProbe", 25, probe)
            .maybe("startupProbe", 8, probe)
            .maybe("lifecycle", 12, |d| {
                Fields::new(d)
                    .maybe("preStop", 70, |d| {
                        if d.chance("sleep", 50) {
                            json!({"sleep": {"seconds": 0}})
                        } else {
                            json!({"exec": {"command": ["true"]}})
                        }
                    })
                    .done()
            })
    } else {
        fields
    };
    let mut container = fields.done();
    let mounts = d.at("volumeMounts").some("mounts", volumes, 0, 60);
    if !mounts.is_empty() {
        let d = d.at("volumeMount");
        container["volumeMounts"] = mounts.iter().map(|volume| mount(&d.at(volume), volume)).collect();
    }
    container
}

fn mount(d: &Dice, volume: &str) -> Json {
    Fields::new(d)
        .always("name", |_| volume.into())
        .always("mountPath", |_| format!("/mnt/{volume}").into())
        .flag("readOnly", 30)
        .text("subPath", 20, &["", "sub", "sub/dir.d"])
        .done()
}

fn env(d: &Dice, name: &str) -> Json {
    let fields = Fields::new(d).always("name", |_| name.into());
    let from = if d.chance("switches", 25) { d.chance("from", 25) } else { d.fixed().chance("from", 25) };
    if !from {
        return fields.maybe("value", 90, |d| d.pick("value", &TEXTS).into()).done();
    }
    fields
        .always("valueFrom", |d| match d.below("source", 4) {
            0 => Fields::new(&d.at("f"))
                .always("fieldRef", |d| {
                    Fields::new(d)
                        .always("fieldPath", |d| {
                            d.pick("path", &["metadata.name", "status.podIP", "metadata.labels['app.x/y']"]).into()
                        })
                        .text("apiVersion", 20, &["v1"])
                        .done()
                })
                .done(),
            1 => json!({"configMapKeyRef": {"name": "c", "key": d.pick("key", &["a", "b.c"])}}),
            2 => Fields::new(&d.at("s"))
                .always("secretKeyRef", |d| {
                    Fields::new(d)
                        .always("name", |_| "s".into())
                        .always("key", |d| d.pick("key", &["a", "b"]).into())
                        .flag("optional", 40)
                        .done()
                })
                .done(),
            _ => Fields::new(&d.at("r"))
                .always("resourceFieldRef", |d| {
                    Fields::new(d)
                        .always("resource", |d| d.pick("resource", &["limits.cpu", "requests.memory"]).into())
                        .text("divisor", 50, &["0", "1", "1000m"])
                        .done()
                })
                .done(),
        })
        .done()
}

fn ports(d: &Dice) -> Json {
    named(d, &["8080", "8080/UDP", "9090/TCP", "53", "53/UDP"], 0, &|d, name| {
        let (port, protocol) = name.split_once('/').unwrap_or((name, ""));
        let fields = Fields::new(d).always("containerPort", |_| port.parse::<i64>().unwrap().into());
        let fields = match protocol {
            "" => fields.text("protocol", 30, &["TCP"]),
            other => fields.always("protocol", |_| other.into()),
        };
        let label = format!("p{}-{}", port, if protocol.is_empty() { "tcp" } else { protocol }).to_lowercase();
        fields.text("name", 50, &[&label, &format!("{label}-b")]).done()
    })
}

fn resources(d: &Dice) -> Json {
    Fields::new(d)
        .maybe("requests", 70, |d| {
            Fields::new(d)
                .maybe("cpu", 70, |d| quantity(d, &CPU))
                .maybe("memory", 60, |d| quantity(d, &MEMORY))
                .maybe("ephemeral-storage", 10, |d| quantity(d, &MEMORY))
                .done()
        })
        .maybe("limits", 60, |d| {
            Fields::new(d)
                .maybe("cpu", 60, |d| quantity(d, &CPU_LIMIT))
                .maybe("memory", 70, |d| quantity(d, &MEMORY_LIMIT))
                .done()
        })
        .done()
}

fn probe(d: &Dice) -> Json {
    let fields = Fields::new(d)
        .number("initialDelaySeconds", 40, &[0, 1, 5])
        .number("periodSeconds", 40, &[1, 10, 15])
        .number("timeoutSeconds", 30, &[1, 2])
        .number("failureThreshold", 30, &[1, 3]);
    match d.fixed().below("handler", 4) {
        0 => fields.always("exec", |d| json!({"command": d.some("words", &["a", "", "b"], 1, 50)})),
        1 => fields
            .always("tcpSocket", |d| json!({"port": if d.chance("named", 50) { json!("web") } else { json!(8080) }})),
        _ => fields.always("httpGet", |d| {
            Fields::new(d)
                .always(
                    "port",
                    |d| if d.chance("named", 40) { "web".into() } else { d.pick("port", &[8080, 9090]).into() },
                )
                .text("path", 60, &["/", "/healthz", "/a?b=c"])
                .text("scheme", 30, &["HTTP", "HTTPS"])
                .maybe("httpHeaders", 15, |_| json!([{"name": "X-A", "value": ""}]))
                .done()
        }),
    }
    .done()
}

fn volume(d: &Dice, name: &str) -> Json {
    let modes = [0o644, 0o400, 0];
    let source = match name {
        "config" => Fields::new(d).always("configMap", |d| {
            Fields::new(d)
                .always("name", |d| d.pick("name", &["c", "other"]).into())
                .number("defaultMode", 30, &modes)
                .flag("optional", 30)
                .maybe("items", 30, |d| json!([{"key": "a", "path": d.pick("path", &["a", "b/c"])}]))
                .done()
        }),
        "data" => Fields::new(d).always("emptyDir", |d| {
            Fields::new(d)
                .text("medium", 30, &["", "Memory"])
                .maybe("sizeLimit", 30, |d| quantity(d, &MEMORY_LIMIT))
                .done()
        }),
        "down" => Fields::new(d).always("downwardAPI", |d| {
            Fields::new(d)
                .always("items", |_| json!([{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]))
                .number("defaultMode", 30, &modes)
                .done()
        }),
        "host" => Fields::new(d).always("hostPath", |d| {
            Fields::new(d).always("path", |_| "/var/x".into()).text("type", 50, &["", "Directory"]).done()
        }),
        "secret" => Fields::new(d).always("secret", |d| {
            Fields::new(d)
                .always("secretName", |_| "s".into())
                .number("defaultMode", 30, &modes)
                .flag("optional", 20)
                .done()
        }),
        _ => Fields::new(d).always("projected", |d| {
            Fields::new(d)
                .always("sources", |d| {
                    let all = [
                        json!({"serviceAccountToken": {"path": "token"}}),
                        json!({"configMap": {"name": "c"}}),
                        json!({"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}),
                    ];
                    d.some("sources", &all, 1, 50).into()
                })
                .number("defaultMode", 20, &modes)
                .done()
        }),
    };
    source.always("name", |_| name.into()).done()
}
