//! A stand-in for a forge: it takes exactly the requests that the tables in `tests/forge` list, which are written from
//! the published documentation, and keeps what it is told.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use regex::Regex;
use serde_json::{Value as Json, json};

use crate::markdown;
use crate::source::server::{Answer, Asked, Server};

/// What a forge has.
#[derive(Clone, Debug, Default)]
pub struct Has {
    /// The comments of the pull request, the oldest first.
    pub comments: Vec<Thing>,
    /// The issues.
    pub issues: Vec<Thing>,
    /// The labels.
    pub labels: Vec<Thing>,
    /// The bodies of the statuses that were set, each with its commit.
    pub statuses: Vec<(String, Json)>,
    /// What is wrong with requests.
    pub faults: Vec<String>,
    /// How many writes there were.
    pub writes: usize,
    /// Whether the token is that of an installed app, which may not read its user.
    pub is_app: bool,
    /// Answers in place of the next ones: before a request is looked at, or after it was done.
    pub troubles: Vec<(bool, Answer)>,
}

/// A comment, an issue or a label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    /// Its number. What the whole forge calls it is a thousand more.
    pub number: u64,
    /// What it was made of.
    pub body: Json,
    /// Who wrote it, if it was not us.
    pub author: Option<Json>,
}

/// What the forge says of us.
const MYSELF: &str = r#"{"id": 4711, "login": "weft", "username": "weft", "type": "User"}"#;
/// What it says of us as an app.
const APP: &str = r#"{"id": 4712, "login": "weft[bot]", "type": "Bot"}"#;

/// The stand-in.
pub struct StandIn {
    server: Server,
    has: Arc<Mutex<Has>>,
}

/// A row of the tables.
#[derive(Clone, Debug)]
struct Row {
    what: String,
    method: String,
    path: String,
    query: String,
    body: String,
    status: u16,
}

impl StandIn {
    /// The forge of this name.
    pub fn new(forge: &'static str) -> Self {
        let rows = rows(forge);
        let has = Arc::new(Mutex::new(Has::default()));
        let kept = Arc::clone(&has);
        let server = Server::new(move |asked| answer(forge, &rows, asked, &mut kept.lock().expect("the forge")));
        Self { server, has }
    }

    /// The address of its API.
    pub fn api(&self) -> String {
        format!("http://{}/api", self.server.host)
    }

    /// Looks at what it has, or changes it.
    pub fn has<T>(&self, look: impl FnOnce(&mut Has) -> T) -> T {
        look(&mut self.has.lock().expect("the forge"))
    }

    /// How many requests there were.
    pub fn asked(&self) -> usize {
        self.server.asked().len()
    }
}

fn rows(forge: &str) -> Vec<Row> {
    let table = markdown::read(&format!("tests/forge/{forge}.tsv"));
    let row = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [what, method, path, query, body, status] = columns.try_into().expect("six columns");
        Row { what, method, path, query, body, status: status.parse().unwrap_or(0) }
    };
    table.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

fn answer(forge: &str, rows: &[Row], asked: &Asked, has: &mut Has) -> Answer {
    let trouble = has.troubles.first().cloned();
    if trouble.is_some() {
        has.troubles.remove(0);
    }
    if let Some((false, answer)) = trouble {
        return answer;
    }
    let done = taken(forge, rows, asked, has).unwrap_or_else(|fault| {
        has.faults.push(format!("{}: {fault}", asked.line));
        (422, Vec::new(), json!({"message": fault}).to_string().into_bytes())
    });
    trouble.map_or(done, |(_, answer)| answer)
}

/// Does what a request asks for, if it is one of the documentation.
fn taken(forge: &str, rows: &[Row], asked: &Asked, has: &mut Has) -> Result<Answer, String> {
    for row in rows.iter().filter(|it| it.what == "header") {
        let found = asked.headers.get(&row.path).ok_or(format!("no header {}", row.path))?;
        let fits =
            Regex::new(&format!("^{}$", row.query.replace('+', "\\+").replace(".\\+", ".+"))).expect("a pattern");
        if !fits.is_match(found) {
            return Err(format!("the header {} is {found}", row.path));
        }
    }
    let words: Vec<&str> = asked.line.split(' ').collect();
    let (path, query) = words[1].split_once('?').unwrap_or((words[1], ""));
    let path = path.strip_prefix("/api").ok_or("not below the API")?;
    let fits = |row: &&Row| row.method == words[0] && pattern(&row.path).is_match(path);
    let row = rows.iter().find(fits).ok_or("no such request")?;
    let parameters: Vec<(&str, Json)> =
        query.split('&').filter_map(|it| it.split_once('=')).map(|(key, it)| (key, json!(it))).collect();
    fields(&row.query, parameters.iter().map(|(key, it)| (*key, it)), true)?;
    let body: Json = if asked.body.is_empty() {
        Json::Null
    } else {
        serde_json::from_slice(&asked.body).map_err(|error| error.to_string())?
    };
    let empty = serde_json::Map::new();
    fields(&row.body, body.as_object().unwrap_or(&empty).iter().map(|(key, it)| (key.as_str(), it)), false)?;
    let id = pattern(&row.path).captures(path).and_then(|it| it.name("id")?.as_str().parse().ok());
    let number = |name: &str| parameters.iter().find(|(key, _)| *key == name)?.1.as_str()?.parse().ok();
    let page = (number("page"), number("per_page").or_else(|| number("limit")));
    done(forge, row, path, (id, page), body, has)
}

fn done(
    forge: &str,
    row: &Row,
    path: &str,
    (id, page): (Option<u64>, (Option<usize>, Option<usize>)),
    body: Json,
    has: &mut Has,
) -> Result<Answer, String> {
    let (act, of) = row.what.split_once(' ').unwrap_or((&row.what, ""));
    if act != "list" {
        has.writes += 1;
    }
    let is_app = has.is_app;
    if act == "user" {
        has.writes -= 1;
        let refused = (403, Vec::new(), b"{\"message\":\"Resource not accessible by integration\"}".to_vec());
        return Ok(if is_app { refused } else { (row.status, Vec::new(), MYSELF.as_bytes().to_vec()) });
    }
    let things = match of {
        "comments" => &mut has.comments,
        "issues" => &mut has.issues,
        "labels" => &mut has.labels,
        _ => {
            has.statuses.push((path.rsplit('/').next().unwrap_or_default().to_owned(), body));
            return Ok((row.status, Vec::new(), b"{}".to_vec()));
        }
    };
    let json = match act {
        "list" => return Ok(list((forge, is_app), of, things, page)),
        "add" => {
            let number = things.len() as u64 + 1;
            things.push(Thing { number, body, author: None });
            shown((forge, is_app), of, &things[things.len() - 1])
        }
        _ => {
            let named = |it: &&mut Thing| Some(if of == "issues" { it.number } else { it.number + 1000 }) == id;
            let thing = things.iter_mut().find(named).ok_or("not there")?;
            for (key, value) in body.as_object().into_iter().flatten() {
                thing.body[key] = value.clone();
            }
            shown((forge, is_app), of, thing)
        }
    };
    Ok((row.status, Vec::new(), json.to_string().into_bytes()))
}

/// A page of a list, the open ones of issues, with the header `Link` where there is another page.
fn list(forge: (&str, bool), of: &str, things: &[Thing], (page, size): (Option<usize>, Option<usize>)) -> Answer {
    let is_open = |it: &&Thing| it.body["state"] != "closed" && it.body["state_event"] != "close";
    let open: Vec<Json> = things.iter().filter(is_open).map(|it| shown(forge, of, it)).collect();
    let size = size.unwrap_or(if page.is_some() { 30 } else { usize::MAX });
    let at = (page.unwrap_or(1) - 1).saturating_mul(size);
    let part: Vec<&Json> = open.iter().skip(at).take(size).collect();
    let more = at.saturating_add(size) < open.len();
    let link = if more {
        "<https://forge.example.com/next>; rel=\"next\""
    } else {
        "<https://forge.example.com/1>; rel=\"first\""
    };
    let headers = if open.len() > size { vec![("Link", link.to_owned())] } else { Vec::new() };
    (200, headers, json!(part).to_string().into_bytes())
}

/// A thing as the forge shows it: what calls it within the repository and in the whole forge differ.
fn shown((forge, is_app): (&str, bool), of: &str, thing: &Thing) -> Json {
    let mut body = thing.body.clone();
    let myself = serde_json::from_str(if is_app { APP } else { MYSELF }).expect("JSON");
    body[if forge == "gitlab" { "author" } else { "user" }] = thing.author.clone().unwrap_or(myself);
    if is_app {
        body["performed_via_github_app"] = json!({"id": 1, "slug": "weft"});
    }
    body["id"] = json!(thing.number + 1000);
    if of == "issues" {
        body[if forge == "gitlab" { "iid" } else { "number" }] = json!(thing.number);
    }
    body
}

/// A path with its parameters: `{id:integer}`.
fn pattern(path: &str) -> Regex {
    let parameter = Regex::new(r"\{(\w+):(\w+)\}").expect("a pattern");
    let (mut text, mut last) = ("^".to_owned(), 0);
    for found in parameter.captures_iter(path) {
        let whole = found.get(0).expect("all of it");
        let kind = match &found[2] {
            "integer" => "[0-9]+",
            "sha" => "[0-9a-f]{40}",
            _ => "[^/]+",
        };
        let _ = write!(text, "{}(?<{}>{kind})", regex::escape(&path[last..whole.start()]), &found[1]);
        last = whole.end();
    }
    Regex::new(&format!("{text}{}$", regex::escape(&path[last..]))).expect("a pattern")
}

/// Holds fields to those that there are: `body!:text<=140 state:open|closed`.
fn fields<'f>(known: &str, found: impl Iterator<Item = (&'f str, &'f Json)>, texts: bool) -> Result<(), String> {
    let mut missing: Vec<&str> = Vec::new();
    let known: Vec<(&str, &str)> = known.split(' ').filter_map(|it| it.split_once(':')).collect();
    missing.extend(known.iter().filter_map(|(name, _)| name.strip_suffix('!')));
    for (name, value) in found {
        let kind = known.iter().find(|(known, _)| known.trim_end_matches('!') == name);
        let (_, kind) = kind.ok_or(format!("`{name}` is no field"))?;
        if !is(value, kind, texts) {
            return Err(format!("`{name}` is {value}, which is no {kind}"));
        }
        missing.retain(|it| *it != name);
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} is missing")) }
}

fn is(value: &Json, kind: &str, texts: bool) -> bool {
    let list = |is: fn(&Json) -> bool| value.as_array().is_some_and(|it| it.iter().all(is));
    if let Some((kind, most)) = kind.split_once("<=") {
        let (most, text) = (most.parse::<usize>().expect("a limit"), value.as_str());
        let size = if kind == "text" { text.map(|it| it.chars().count()) } else { text.and_then(|it| it.parse().ok()) };
        return is(value, kind, texts) && size.is_some_and(|it| it <= most);
    }
    match kind {
        "text" => value.is_string(),
        "integer" if texts => value.as_str().is_some_and(|it| it.parse::<u64>().is_ok()),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "texts" => list(Json::is_string),
        "integers" => list(Json::is_u64),
        words => value.as_str().is_some_and(|it| words.split('|').any(|word| word == it)),
    }
}
