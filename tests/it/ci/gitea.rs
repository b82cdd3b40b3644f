//! The jobs at a real Gitea: pull requests, comments, statuses, issues, and its webhooks. Building one takes minutes, so
//! they run where `WEFT_GITEA` names the program: `WEFT_GITEA=$(tests/gitea/build.sh FOLDER) cargo test -- gitea`.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::masked::Masked;
use weft::network::{Network, Trust, wait};

use super::Stage;
use crate::cases::{code, own};
use crate::markdown;

const SECRET: &str = "a long random text";

/// All of them.
pub fn trials() -> Vec<Trial> {
    let is_there = std::env::var_os("WEFT_GITEA").is_some_and(|it| !it.is_empty());
    vec![code("ci", "a_real_gitea_starts_the_jobs_and_is_told", started).with_ignored_flag(!is_there)]
}

/// A Gitea of its own, which ends with it.
struct Gitea {
    process: Child,
    folder: PathBuf,
    address: String,
    network: Network,
    token: String,
}

fn free_port() -> Result<u16, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Gitea {
    fn start(stage: &Stage) -> Result<Self, Failed> {
        let (program, port) = (std::env::var("WEFT_GITEA")?, free_port()?);
        let folder = stage.root().join("gitea");
        fs::create_dir_all(folder.join("custom/conf"))?;
        let (at, sources) = (folder.display(), format!("{program}.source"));
        let user = String::from_utf8(Command::new("id").arg("-un").output()?.stdout)?;
        let settings = format!(
            "RUN_USER = {user}\nWORK_PATH = {at}\n[server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\n\
             STATIC_ROOT_PATH = {sources}\nOFFLINE_MODE = true\nDISABLE_SSH = true\n\
             [database]\nDB_TYPE = sqlite3\nPATH = {at}/gitea.db\n[repository]\nROOT = {at}/repositories\n\
             [security]\nINSTALL_LOCK = true\nSECRET_KEY = for-a-test\nPASSWORD_HASH_ALGO = pbkdf2_v1\n\
             [log]\nLEVEL = error\nROOT_PATH = {at}/log\n[webhook]\nALLOWED_HOST_LIST = *\nSKIP_TLS_VERIFY = true\n\
             [indexer]\nISSUE_INDEXER_TYPE = db\n[actions]\nENABLED = false\n[cron]\nENABLED = false\n"
        );
        fs::write(folder.join("custom/conf/app.ini"), settings)?;
        let command = |arguments: &[&str]| {
            let mut command = stage.command(&program);
            command.args(arguments).arg("--config").arg(folder.join("custom/conf/app.ini"));
            command.arg("--work-path").arg(&folder).env("GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT", "true");
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        };
        let run = |arguments: &[&str]| -> Result<String, Failed> {
            let output = command(arguments).output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() { Ok(text) } else { Err(format!("{arguments:?}: {text}{output:?}").into()) }
        };
        run(&["migrate"])?;
        let who = ["--username", "me", "--password", "not-a-real-1", "--email", "me@example.com"];
        run(&[&["admin", "user", "create", "--admin", "--must-change-password=false"], &who[..]].concat())?;
        let said = run(&["admin", "user", "generate-access-token", "--username", "me", "--scopes", "all", "--raw"])?;
        // What it says of its start comes before.
        let token = said.lines().last().unwrap_or_default().trim().to_owned();
        let process = command(&["web"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let address = format!("http://127.0.0.1:{port}");
        let gitea = Self { process, folder, address, network: Network::new(own([]).network()?), token };
        let began = Instant::now();
        while let Err(error) = gitea.call("GET", "/version", None) {
            let log = || fs::read_to_string(gitea.folder.join("log/gitea.log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "Gitea does not start: {error:?}\n{}", log());
            sleep(Duration::from_millis(200));
        }
        Ok(gitea)
    }

    fn api(&self) -> String {
        format!("{}/api/v1", self.address)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, Failed> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.api()));
        request = request.header("content-type", "application/json");
        let request = request.body(body.map(|it| it.to_string().into_bytes()).unwrap_or_default())?;
        let token = Masked::new(format!("token {}", self.token));
        let trust = Trust::default();
        let answer = wait(self.network.send(request, Some(&token), &trust, 1 << 22))??;
        Ok(serde_json::from_slice(&answer.bytes).unwrap_or_default())
    }

    /// What a list has, as soon as it has something that fits.
    fn until(&self, path: &str, what: &str, fits: impl Fn(&Json) -> bool) -> Result<Json, Failed> {
        let began = Instant::now();
        loop {
            let found = self.call("GET", path, None)?;
            if fits(&found) {
                return Ok(found);
            }
            if began.elapsed() > Duration::from_secs(60) {
                return Err(format!("{what} does not come: {found:#}").into());
            }
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Gitea {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started() -> Result<(), Failed> {
    let stage = Stage::new("ci-forge")?;
    let gitea = Gitea::start(&stage)?;
    gitea.call("POST", "/user/repos", Some(&json!({"name": "shop", "default_branch": "main", "private": true})))?;
    let url = gitea.address.replace("http://", &format!("http://me:{}@", gitea.token)) + "/me/shop.git";
    stage.git(&["remote", "add", "origin", &url])?;
    stage.git(&["push", "--quiet", "origin", "main"])?;

    // The receiver, with the shipped recipe, in a folder of its own.
    let (port, desk) = (free_port()?, stage.root().join("desk"));
    fs::create_dir_all(&desk)?;
    let log = fs::File::create(stage.root().join("listen.log"))?;
    let mut listen = stage.command(env!("CARGO_BIN_EXE_weft"));
    listen.args(["ci", "listen", "--forge", "gitea", "--address", &format!("127.0.0.1:{port}"), "--"]);
    listen.arg(markdown::root().join("ci/on-event.sh")).arg(&url).current_dir(&desk);
    listen.env("WEFT_WEBHOOK_SECRET", SECRET).env("GITEA_TOKEN", &gitea.token).env("GITEA_API_URL", gitea.api());
    listen.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let _listen = Ended(listen.spawn()?);
    let config = json!({"url": format!("http://127.0.0.1:{port}/"), "content_type": "json", "secret": SECRET});
    let events = ["push", "pull_request", "pull_request_sync"];
    gitea.call(
        "POST",
        "/repos/me/shop/hooks",
        Some(&json!({"type": "gitea", "config": config, "events": events, "active": true})),
    )?;
    let said = || fs::read_to_string(stage.root().join("listen.log")).unwrap_or_default();

    stage.git(&["switch", "--quiet", "--create", "more"])?;
    let head = stage.change("Hello", "Goodbye")?;
    stage.git(&["push", "--quiet", "origin", "more"])?;
    // What was pushed is known a moment later.
    gitea.until("/repos/me/shop/branches", "the branch", |it| it.to_string().contains("\"more\""))?;
    gitea.call("POST", "/repos/me/shop/pulls", Some(&json!({"title": "More", "head": "more", "base": "main"})))?;
    let has = |text: &'static str| move |it: &Json| it.to_string().contains(text);
    let tell = |error: Failed| Failed::from(format!("{}\n{}", error.message().unwrap_or_default(), said()));
    let comments = gitea.until("/repos/me/shop/issues/1/comments", "the comment", has("Goodbye")).map_err(tell)?;
    assert_eq!(comments.as_array().map(Vec::len), Some(1), "{comments:#}");
    let statuses = format!("/repos/me/shop/commits/{head}/statuses");
    gitea.until(&statuses, "the status", has("weft/plan/dev")).map_err(tell)?;

    // Another commit rewrites the same comment.
    let head = stage.change("Goodbye", "Farewell")?;
    stage.git(&["push", "--quiet", "origin", "more"])?;
    let comments = gitea.until("/repos/me/shop/issues/1/comments", "the comment", has("Farewell")).map_err(tell)?;
    assert_eq!(comments.as_array().map(Vec::len), Some(1), "{comments:#}");
    gitea
        .until(&format!("/repos/me/shop/commits/{head}/statuses"), "the status", has("weft/plan/dev"))
        .map_err(tell)?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Hello"), "nothing is applied before the merge");

    gitea.until("/repos/me/shop/pulls/1", "that it can be merged", |it| it["mergeable"] == true)?;
    gitea.call("POST", "/repos/me/shop/pulls/1/merge", Some(&json!({"Do": "merge"})))?;
    let merged =
        gitea.call("GET", "/repos/me/shop/branches/main", None)?["commit"]["id"].as_str().ok_or("a commit")?.to_owned();
    gitea
        .until(&format!("/repos/me/shop/commits/{merged}/statuses"), "the merge", has("weft/apply/dev"))
        .map_err(tell)?;
    assert!(stage.site.data("web").unwrap_or_default().contains("Farewell"), "{}", said());

    // A request that nobody signed starts nothing.
    let ended = || said().matches("exit status").count();
    let mut before = usize::MAX;
    while before != ended() {
        // The job of the merge tells the forge before it ends, and others may wait behind it.
        before = ended();
        sleep(Duration::from_secs(2));
    }
    let request = http::Request::post(format!("http://127.0.0.1:{port}/"))
        .header("x-gitea-event", "push")
        .body(b"{}".to_vec())?;
    let refused = wait(gitea.network.send(request, None, &Trust::default(), 1 << 10))?;
    assert_eq!(refused.err().and_then(|it| it.status()).map(|it| it.as_u16()), Some(403));
    sleep(Duration::from_secs(1));
    assert_eq!(ended(), before);

    // One issue, which closes itself.
    let drift = |code: i32| -> Result<(), Failed> {
        let mut command = stage.command(env!("CARGO_BIN_EXE_weft"));
        command.args(["ci", "drift"]).env("WEFT_FORGE", "gitea").env("GITEA_TOKEN", &gitea.token);
        command.env("GITEA_API_URL", gitea.api()).env("GITHUB_REPOSITORY", "me/shop");
        stage.read(&command.output()?).ends_with(code).map(drop)
    };
    stage.git(&["fetch", "--quiet", "origin"])?;
    stage.git(&["switch", "--quiet", "--detach", "origin/main"])?;
    stage.site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Ahoy"}}));
    drift(2)?;
    drift(2)?;
    let issues = gitea.call("GET", "/repos/me/shop/issues?type=issues&state=open", None)?;
    assert_eq!(issues.as_array().map(Vec::len), Some(1), "{issues:#}");
    assert_eq!(issues[0]["labels"][0]["name"], "weft");
    stage.site.expect("apply dev --yes", 0)?;
    drift(0)?;
    let issues = gitea.call("GET", "/repos/me/shop/issues?type=issues&state=open", None)?;
    assert_eq!(issues.as_array().map(Vec::len), Some(0), "{issues:#}");
    Ok(())
}
