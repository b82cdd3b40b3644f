//! Tests of `forge`: what jobs say of themselves, and every request, held against the documentation of the forges.

pub mod standin;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::runtime::Runtime;
use weft::diagnostic::Diagnostic;
use weft::forge::{Client, CommitState, CommitStatus, Forge, ForgeError, Job};
use weft::network::Network;

use self::standin::{StandIn, Thing};
use crate::cases::{self, Case, code, same};

/// The forges with an API.
const FORGES: [&str; 3] = ["github", "gitlab", "gitea"];

const MARK: &str = "<!-- weft:dev -->";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("forge", facts);
    trials.extend([
        code("forge", "one_comment_is_kept_among_many", one_comment_is_kept),
        code("forge", "statuses_are_set", statuses_are_set),
        code("forge", "an_issue_closes_itself", an_issue_closes_itself),
        code("forge", "what_others_wrote_is_left_alone", what_others_wrote),
        code("forge", "an_app_knows_its_own_comments", an_app_knows_its_own),
        code("forge", "a_token_that_cannot_name_its_user_rewrites_nothing", nameless),
        code("forge", "a_comment_that_nobody_confirms_is_not_written_twice", nothing_is_written_twice),
        code("forge", "requests_wait_for_their_turn", requests_wait_for_their_turn),
        code("forge", "a_dry_run_sends_nothing", a_dry_run_sends_nothing),
        code("forge", "errors_say_what_to_do", errors_say_what_to_do),
        code("forge", "the_stand_in_refuses_what_is_not_documented", the_stand_in_refuses),
    ]);
    trials
}

fn variables(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter_map(pair).collect()
}

/// The facts of a job, one a line; the token is only said to be there.
fn facts(case: &Case) -> Result<(), Failed> {
    let variables = variables(&case.read("environment"));
    let event = case.read_if_there("event.json").unwrap_or_default();
    let read = || Job::read(Forge::of(&variables)?, &variables, &event);
    let text = match read() {
        Ok(job) => {
            for secret in ["GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN"].iter().filter_map(|it| variables.get(*it)) {
                assert!(!format!("{job:?}").contains(secret.as_str()), "{job:?}");
            }
            format!("{job:#?}\n")
        }
        Err(error) => Diagnostic::of(&error).to_string(),
    };
    case.expect("facts.txt", &text)
}

/// A job of a pull request at a stand-in.
fn job(forge: &str, standin: &StandIn, token: bool) -> Result<Job, Failed> {
    let mut variables = variables(
        "CI_PROJECT_ID=42\nCI_MERGE_REQUEST_PROJECT_ID=42\nCI_MERGE_REQUEST_SOURCE_PROJECT_ID=42\n\
         CI_MERGE_REQUEST_IID=7\nGITHUB_REPOSITORY=me/shop\nCI_JOB_URL=https://forge.example.com/run/1\n\
         GITHUB_SERVER_URL=https://forge.example.com\nGITHUB_RUN_ID=1\nGITHUB_RUN_NUMBER=1",
    );
    for name in ["CI_API_V4_URL", "GITHUB_API_URL"] {
        variables.insert(name.to_owned(), standin.api());
    }
    variables.insert("WEFT_FORGE".into(), forge.to_owned());
    for name in ["GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN"].into_iter().filter(|_| token) {
        variables.insert(name.into(), "test-token".into());
    }
    let repository = json!({"full_name": "me/shop"});
    let event = json!({"pull_request": {"number": 7, "base": {"repo": repository}, "head": {"repo": repository}}});
    Ok(Job::read(Forge::of(&variables)?, &variables, &event.to_string())?)
}

/// One network for all, since each connection to a host that is new takes its time.
fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| Network::new(crate::cases::own([]).network().expect("the network")))
}

/// Connections stay with the runtime that they were made on.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// Does something at a stand-in, which must find no fault in it.
fn at<T: Send>(
    standin: &StandIn,
    forge: &str,
    work: impl AsyncFnOnce(&Client) -> Result<T, ForgeError>,
) -> Result<T, Failed> {
    let job = job(forge, standin, true)?;
    let client = Client::new(network(), &job, None)?;
    let done = runtime().block_on(work(&client));
    let faults = standin.has(|it| it.faults.clone());
    assert!(faults.is_empty(), "{forge}: {faults:#?}");
    Ok(done?)
}

fn one_comment_is_kept() -> Result<(), Failed> {
    for forge in FORGES {
        let standin = StandIn::new(forge);
        let other = |number| Thing { number, body: json!({"body": format!("a word on {MARK}")}), author: None };
        standin.has(|it| it.comments = (1..=120).map(other).collect());
        let text = |text: &str| format!("{MARK}\n{text} @all ```` \u{1f600} \"");
        for (said, writes) in [("first", 1), ("first", 1), ("second", 2)] {
            at(&standin, forge, async |it| it.comment(MARK, &text(said)).await)?;
            standin.has(|it| assert_eq!(it.writes, writes, "{forge}"));
        }
        standin.has(|it| {
            assert_eq!(it.comments.len(), 121, "{forge}");
            assert_eq!(it.comments[120].body, json!({"body": text("second")}), "{forge}");
        });
        let found = at(&standin, forge, async |it| it.comments("<!-- weft:").await)?;
        at(&standin, forge, async |it| it.rewrite(&found[0], "gone").await)?;
        standin.has(|it| assert_eq!(it.comments[120].body, json!({"body": "gone"}), "{forge}"));
    }
    Ok(())
}

/// Somebody else's comment or issue that begins with our mark stays theirs.
fn what_others_wrote() -> Result<(), Failed> {
    for forge in FORGES {
        let standin = StandIn::new(forge);
        let field = if forge == "gitlab" { "description" } else { "body" };
        let attacker = json!({"id": 666, "login": "attacker", "username": "attacker", "type": "User"});
        let theirs = |field: &str| Thing {
            number: 1,
            body: json!({field: format!("{MARK}\ntheirs"), "labels": ["weft"]}),
            author: Some(attacker.clone()),
        };
        standin.has(|it| (it.comments, it.issues) = (vec![theirs("body")], vec![theirs(field)]));
        for text in ["one", "two"] {
            at(&standin, forge, async |it| it.comment(MARK, &format!("{MARK}\n{text}")).await)?;
            at(&standin, forge, async |it| it.issue(MARK, "Drift in dev", &format!("{MARK}\n{text}")).await)?;
        }
        let found = at(&standin, forge, async |it| it.comments(MARK).await)?;
        assert_eq!(found.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), [format!("{MARK}\ntwo")], "{forge}");
        at(&standin, forge, async |it| it.close_issue(MARK, MARK).await)?;
        standin.has(|it| {
            assert_eq!((it.comments.len(), it.issues.len()), (2, 2), "{forge}");
            assert_eq!((&it.comments[0], &it.issues[0]), (&theirs("body"), &theirs(field)), "{forge}");
        });
    }
    Ok(())
}

/// The token of an installed app may not read its user: its bot's comments are ours, those of people are not, even of
/// those who write through an app.
fn an_app_knows_its_own() -> Result<(), Failed> {
    let standin = StandIn::new("github");
    let person = json!({"id": 666, "login": "weft", "type": "User"});
    let theirs = Thing { number: 1, body: json!({"body": format!("{MARK}\ntheirs")}), author: Some(person) };
    standin.has(|it| (it.is_app, it.comments) = (true, vec![theirs.clone()]));
    for text in ["one", "two"] {
        at(&standin, "github", async |it| it.comment(MARK, &format!("{MARK}\n{text}")).await)?;
    }
    standin.has(|it| {
        assert_eq!((it.comments.len(), &it.comments[0]), (2, &theirs));
        assert_eq!(it.comments[1].body["body"], format!("{MARK}\ntwo"));
    });
    Ok(())
}

fn nameless() -> Result<(), Failed> {
    let standin = StandIn::new("gitea");
    standin.has(|it| it.is_app = true);
    at(&standin, "gitea", async |it| it.comment(MARK, &format!("{MARK}\none")).await)?;
    let job = job("gitea", &standin, true)?;
    let client = Client::new(network(), &job, None)?;
    let error = runtime().block_on(client.comment(MARK, &format!("{MARK}\ntwo"))).unwrap_err();
    let said = Diagnostic::of(&error).to_string();
    assert!(said.contains("gitea does not tell whose token this is") && said.contains("`read:user`"), "{said}");
    standin.has(|it| assert_eq!(it.writes, 1));
    Ok(())
}

fn statuses_are_set() -> Result<(), Failed> {
    for forge in FORGES {
        let standin = StandIn::new(forge);
        for state in [CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error] {
            let status = CommitStatus { context: "weft/plan/dev".into(), state, description: "ü".repeat(500) };
            at(&standin, forge, async |it| it.status(COMMIT, &status).await)?;
        }
        let statuses = standin.has(|it| it.statuses.clone());
        let states: Vec<&str> = statuses.iter().filter_map(|(_, it)| it["state"].as_str()).collect();
        let failed = if forge == "gitlab" { ["failed", "failed"] } else { ["failure", "error"] };
        assert_eq!(states, [&["pending", "success"][..], &failed].concat(), "{forge}");
        let (commit, first) = &statuses[0];
        assert_eq!(commit, COMMIT);
        assert_eq!(first["description"].as_str().map(|it| it.chars().count()), Some(140));
        let name = if forge == "gitlab" { "name" } else { "context" };
        assert_eq!(first[name], "weft/plan/dev");
        let run = first["target_url"].as_str().ok_or("a page")?;
        assert!(run.starts_with("https://forge.example.com/"), "{run}");
        // GitLab takes no longer page, and a status without one is better than none.
        let job = job(forge, &standin, true)?;
        let job = Job { run: Some(format!("https://forge.example.com/{}", "x".repeat(300))), ..job };
        let bare = CommitStatus { context: "weft".into(), state: CommitState::Success, description: String::new() };
        runtime().block_on(Client::new(network(), &job, None)?.status(COMMIT, &bare))?;
        standin.has(|it| assert!(it.statuses[4].1["target_url"].is_null(), "{forge}"));
    }
    Ok(())
}

fn an_issue_closes_itself() -> Result<(), Failed> {
    for forge in FORGES {
        let standin = StandIn::new(forge);
        for text in ["one", "two", "two"] {
            at(&standin, forge, async |it| it.issue(MARK, "Drift in dev", &format!("{MARK}\n{text}")).await)?;
        }
        let field = if forge == "gitlab" { "description" } else { "body" };
        standin.has(|it| {
            assert_eq!(it.issues.len(), 1, "{forge}");
            assert_eq!(it.issues[0].body[field], format!("{MARK}\ntwo"), "{forge}");
            assert_eq!(it.issues[0].body["title"], "Drift in dev", "{forge}");
        });
        let before = standin.has(|it| it.writes);
        at(&standin, forge, async |it| it.close_issue("<!-- weft:other -->", "clean").await)?;
        assert_eq!(standin.has(|it| it.writes), before, "{forge}: another's issue stays");
        at(&standin, forge, async |it| it.close_issue(MARK, &format!("{MARK}\nclean")).await)?;
        at(&standin, forge, async |it| it.close_issue(MARK, "again").await)?;
        standin.has(|it| {
            let (state, word) = if forge == "gitlab" { ("state_event", "close") } else { ("state", "closed") };
            assert_eq!(
                (&it.issues[0].body[state], &it.issues[0].body[field]),
                (&json!(word), &json!(format!("{MARK}\nclean")))
            );
            let labels: &[serde_json::Value] =
                if forge == "gitea" { &[json!([1001])] } else { &[json!(["weft"]), json!("weft")] };
            assert!(labels.contains(&it.issues[0].body["labels"]), "{forge}: {:?}", it.issues[0].body);
        });
        at(&standin, forge, async |it| it.issue(MARK, "Drift in dev", &format!("{MARK}\nthree")).await)?;
        standin.has(|it| assert_eq!((it.issues.len(), it.labels.len()), (2, usize::from(forge == "gitea")), "{forge}"));
    }
    Ok(())
}

/// The server does what it is asked, and something on the way breaks the answer off.
fn nothing_is_written_twice() -> Result<(), Failed> {
    let standin = StandIn::new("github");
    standin
        .has(|it| it.troubles = vec![(true, (200, Vec::new(), b"[]".to_vec())), (true, (502, Vec::new(), Vec::new()))]);
    at(&standin, "github", async |it| it.comment(MARK, &format!("{MARK}\nfirst")).await)?;
    standin.has(|it| assert_eq!((it.comments.len(), it.writes), (1, 1)));
    Ok(())
}

fn requests_wait_for_their_turn() -> Result<(), Failed> {
    let standin = StandIn::new("github");
    let later = |seconds: &str| (false, (429, vec![("Retry-After", seconds.to_owned())], Vec::new()));
    let limited = b"{\"message\":\"You have exceeded a secondary rate limit\"}".to_vec();
    let limited = (false, (403, vec![("Retry-After", "0".to_owned())], limited));
    standin.has(|it| it.troubles = vec![(false, (200, Vec::new(), b"[]".to_vec())), later("1"), limited, later("0")]);
    at(&standin, "github", async |it| it.comment(MARK, &format!("{MARK}\nfirst")).await)?;
    standin.has(|it| assert_eq!(it.writes, 1));
    assert_eq!(standin.asked(), 5);
    standin.has(|it| it.troubles = vec![later("4000"); 3]);
    let status = CommitStatus { context: "weft".into(), state: CommitState::Success, description: String::new() };
    let error = at(&standin, "github", async |it| it.status(COMMIT, &status).await).unwrap_err();
    let said = error.message().unwrap_or_default().to_owned();
    assert!(said.contains("wants no requests for 4000 s"), "{said}");
    standin.has(|it| it.troubles = vec![later("0"); 9]);
    let job = job("github", &standin, true)?;
    let error = runtime().block_on(Client::new(network(), &job, None)?.status(COMMIT, &status)).unwrap_err();
    assert!(
        Diagnostic::of(&error)
            .to_string()
            .ends_with("  = hint: Run the job again later, or with a token of its own.\n")
    );
    standin.has(|it| assert_eq!(it.troubles.len(), 5, "four times in all"));
    Ok(())
}

fn a_dry_run_sends_nothing() -> Result<(), Failed> {
    for (forge, token) in FORGES.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let standin = StandIn::new(forge);
        let job = job(forge, &standin, token)?;
        assert!(token || matches!(Client::new(network(), &job, None), Err(ForgeError::NoToken { .. })));
        let client = Client::dry(network(), &job, None)?;
        runtime().block_on(client.comment(MARK, "text"))?;
        let status = CommitStatus { context: "weft".into(), state: CommitState::Success, description: String::new() };
        runtime().block_on(client.status(COMMIT, &status))?;
        runtime().block_on(client.issue(MARK, "title", "text"))?;
        let held = client.held();
        let last = held.last().ok_or("requests")?;
        assert_eq!((last.method, last.body.as_ref().map(|it| it["title"].clone())), ("POST", Some(json!("title"))));
        standin.has(|it| assert_eq!((it.writes, it.faults.len()), (0, 0), "{forge}"));
        assert_eq!(standin.asked() == 0, !token, "{forge}");
    }
    Ok(())
}

fn errors_say_what_to_do() -> Result<(), Failed> {
    let standin = StandIn::new("gitlab");
    let mut texts = Vec::new();
    let mut say = |error: ForgeError| texts.push(Diagnostic::of(&error).to_string().replace(&standin.api(), "API"));
    let job = job("gitlab", &standin, true)?;
    for (status, body) in
        [(401, "{\"message\":\"401 Unauthorized\"}"), (403, "{\"message\":\"403 Forbidden\"}"), (404, "")]
    {
        standin.has(|it| it.troubles = vec![(false, (status, Vec::new(), body.as_bytes().to_vec()))]);
        say(runtime().block_on(Client::new(network(), &job, None)?.comment(MARK, "text")).unwrap_err());
    }
    standin.has(|it| it.troubles = vec![(false, (200, Vec::new(), b"<html>log in</html>".to_vec()))]);
    say(runtime().block_on(Client::new(network(), &job, None)?.comment(MARK, "text")).unwrap_err());
    let status = CommitStatus { context: "weft".into(), state: CommitState::Success, description: String::new() };
    standin.has(|it| it.troubles = vec![(false, (429, vec![("Retry-After", "3600".into())], Vec::new()))]);
    say(runtime().block_on(Client::new(network(), &job, None)?.status(COMMIT, &status)).unwrap_err());
    let bare =
        Job { authorization: job.authorization.clone(), api: job.api.clone(), forge: Forge::GitLab, ..Job::default() };
    say(runtime().block_on(Client::new(network(), &bare, None)?.status(COMMIT, &status)).unwrap_err());
    let bare = Job { repository: Some("42".into()), ..bare };
    say(runtime().block_on(Client::new(network(), &bare, None)?.comment(MARK, "text")).unwrap_err());
    let bare = Job { api: None, ..bare };
    say(Client::new(network(), &bare, None).err().ok_or("no address")?);
    let bare = Job { tokens: vec!["GITLAB_TOKEN"], authorization: None, ..bare };
    say(Client::new(network(), &bare, None).err().ok_or("no token")?);
    same_or_new("tests/forge/errors.txt", &texts.join("\n"))
}

fn same_or_new(file: &str, text: &str) -> Result<(), Failed> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return Ok(std::fs::write(path, text)?);
    }
    same(file, &std::fs::read_to_string(path).unwrap_or_default(), text)
}

/// A stand-in that takes anything proves nothing.
fn the_stand_in_refuses() -> Result<(), Failed> {
    let standin = StandIn::new("github");
    let job = job("github", &standin, true)?;
    let status = CommitStatus { context: "weft".into(), state: CommitState::Success, description: String::new() };
    let wrong = runtime().block_on(Client::new(network(), &job, None)?.status("no-commit", &status));
    assert!(wrong.is_err());
    assert!(runtime().block_on(Client::new(network(), &job, None)?.comment(MARK, &"ü".repeat(65_537))).is_err());
    standin.has(|it| assert!(it.faults[1].ends_with("which is no text<=65536"), "{:?}", it.faults.len()));
    let job = Job { forge: Forge::GitLab, ..job };
    assert!(runtime().block_on(Client::new(network(), &job, None)?.comment(MARK, "text")).is_err());
    let faults = standin.has(|it| it.faults.join("\n"));
    assert!(faults.contains("statuses/no-commit HTTP/1.1: no such request"), "{faults}");
    assert!(faults.contains("no header x-github-api-version") || faults.contains("the header accept"), "{faults}");
    Ok(())
}
