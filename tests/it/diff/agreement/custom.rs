//! Kinds that a definition adds: one with every sort of list and map, and one of which nothing is known.

use serde_json::{Value as Json, json};

use super::dice::{Dice, Fields, named};
use super::kinds::integer;
use super::scalars::{FLOATS, TEXTS, labels};

const GROUP: &str = "agreement.example.com";

/// The definitions.
pub fn definitions() -> Vec<Json> {
    let preserve = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    vec![
        definition("Sample", "samples", "Namespaced", &schema(), true),
        definition("Wide", "wides", "Cluster", &schema(), false),
        definition("Plain", "plains", "Namespaced", &preserve, false),
    ]
}

fn definition(kind: &str, plural: &str, scope: &str, schema: &Json, subresources: bool) -> Json {
    let subresources = if subresources {
        json!({"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}})
    } else {
        json!({})
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": scope, "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": subresources,
                "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

fn schema() -> Json {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "format": "int64"});
    let port = json!({"type": "object", "required": ["port"], "properties": {
        "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": text,
        "target": {"x-kubernetes-int-or-string": true}, "weight": {"type": "number", "default": 1},
        "deep": {"type": "object", "properties": {"flags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"}}},
    }});
    let step = json!({"type": "object", "required": ["name"], "properties": {"name": text, "value": text, "from": {"type": "object", "properties": {"key": text}}}});
    json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "replicas": {"type": "integer"},
            "mode": {"type": "string", "enum": ["auto", "hand", ""], "default": "auto"},
            "enabled": {"type": "boolean", "default": true},
            "ports": {"type": "array", "items": port, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]},
            "steps": {"type": "array", "items": step, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            "tags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "numbers": {"type": "array", "items": number, "x-kubernetes-list-type": "set"},
            "args": {"type": "array", "items": text},
            "items": {"type": "array", "items": step, "x-kubernetes-list-type": "atomic"},
            "labels": {"type": "object", "additionalProperties": text},
            "groups": {"type": "object", "additionalProperties": {"type": "object", "properties": {"size": number, "names": {"type": "array", "items": text, "x-kubernetes-list-type": "set"}}}},
            "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": text, "b": number, "c": {"type": "boolean", "default": false}}},
            "percent": {"x-kubernetes-int-or-string": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "half": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": text}},
            "anything": {"x-kubernetes-preserve-unknown-fields": true},
            "maybe": {"type": "string", "nullable": true},
            "nested": {"type": "object", "default": {}, "properties": {"level": {"type": "integer", "default": 3}, "note": text}},
            "big": number,
            "ratio": {"type": "number"},
            "size": {"type": "string"},
            "embedded": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            "since": {"type": "string", "format": "date-time"},
            "blob": {"type": "string", "format": "byte"},
        }},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"replicas": {"type": "integer"}}},
    }})
}

fn step(d: &Dice, name: &str) -> Json {
    Fields::new(d)
        .always("name", |_| name.into())
        .maybe("value", 60, |d| d.pick("value", &TEXTS).into())
        .maybe("from", 25, |d| Fields::new(d).text("key", 70, &["", "k"]).done())
        .done()
}

fn anything(d: &Dice, depth: u32) -> Json {
    match d.below("shape", if depth == 0 { 5 } else { 8 }) {
        0 => d.pick("text", &TEXTS).into(),
        1 => integer(d),
        2 => d.pick("float", &FLOATS).into(),
        3 => d.chance("flag", 50).into(),
        4 => json!({}),
        5 => json!([]),
        6 => named(d, &["a", "b"], 0, &|d, name| {
            Fields::new(d).always("name", |_| name.into()).maybe("v", 50, |d| anything(d, depth - 1)).done()
        }),
        _ => free(d, depth - 1),
    }
}

fn free(d: &Dice, depth: u32) -> Json {
    Fields::new(d)
        .maybe("a", 50, |d| anything(d, depth))
        .maybe("b.c/d", 40, |d| anything(d, depth))
        .maybe("list", 40, |d| (0..d.below("count", 3)).map(|at| anything(&d.at(&at.to_string()), depth)).collect())
        .done()
}

pub fn sample(d: &Dice) -> Json {
    let port = |d: &Dice, name: &str| {
        let (port, protocol) = name.split_once('/').unwrap_or((name, ""));
        let fields = Fields::new(d).always("port", |_| port.parse::<i64>().unwrap().into());
        let fields = match protocol {
            "" => fields.text("protocol", 30, &["TCP"]),
            other => fields.always("protocol", |_| other.into()),
        };
        fields
            .text("name", 40, &["", "n"])
            .maybe("target", 40, |d| d.pick("target", &[json!(1), json!("1"), json!("25%"), json!("")]))
            .maybe("weight", 30, |d| d.pick("weight", &FLOATS).into())
            .maybe("deep", 20, |d| {
                Fields::new(d).maybe("flags", 70, |d| json!(d.some("flags", &["x", "y", ""], 0, 50))).done()
            })
            .done()
    };
    let spec = Fields::new(&d.at("spec"))
        .number("replicas", 40, &[0, 1, 2])
        .text("mode", 40, &["auto", "hand", ""])
        .flag("enabled", 35)
        .named("ports", 50, &["80", "80/UDP", "443/TCP", "0"], port)
        .named("steps", 45, &["a", "b/c", "", "d.e"], step)
        .maybe("tags", 45, |d| json!(d.some("tags", &["a", "b", "", "ü\"k:", "1"], 0, 50)))
        .maybe("numbers", 30, |d| json!(d.some("numbers", &[0, 1, 9_007_199_254_740_991_i64, -5], 0, 50)))
        .maybe("args", 35, |d| json!(d.some("args", &["", "a", "b", "a"], 0, 50)))
        .named("items", 35, &["a", "b", "a"], step)
        .maybe("labels", 40, |d| labels(d, 50))
        .maybe("groups", 35, |d| {
            let group = |d: &Dice| {
                Fields::new(d).maybe("size", 60, integer).maybe("names", 60, |d| json!(d.some("names", &["x", "y"], 0, 60))).done()
            };
            Fields::new(d).maybe("one", 60, group).maybe("t.w/o", 60, group).maybe("", 20, group).done()
        })
        .maybe("whole", 40, |d| Fields::new(d).text("a", 60, &["", "x"]).number("b", 60, &[0, 1]).flag("c", 40).done())
        .maybe("percent", 40, |d| d.pick("percent", &[json!(0), json!("0"), json!("25%"), json!(25)]))
        .maybe("free", 40, |d| free(d, 2))
        .maybe("half", 30, |d| Fields::new(d).text("known", 60, &["", "k"]).maybe("other", 60, |d| anything(d, 1)).done())
        .maybe("anything", 30, |d| anything(d, 2))
        .maybe("maybe", 40, |d| d.pick("maybe", &[json!("x"), json!(""), Json::Null]))
        .maybe("nested", 40, |d| Fields::new(d).number("level", 50, &[0, 3, 4]).text("note", 50, &["", "n"]).done())
        .maybe("big", 40, integer)
        .maybe("ratio", 40, |d| d.pick("ratio", &FLOATS).into())
        .text("size", 40, &["1000m", "1", "1Gi", ""])
        .maybe("embedded", 20, |d| {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": Fields::new(d).always("name", |_| "e".into()).maybe("labels", 50, |d| labels(d, 50)).done(), "data": {"a": d.pick("data", &TEXTS)}})
        })
        .text("since", 20, &["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"])
        .text("blob", 20, &["AAE=", "AA=="]);
    json!({"spec": spec.done()})
}

pub fn plain(d: &Dice) -> Json {
    let mut body = free(&d.at("free"), 3);
    if d.chance("spec", 60) {
        body["spec"] = free(&d.at("spec"), 3);
    }
    body
}
