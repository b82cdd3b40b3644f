//! What others do to an object between two of our applies.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::dice::Dice;
use super::kinds::Kind;
use super::server::Server;

/// Fields that tell items apart: a part of an item that lacks them is no part of it.
const IDENTITY: [&str; 16] = [
    "name",
    "containerPort",
    "protocol",
    "port",
    "mountPath",
    "type",
    "topologyKey",
    "whenUnsatisfiable",
    "ip",
    "uid",
    "key",
    "apiVersion",
    "kind",
    "conditionType",
    "maxSkew",
    "clientConfig",
];

/// An object on the server that others write to.
pub struct Target<'a> {
    pub kind: &'static Kind,
    pub namespace: &'a str,
    pub name: &'a str,
    /// The dice of the object.
    pub seed: &'a Dice,
}

impl Target<'_> {
    fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.kind.path(self.namespace, self.name))
    }

    /// Edits the object, or tries to: the server may refuse. How many edits it took.
    pub async fn edit(&self, server: &Server, d: &Dice) -> u64 {
        let count = if d.chance("none", 35) { 0 } else { d.below("count", 3) + 1 };
        let mut taken = 0;
        for at in 0..count {
            let d = &d.at(&at.to_string());
            let done = match d.below("what", 20) {
                0..=5 => self.apply(server, d).await,
                6..=9 => self.patch(server, d).await,
                10..=12 => self.replace(server, d, remove).await,
                13 => self.replace(server, d, reorder).await,
                14 if self.kind.scale => self.scale(server, d).await,
                15 if self.kind.status => self.report(server, d).await,
                16 => self.replace(server, d, forget).await,
                17 => self.replace(server, d, double).await,
                18 => self.impersonate(server, d).await,
                _ => self.annotate(server, d).await,
            };
            taken += u64::from(done);
        }
        taken
    }

    fn variant(&self, d: &Dice) -> Json {
        self.kind.object(&self.seed.anew(d.below("variant", u64::MAX), d.pick("churn", &[1, 10, 40])), self.name)
    }

    /// Another applier, who wants a part of what we want, or of something alike.
    pub async fn apply(&self, server: &Server, d: &Dice) -> bool {
        let whole = self.variant(d);
        let part = subset(&whole, &d.at("part"), d.pick("share", &[20, 60, 90]), true);
        let manager = d.pick("manager", &["other", "third"]);
        let path = self.path(&format!("?fieldManager={manager}&force={}", d.chance("force", 75)));
        server.send(Method::PATCH, &path, "application/apply-patch+yaml", &part).await.is_ok()
    }

    async fn patch(&self, server: &Server, d: &Dice) -> bool {
        let part = subset(&self.variant(d), &d.at("part"), d.pick("share", &[10, 30]), true);
        let strategic = self.kind.is_builtin() && d.chance("strategic", 80);
        let kind = if strategic { "application/strategic-merge-patch+json" } else { "application/merge-patch+json" };
        let manager = d.pick("manager", &["kubectl-edit", "kubectl-patch", "controller"]);
        server.send(Method::PATCH, &self.path(&format!("?fieldManager={manager}")), kind, &part).await.is_ok()
    }

    async fn replace(&self, server: &Server, d: &Dice, change: fn(&mut Json, &Dice)) -> bool {
        let Ok(mut body) = server.get(&self.path("")).await else { return false };
        change(&mut body, d);
        server.send(Method::PUT, &self.path("?fieldManager=kubectl-replace"), "application/json", &body).await.is_ok()
    }

    async fn scale(&self, server: &Server, d: &Dice) -> bool {
        let body = json!({"spec": {"replicas": d.below("replicas", 4)}});
        let path = self.path("/scale?fieldManager=kubectl");
        server.send(Method::PATCH, &path, "application/merge-patch+json", &body).await.is_ok()
    }

    async fn report(&self, server: &Server, d: &Dice) -> bool {
        let body =
            json!({"status": {"observedGeneration": d.below("generation", 3), "replicas": d.below("replicas", 3)}});
        let path = self.path("/status?fieldManager=controller");
        server.send(Method::PATCH, &path, "application/merge-patch+json", &body).await.is_ok()
    }

    /// Somebody who goes by our name, but updates.
    async fn impersonate(&self, server: &Server, d: &Dice) -> bool {
        let part = subset(&self.variant(d), &d.at("part"), 20, true);
        let kind = "application/merge-patch+json";
        server.send(Method::PATCH, &self.path("?fieldManager=weft"), kind, &part).await.is_ok()
    }

    async fn annotate(&self, server: &Server, d: &Dice) -> bool {
        let value = d.pick("value", &[json!("x"), json!(""), Json::Null]);
        let key = d.pick("key", &["note", "example.com/a.b", "restarted.at/x"]);
        let side = d.pick("side", &["annotations", "labels"]);
        let body = json!({"metadata": {side: {key: value}}});
        let path = self.path("?fieldManager=kubectl-annotate");
        server.send(Method::PATCH, &path, "application/merge-patch+json", &body).await.is_ok()
    }
}

/// A part of an object: so many of a hundred fields and items.
fn subset(value: &Json, d: &Dice, share: u64, root: bool) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.iter().filter(|(key, _)| {
                IDENTITY.contains(&key.as_str()) || root && *key == "metadata" || d.chance(key, share)
            });
            kept.map(|(key, value)| (key.clone(), subset(value, &d.at(key), share, false)))
                .collect::<Map<_, _>>()
                .into()
        }
        Json::Array(items) if items.iter().all(Json::is_object) => {
            let kept = items.iter().enumerate().filter(|(at, _)| d.chance(&at.to_string(), share.max(50)));
            kept.map(|(at, item)| subset(item, &d.at(&at.to_string()), share, false)).collect()
        }
        leaf => leaf.clone(),
    }
}

/// The paths within an object that somebody may take out, deepest last.
fn places(value: &Json, path: &str, out: &mut Vec<String>) {
    const KEPT: [&str; 12] = [
        "/apiVersion",
        "/kind",
        "/metadata",
        "/status",
        "/metadata/name",
        "/metadata/namespace",
        "/metadata/uid",
        "/metadata/generation",
        "/metadata/managedFields",
        "/metadata/resourceVersion",
        "/metadata/creationTimestamp",
        "",
    ];
    if !KEPT.contains(&path) {
        out.push(path.to_owned());
    }
    if path == "/metadata/managedFields" || path == "/status" {
        return;
    }
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
        }),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{path}/{at}"), out));
        }
        _ => {}
    }
}

fn place(body: &Json, d: &Dice, fits: impl Fn(&Json) -> bool) -> Option<String> {
    let mut found = Vec::new();
    places(body, "", &mut found);
    found.retain(|path| body.pointer(path).is_some_and(&fits));
    (!found.is_empty()).then(|| d.pick("place", &found))
}

fn remove(body: &mut Json, d: &Dice) {
    let Some(path) = place(body, d, |_| true) else { return };
    let (parent, key) = path.rsplit_once('/').unwrap();
    match body.pointer_mut(parent) {
        Some(Json::Object(map)) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
        Some(Json::Array(items)) => drop(items.remove(key.parse().unwrap())),
        _ => {}
    }
}

fn reorder(body: &mut Json, d: &Dice) {
    let long = |value: &Json| value.as_array().is_some_and(|items| items.len() > 1);
    if let Some(Json::Array(items)) = place(body, d, long).and_then(|path| body.pointer_mut(&path)) {
        if d.chance("reverse", 50) { items.reverse() } else { items.rotate_left(1) }
    }
}

/// Everything that is known of who owns what is wiped out.
fn forget(body: &mut Json, _: &Dice) {
    body["metadata"]["managedFields"] = json!([{}]);
}

/// An item that is there twice, which only an update may do.
fn double(body: &mut Json, d: &Dice) {
    let items =
        |value: &Json| value.as_array().is_some_and(|items| items.iter().any(|item| item.get("value").is_some()));
    if let Some(Json::Array(items)) = place(body, d, items).and_then(|path| body.pointer_mut(&path)) {
        let mut item = items[0].clone();
        item["value"] = "again".into();
        items.push(item);
    }
}
