//! The requests to a forge, as `calls.tsv` has them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Forge;
use weft_base::percent;

const CALLS: &str = include_str!("calls.tsv");
/// The app whose token each job of GitHub Actions has.
const ACTIONS: &str = "github-actions";

/// What a request is made of, by name.
pub(super) type CallParameters = BTreeMap<&'static str, Json>;

/// A request to a forge.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// What stands behind the address of the API.
    pub path: String,
    /// The body, as JSON.
    pub body: Option<Json>,
    id: &'static str,
    text: &'static str,
}

/// A comment, an issue or a label at a forge. A mark in its text tells that it is ours.
#[derive(Clone, Debug, PartialEq)]
pub struct ForgeEntry {
    /// What later requests call it.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub author: Author,
}

/// Who wrote something, as a forge says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Author {
    /// The user's number.
    pub id: Option<String>,
    /// The name of the app whose bot it is (GitHub).
    pub app: Option<String>,
}

impl Author {
    /// The author of a comment or an issue. A person may write through an app as well, and is not its bot.
    fn read(it: &Json) -> Self {
        let user = it.get("user").or_else(|| it.get("author"));
        let text = |key: &str| user.and_then(|user| user.get(key)?.as_str());
        let bot = text("login").filter(|_| text("type") == Some("Bot")).and_then(|it| it.strip_suffix("[bot]"));
        let app = it.pointer("/performed_via_github_app/slug").and_then(Json::as_str);
        let is_bot = |bot: &&str| app.map_or(*bot == ACTIONS, |app| app == *bot);
        Self { id: user.and_then(|it| number(it.get("id")?)), app: bot.filter(is_bot).map(str::to_owned) }
    }
}

fn number(id: &Json) -> Option<String> {
    id.as_i64().map(|id| id.to_string())
}

impl Call {
    /// The request of this name; `None` where the forge has none.
    pub(super) fn of(forge: Forge, what: &str, facts: &CallParameters) -> Option<Self> {
        let row = CALLS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let row = row.into_iter().find(|it| it.first() == Some(&forge.key()) && it.get(1) == Some(&what))?;
        let [_, _, method, path, body, id, text] = row.as_slice() else { return None };
        let body = serde_json::from_str(body).ok().and_then(|body| filled(body, facts));
        Some(Self { method, path: self::path(path, facts), body, id, text })
    }

    /// What an answer has: one, or a list of them. One without text is of no use to us.
    pub(super) fn kept(&self, answer: &Json) -> Option<Vec<ForgeEntry>> {
        let one = |it: &Json| {
            let id = match it.get(self.id)? {
                Json::String(id) => id.clone(),
                id => number(id)?,
            };
            let text = it.get(self.text)?.as_str().unwrap_or_default().to_owned();
            Some(ForgeEntry { id, text, author: Author::read(it) })
        };
        match answer {
            Json::Array(list) => list.iter().map(one).collect(),
            it => one(it).map(|it| vec![it]),
        }
    }
}

/// A body with its facts; leaves without one are left out.
fn filled(body: Json, facts: &CallParameters) -> Option<Json> {
    match body {
        Json::String(text) => match text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(name) => facts.get(name).cloned(),
            None => Some(Json::String(text)),
        },
        Json::Array(list) => Some(list.into_iter().filter_map(|it| filled(it, facts)).collect()),
        Json::Object(map) => {
            let map = map.into_iter().filter_map(|(key, it)| Some((key, filled(it, facts)?)));
            Some(Json::Object(map.collect()))
        }
        other => Some(other),
    }
}

/// A path with its facts.
fn path(template: &str, facts: &CallParameters) -> String {
    let mut parts = template.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let fact = match facts.get(name) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        // The two parts of `owner/name` stand as they are.
        let fact = fact.split('/').map(percent::part).collect::<Vec<_>>().join("/");
        format!("{path}{fact}{rest}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_filled_with_what_is_known() {
        let facts = CallParameters::from([
            ("repository", json!("me/it's mine")),
            ("commit", json!("abc")),
            ("state", json!("success")),
            ("context", json!("weft/dev")),
        ]);
        let call = Call::of(Forge::GitHub, "status", &facts).unwrap();
        assert_eq!((call.method, &*call.path), ("POST", "/repos/me/it%27s%20mine/statuses/abc"));
        assert_eq!(call.body, Some(json!({"state": "success", "context": "weft/dev"})));
        assert_eq!(Call::of(Forge::Plain, "status", &facts), None);
    }

    #[test]
    fn every_row_is_whole() {
        let rows = CALLS.lines().filter(|it| !it.starts_with('#')).map(|it| it.split('\t').collect::<Vec<_>>());
        for row in rows {
            assert_eq!(row.len(), 7, "{row:?}");
            assert!(row[4].is_empty() || serde_json::from_str::<Json>(row[4]).is_ok(), "{row:?}");
        }
    }
}
