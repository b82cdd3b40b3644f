//! The receiver of webhooks: only who knows the secret starts the command.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac as _};
use libtest_mimic::{Failed, Trial};
use sha2::Sha256;

use crate::cases::code;
use crate::cli::program::Desk;
use crate::markdown;

const SECRET: &str = "a long random text";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("ci", "only_who_knows_the_secret_starts_a_command", signed),
        code("ci", "gitlab_tells_the_secret_itself", told),
        code("ci", "a_receiver_needs_a_secret", no_secret),
        code("ci", "silent_connections_keep_no_webhook_out", silent_connections),
        code("ci", "an_event_is_accepted_once", accepted_once),
        code("ci", "a_body_is_read_only_behind_a_right_head", head_first),
        code("ci", "a_command_that_takes_too_long_is_ended", ended_in_time),
        code("ci", "an_accepted_event_survives_a_restart", survives),
    ]
}

/// The status that a request is answered.
fn send(address: &str, method: &str, headers: &str, body: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    let head = format!("{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    stream.write_all((head + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
}

fn digest(secret: &str, body: &str) -> Result<String, Failed> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body.as_bytes());
    Ok(HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// A receiver for one event, and its address.
fn listen(desk: &Desk, forge: &str) -> Result<(Child, String), Failed> {
    let script = "cp \"$GITHUB_EVENT_PATH\" event.json; echo \"$WEFT_FORGE/$WEFT_EVENT_NAME/$WEFT_EVENT_ACTION/$WEFT_EVENT_REF/\
                  ${WEFT_WEBHOOK_SECRET-gone}\" > said";
    listen_with(desk, forge, &["--events", "1"], script)
}

fn listen_with(desk: &Desk, forge: &str, options: &[&str], script: &str) -> Result<(Child, String), Failed> {
    let arguments =
        [&["ci", "listen", "--forge", forge, "--address", "127.0.0.1:0"], options, &["--", "sh", "-c", script]];
    let mut command: Command = desk.command(arguments.concat());
    command.env("WEFT_WEBHOOK_SECRET", format!("{SECRET}\n")).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut process = command.stderr(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(process.stderr.take().ok_or("its output")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on ").ok_or("an address")?.to_owned();
    // What it says later goes nowhere, and must not stop it.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    Ok((process, address))
}

fn signed() -> Result<(), Failed> {
    let body = PUSH;
    for (forge, event, proof, said) in [
        ("gitea", "X-Gitea-Event: push", "X-Gitea-Signature: ", "gitea/push//refs/heads/main/gone\n"),
        ("github", "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=", "github/push//refs/heads/main/gone\n"),
    ] {
        let desk = Desk::new();
        let (mut process, address) = listen(&desk, forge)?;
        assert_eq!(send(&address, "GET", "", "")?, "405");
        assert_eq!(send(&address, "POST", &format!("{event}\r\n"), body)?, "403");
        let forged = format!("{event}\r\n{proof}{}\r\n", digest("a guess", body)?);
        assert_eq!(send(&address, "POST", &forged, body)?, "403");
        let signed = format!("{event}\r\n{proof}{}\r\n", digest(SECRET, body)?);
        assert_eq!(send(&address, "POST", &signed, "{}")?, "403", "the signature is one of the body");
        let form = format!("{event}\r\n{proof}{}\r\n", digest(SECRET, "payload=%7B%7D")?);
        assert_eq!(send(&address, "POST", &form, "payload=%7B%7D")?, "415", "a form is no JSON");
        assert_eq!(send(&address, "POST", &signed, body)?, "202");
        assert!(process.wait()?.success());
        assert_eq!(fs::read_to_string(desk.project().join("event.json"))?, body);
        assert_eq!(fs::read_to_string(desk.project().join("said"))?, said);
    }
    Ok(())
}

/// GitLab sends the secret itself.
fn told() -> Result<(), Failed> {
    let desk = Desk::new();
    let (mut process, address) = listen(&desk, "gitlab")?;
    let body = markdown::read("tests/cases/forge/gitlab_webhook_merge_request/event.json");
    let event = "X-Gitlab-Event: Merge Request Hook\r\n";
    assert_eq!(send(&address, "POST", event, &body)?, "403");
    for wrong in ["", "a long random tex", "a long random text2", &digest(SECRET, &body)?] {
        assert_eq!(send(&address, "POST", &format!("{event}X-Gitlab-Token: {wrong}\r\n"), &body)?, "403", "{wrong}");
    }
    let signed = format!("{event}X-Gitea-Signature: {}\r\n", digest(SECRET, &body)?);
    assert_eq!(send(&address, "POST", &signed, &body)?, "403", "the proof is another forge's");
    assert_eq!(send(&address, "POST", &format!("{event}X-Gitlab-Token: {SECRET}\r\n"), &body)?, "202");
    assert!(process.wait()?.success());
    assert_eq!(fs::read_to_string(desk.project().join("said"))?, "gitlab/Merge Request Hook/open//gone\n");
    Ok(())
}

/// The headers of a push that Gitea signed, with the name of its delivery.
fn push(delivery: &str, body: &str) -> Result<String, Failed> {
    let proof = digest(SECRET, body)?;
    Ok(format!("X-Gitea-Event: push\r\nX-Gitea-Delivery: {delivery}\r\nX-Gitea-Signature: {proof}\r\n"))
}

const PUSH: &str = "{\"ref\": \"refs/heads/main\", \"before\": \"1\", \"after\": \"2\"}";

fn silent_connections() -> Result<(), Failed> {
    let desk = Desk::new();
    let (mut process, address) = listen(&desk, "gitea")?;
    let silent: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(&address)).collect::<Result<_, _>>()?;
    let start = Instant::now();
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "202");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(silent);
    assert!(process.wait()?.success());
    Ok(())
}

/// Whoever saw a request can send it again, under another name and with another delivery: only its body is signed.
fn accepted_once() -> Result<(), Failed> {
    let desk = Desk::new();
    let script = "echo \"$WEFT_EVENT_NAME\" >> said";
    let (mut process, address) = listen_with(&desk, "gitea", &["--events", "2"], script)?;
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "202");
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "409");
    let renamed = push("b", PUSH)?.replace("Event: push", "Event: pull_request");
    assert_eq!(send(&address, "POST", &renamed, PUSH)?, "409");
    let other = PUSH.replace('2', "3");
    let renamed = push("c", &other)?.replace("Event: push", "Event: pull_request");
    assert_eq!(send(&address, "POST", &renamed, &other)?, "202");
    assert!(process.wait()?.success());
    assert_eq!(fs::read_to_string(desk.project().join("said"))?, "push\npush\n");
    Ok(())
}

fn head_first() -> Result<(), Failed> {
    let desk = Desk::new();
    let (mut process, address) = listen(&desk, "github")?;
    for (headers, status) in [
        ("Content-Length: 20000000\r\n", "403"),
        ("Content-Length: 20000000\r\nX-Hub-Signature-256: sha256=00\r\n", "403"),
        ("Content-Length: 2000000000\r\n", "413"),
        ("Transfer-Encoding: chunked\r\n", "411"),
    ] {
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes())?;
        let mut answer = String::new();
        let start = Instant::now();
        stream.read_to_string(&mut answer)?;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{headers}: {answer}");
        assert!(start.elapsed() < Duration::from_secs(2), "{headers}: the body is waited for");
    }
    process.kill()?;
    process.wait()?;
    Ok(())
}

fn ended_in_time() -> Result<(), Failed> {
    let desk = Desk::new();
    let start = Instant::now();
    let (mut process, address) =
        listen_with(&desk, "gitea", &["--events", "1", "--timeout", "1"], "sleep 600 & echo $! > child; sleep 600")?;
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "202");
    assert!(process.wait()?.success());
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let child = fs::read_to_string(desk.project().join("child"))?;
    let state = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "what the command started still runs: {state}");
    Ok(())
}

fn survives() -> Result<(), Failed> {
    let desk = Desk::new();
    let (mut process, address) =
        listen_with(&desk, "gitea", &["--spool", "spool"], "echo begun >> said; exec sleep 5")?;
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "202");
    let begun = || fs::read_to_string(desk.project().join("said")).is_ok();
    let start = Instant::now();
    while !begun() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill()?;
    process.wait()?;
    let (mut process, address) =
        listen_with(&desk, "gitea", &["--spool", "spool", "--events", "1"], "echo again >> said; sleep 2")?;
    assert_eq!(send(&address, "POST", &push("a", PUSH)?, PUSH)?, "409", "it is remembered");
    assert!(process.wait()?.success());
    assert_eq!(fs::read_to_string(desk.project().join("said"))?, "begun\nagain\n");
    Ok(())
}

fn no_secret() -> Result<(), Failed> {
    let run = Desk::new().run(["ci", "listen", "--forge", "gitea", "--", "true"]);
    run.ends_with(1)?.says("`WEFT_WEBHOOK_SECRET` has no secret")?.says("the same long random text").map(drop)
}
