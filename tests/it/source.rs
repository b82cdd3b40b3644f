//! Charts from elsewhere: from a repository, a real registry, git and archives, served on this machine.

mod bundles;
mod registry;
pub mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use weft::diagnostic::Diagnostic;
use weft::project::{ChartPlace, Locked};
use weft::source::charts::{Charts, Keys};
use weft::tree::{Tree, archive};

use self::registry::Registry;
use self::server::{Answer, Asked, Server};
use crate::cases::{code, own, same};
use crate::cli::program::Desk;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let on_a_registry = |name, run| code("source", name, run).with_ignored_flag(!has_go());
    vec![
        code("source", "a_chart_is_fetched_once_and_then_offline", fetched_once),
        code("source", "what_has_another_digest_is_refused", another_digest),
        code("source", "a_login_goes_to_its_host_alone", login_stays),
        code("source", "a_folder_of_git_is_fetched_over_http", git_over_http),
        code("source", "bases_of_a_kustomization_come_over_https", bases_over_https),
        code("source", "a_signature_of_cosign_is_checked", cosign),
        code("source", "a_bundle_of_cosign_is_checked", bundles::referred),
        code("source", "a_provenance_file_of_helm_is_checked", provenance),
        code("source", "a_project_is_locked_rendered_and_vendored", of_a_project),
        code("source", "a_dependency_is_locked_and_vendored_beside", dependency),
        code("source", "what_is_packed_and_signed_is_verified", packed_and_signed),
        on_a_registry("a_registry_takes_a_chart_and_gives_it_back", pushed),
        on_a_registry("a_bundle_is_found_by_the_tag_of_its_digest", bundles::listed_by_tag),
        on_a_registry("a_registry_wants_to_know_who_asks", logged_in),
    ]
}

fn has_go() -> bool {
    std::process::Command::new("go").arg("version").output().is_ok_and(|it| it.status.success())
}

/// A chart with one object, packed.
fn chart(version: &str) -> Vec<u8> {
    let files = [
        ("Chart.yaml", format!("apiVersion: v2\nname: app\nversion: {version}\n")),
        ("templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n".to_owned()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes()));
    archive::pack("app", &Tree::new(files)).expect("an archive")
}

fn sha256(bytes: &[u8]) -> String {
    let hex = HEXLOWER.encode(&Sha256::digest(bytes));
    format!("sha256:{hex}")
}

fn key(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/source/keys");
    fs::read(folder.join(name)).expect("a file of the tests")
}

/// What brings charts with the home of a desk, and nothing else of this machine.
fn charts(desk: &Desk) -> Charts {
    let home = desk.root().join("home").display().to_string();
    Charts::new(&own([("HOME", &*home)]))
}

fn repository(repo: &str, version: &str) -> ChartPlace {
    ChartPlace::named(repo.to_owned(), "app".into(), version.to_owned())
}

/// A chart repository with versions of the chart, as `helm repo index` lays it out.
pub fn index(versions: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut text = "apiVersion: v1\nentries:\n  app:\n".to_owned();
    for version in versions {
        let bytes = chart(version);
        let digest = sha256(&bytes);
        let said =
            ["  - {name: app, version: ", version, ", urls: [app-", version, ".tgz], digest: ", &digest[7..], "}\n"];
        text.extend(said);
        files.insert(format!("/charts/app-{version}.tgz"), bytes);
    }
    files.insert("/charts/index.yaml".into(), text.into_bytes());
    files
}

fn text<T>(result: Result<T, impl weft::diagnostic::Diagnose>) -> String {
    result.err().map(|error| Diagnostic::of(&error).to_string()).unwrap_or_default()
}

fn holds(what: &str, text: &str, part: &str) -> Result<(), Failed> {
    if text.contains(part) { Ok(()) } else { Err(format!("{what} lacks `{part}`:\n{text}").into()) }
}

fn fetched_once() -> Result<(), Failed> {
    let (desk, server) = (Desk::new(), Server::of(index(&["1.0.0", "1.2.0", "2.0.0"])));
    let place = repository(&format!("http://{}/charts", server.host), "^1");
    let found = charts(&desk).find(&place, &Keys::default()).map_err(|error| Diagnostic::of(&error).to_string())?;
    same("the version", "1.2.0", &found.locked.version)?;
    same("the digest", &sha256(&chart("1.2.0")), &found.locked.digest)?;
    let before = server.asked().len();
    let again = charts(&desk).get(&found.locked).map_err(|error| Diagnostic::of(&error).to_string())?;
    if again != chart("1.2.0") || server.asked().len() != before {
        return Err("a chart that was fetched is fetched again".into());
    }
    fs::remove_dir_all(desk.root().join("home/.cache"))?;
    drop(server);
    holds("the error", &text(charts(&desk).get(&found.locked)), "does not answer")
}

fn another_digest() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut files = index(&["1.0.0"]);
    files.insert("/charts/app-1.0.0.tgz".into(), chart("1.0.1"));
    let server = Server::of(files);
    let repo = format!("http://{}/charts", server.host);
    let error = text(charts(&desk).find(&repository(&repo, "1.0.0"), &Keys::default()));
    holds("an archive that is not the index's", &error, "is not what its index announces")?;
    let locked = Locked {
        chart: repository(&repo, "1.0.0"),
        name: "app".into(),
        version: "1.0.0".into(),
        url: Some(format!("{repo}/app-1.0.0.tgz")),
        commit: None,
        manifest: None,
        digest: sha256(&chart("1.0.0")),
        verified: Vec::new(),
    };
    holds("an archive that is not the locked one", &text(charts(&desk).get(&locked)), "is not what was locked")?;
    // What lies in the cache is not believed either.
    let cached = desk.root().join("home/.cache/weft/charts");
    fs::create_dir_all(&cached)?;
    fs::write(cached.join(format!("{}.tgz", locked.digest.replace(':', "-"))), chart("6.6.6"))?;
    holds("a cache that was written by others", &text(charts(&desk).get(&locked)), "is not what was locked")
}

fn login_stays() -> Result<(), Failed> {
    let desk = Desk::new();
    let other = Server::of(index(&["1.0.0"]));
    let away = format!("http://{}/charts/app-1.0.0.tgz", other.host);
    let text =
        format!("entries:\n  app:\n  - {{version: 1.0.0, urls: ['{away}']}}\n  - {{version: 2.0.0, urls: [to]}}\n");
    let server = Server::new(move |asked| match asked.headers.get("authorization") {
        None => (401, Vec::new(), b"who is it?".to_vec()),
        Some(_) if asked.line.contains("/to ") => (302, vec![("Location", away.clone())], Vec::new()),
        Some(_) => (200, Vec::new(), text.clone().into_bytes()),
    });
    let repo = format!("http://{}", server.host);
    let error = self::text(charts(&desk).find(&repository(&repo, "1.0.0"), &Keys::default()));
    holds("an answer without a login", &error, "answers 401 Unauthorized: who is it?")?;
    holds("an answer without a login", &error, "hint: Log in with")?;
    let helm = desk.root().join("home/.config/helm");
    fs::create_dir_all(&helm)?;
    let login = format!("repositories:\n- {{name: a, url: '{repo}/', username: me, password: hunter2}}\n");
    fs::write(helm.join("repositories.yaml"), login)?;
    for version in ["1.0.0", "2.0.0"] {
        let found = charts(&desk).find(&repository(&repo, version), &Keys::default());
        found.map_err(|error| Diagnostic::of(&error).to_string())?;
    }
    let shown = other.asked().iter().any(|it| it.headers.contains_key("authorization"));
    if shown || other.asked().len() != 2 {
        return Err(format!("another host was shown the password: {:?}", other.asked()).into());
    }
    let expected = format!("Basic {}", STANDARD.encode("me:hunter2"));
    let asked = server.asked();
    same("the login", &expected, asked.last().and_then(|it| it.headers.get("authorization")).map_or("", String::as_str))
}

/// A packet of git's protocol.
fn packet(bytes: &[u8]) -> Vec<u8> {
    [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat()
}

/// A commit with a chart in `app` and a kustomization in `base`: its id, and a pack with all its objects.
fn commit(folder: &Path) -> Result<(String, Vec<u8>), git2::Error> {
    let git = git2::Repository::init_bare(folder)?;
    let mut templates = git.treebuilder(None)?;
    templates.insert("a.yaml", git.blob(b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n")?, 0o100_644)?;
    let mut chart = git.treebuilder(None)?;
    chart.insert("Chart.yaml", git.blob(b"apiVersion: v2\nname: app\nversion: 1.0.0\n")?, 0o100_644)?;
    chart.insert("templates", templates.write()?, 0o040_000)?;
    let mut top = git.treebuilder(None)?;
    top.insert("app", chart.write()?, 0o040_000)?;
    let mut base = git.treebuilder(None)?;
    base.insert("kustomization.yaml", git.blob(b"namePrefix: our-\nresources: [a.yaml]\n")?, 0o100_644)?;
    base.insert("a.yaml", git.blob(b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: base\n")?, 0o100_644)?;
    top.insert("base", base.write()?, 0o040_000)?;
    let tree = git.find_tree(top.write()?)?;
    let who = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0))?;
    let id = git.commit(None, &who, &who, "first", &tree, &[])?;
    let mut builder = git.packbuilder()?;
    builder.insert_commit(id)?;
    let mut pack = git2::Buf::new();
    builder.write_buf(&mut pack)?;
    Ok((id.to_string(), pack.to_vec()))
}

/// What a git server says that has one commit, with the tag `v1`.
fn git_of(commit: String, pack: Vec<u8>) -> impl Fn(&Asked) -> Answer {
    move |asked| {
        let body = if asked.headers.get("git-protocol").map(String::as_str) != Some("version=2") {
            packet(b"version 1\n")
        } else if asked.line.starts_with("GET") {
            [packet(b"# service=git-upload-pack\n"), b"0000".to_vec(), packet(b"version 2\n"), b"0000".to_vec()]
                .concat()
        } else if String::from_utf8_lossy(&asked.body).contains("command=ls-refs") {
            let tag = format!("{} refs/tags/v1 peeled:{commit}\n", "f".repeat(40));
            [packet(tag.as_bytes()), b"0000".to_vec()].concat()
        } else {
            let data = pack.chunks(1000).flat_map(|it| packet(&[&[1][..], it].concat()));
            [packet(b"packfile\n"), packet(b"\x02counting\n"), data.collect(), b"0000".to_vec()].concat()
        };
        (200, Vec::new(), body)
    }
}

fn git_over_http() -> Result<(), Failed> {
    let (desk, folder) = (Desk::new(), tempfile::tempdir()?);
    let (id, pack) = commit(folder.path())?;
    let server = Server::new(git_of(id.clone(), pack));
    let address = format!("http://{}/charts.git", server.host);
    let git = |rev: &str, path: &str| ChartPlace::Git { git: address.clone(), rev: rev.into(), path: path.into() };
    let found = charts(&desk).find(&git("v1", "app"), &Keys::default());
    let found = found.map_err(|error| Diagnostic::of(&error).to_string())?;
    same("the commit", &id, found.locked.commit.as_deref().unwrap_or_default())?;
    let files: Vec<String> = archive::unpack(&found.bytes, "a")?.into_iter().map(|(path, _)| path).collect();
    same("the files", "Chart.yaml templates/a.yaml", &files.join(" "))?;
    let error = text(charts(&desk).find(&git("v2", "app"), &Keys::default()));
    holds("an unknown revision", &error, "has no branch, tag or commit `v2`")?;
    let error = text(charts(&desk).find(&git("v1", "nowhere"), &Keys::default()));
    holds("an unknown folder", &error, "cannot be read")?;
    // A cache without the chart is filled again, by the commit.
    fs::remove_dir_all(desk.root().join("home/.cache"))?;
    charts(&desk).get(&found.locked).map(drop).map_err(|error| Diagnostic::of(&error).to_string().into())
}

/// The repository answers under another name than the one that is written, as forges do, and a file lies beside it.
fn bases_over_https() -> Result<(), Failed> {
    let (desk, folder) = (Desk::new(), tempfile::tempdir()?);
    let (id, pack) = commit(folder.path())?;
    let git = git_of(id, pack);
    let (server, authority) = Server::secure(move |asked| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        match path.strip_prefix("/org/") {
            Some(rest) if rest.starts_with("repo/") => {
                (301, vec![("Location", path.replace("/org/repo/", "/org/repo.git/"))], Vec::new())
            }
            Some(_) => git(asked),
            None => (200, Vec::new(), b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: file}\n".to_vec()),
        }
    });
    let host = &server.host;
    let bases = format!("resources: ['https://{host}/org/repo//base?ref=v1', 'https://{host}/a.yaml?raw=1']\n");
    desk.write("overlay/kustomization.yaml", bases);
    let release = "releases:\n- {name: app, namespace: apps, kustomization: overlay}\n";
    desk.write("environments/dev/environment.yaml", release);
    fs::write(desk.root().join("authority.pem"), authority)?;
    let expected = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: our-base\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: file\n";
    let trusting = |arguments: &[&str]| {
        let authority = desk.root().join("authority.pem");
        desk.output(desk.command(arguments).env("SSL_CERT_FILE", authority))
    };
    let built = trusting(&["kustomize", "build", "overlay", "--reorder", "none"]);
    same("a build", expected, &built.ends_with(0)?.stdout)?;
    let posts = server.asked().into_iter().filter(|it| it.line.starts_with("POST")).map(|it| it.line);
    let posts: Vec<String> = posts.collect();
    same("what is sent", "POST /org/repo.git/git-upload-pack HTTP/1.1", &posts[0])?;
    trusting(&["render", "dev"]).ends_with(0)?.says("name: our-base")?.says("name: file")?;
    desk.run(["kustomize", "build", "overlay"]).ends_with(1)?.says("certificate")?;
    Ok(())
}

/// A manifest for these layers.
fn manifest(layers: &[(&str, &[u8], serde_json::Value)]) -> Vec<u8> {
    let layers: Vec<_> = layers
        .iter()
        .map(|(kind, bytes, notes)| {
            json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len(), "annotations": notes})
        })
        .collect();
    json!({"schemaVersion": 2, "layers": layers}).to_string().into_bytes()
}

fn cosign() -> Result<(), Failed> {
    let desk = Desk::new();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let ours = ring::signature::EcdsaKeyPair::from_pkcs8(
        &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        &pair.serialize_der(),
        &ring::rand::SystemRandom::new(),
    )
    .map_err(|error| error.to_string())?;
    let bytes = chart("1.0.0");
    let image = manifest(&[("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &bytes, json!({}))]);
    let signed = |digest: &str| {
        let payload = json!({"critical": {"image": {"docker-manifest-digest": digest}, "type": "cosign"}}).to_string();
        let signature = ours.sign(&ring::rand::SystemRandom::new(), payload.as_bytes()).expect("a signature");
        (payload.into_bytes(), STANDARD.encode(signature.as_ref()))
    };
    let serve = |payload: &[u8], signature: &str| {
        let notes = json!({"dev.cosignproject.cosign/signature": signature});
        let signatures = manifest(&[("application/vnd.dev.cosign.simplesigning.v1+json", payload, notes)]);
        let tag = format!("{}.sig", sha256(&image).replace(':', "-"));
        Server::of([
            ("/v2/charts/app/manifests/1.0.0".to_owned(), image.clone()),
            (format!("/v2/charts/app/blobs/{}", sha256(&bytes)), bytes.clone()),
            (format!("/v2/charts/app/manifests/{tag}"), signatures),
            (format!("/v2/charts/app/blobs/{}", sha256(payload)), payload.to_vec()),
        ])
    };
    let find = |server: &Server, key: &rcgen::KeyPair| {
        let keys = Keys { cosign: Some(key.public_key_pem().into_bytes()), ..Keys::default() };
        charts(&desk).find(&repository(&format!("oci://{}/charts", server.host), "1.0.0"), &keys)
    };
    let (payload, signature) = signed(&sha256(&image));
    let good = serve(&payload, &signature);
    let found = find(&good, &pair).map_err(|error| Diagnostic::of(&error).to_string())?;
    same("the key", &Keys::digest(pair.public_key_pem().as_bytes()), &found.locked.verified[0].keys)?;
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    holds("another key", &text(find(&good, &other)), "none of its signatures was made by the key")?;
    let (payload, signature) = signed(&sha256(b"another image"));
    holds("a signature of another image", &text(find(&serve(&payload, &signature), &pair)), "none of its signatures")?;
    let unsigned = Server::of([
        ("/v2/charts/app/manifests/1.0.0".to_owned(), image.clone()),
        (format!("/v2/charts/app/blobs/{}", sha256(&bytes)), bytes.clone()),
    ]);
    holds("no signature", &text(find(&unsigned, &pair)), "the registry has no signature of cosign for it")
}

/// The archive and the provenance file are Helm's own: `helm package --sign`.
fn provenance() -> Result<(), Failed> {
    let desk = Desk::new();
    let (bytes, signed) = (key("app-1.0.0.tgz"), key("app-1.0.0.tgz.prov"));
    let find = |bytes: &[u8], provenance: Option<&[u8]>, keyring: &str| {
        let files = [("/app-1.0.0.tgz", Some(bytes)), ("/app-1.0.0.tgz.prov", provenance)];
        let files = files.into_iter().filter_map(|(path, bytes)| Some((path.to_owned(), bytes?.to_vec())));
        let server = Server::of(files);
        let place = ChartPlace::Archive { url: format!("http://{}/app-1.0.0.tgz", server.host) };
        charts(&desk).find(&place, &Keys { keyring: Some(key(keyring)), ..Keys::default() })
    };
    let found = find(&bytes, Some(&signed), "public.asc").map_err(|error| Diagnostic::of(&error).to_string())?;
    same("the keyring", &Keys::digest(&key("public.asc")), &found.locked.verified[0].keys)?;
    holds("no provenance file", &text(find(&bytes, None, "public.asc")), "it has no provenance file")?;
    let error = text(find(&bytes, Some(&signed), "other.asc"));
    holds("another key", &error, "no valid key of the keyring signed its provenance file")?;
    let error = text(find(&chart("1.0.0"), Some(&signed), "public.asc"));
    holds("another archive", &error, "is not what its provenance file announces")?;
    let meddled = String::from_utf8_lossy(&signed).replace("name: app", "name: apple");
    let error = text(find(&bytes, Some(meddled.as_bytes()), "public.asc"));
    holds("another text", &error, "no valid key of the keyring signed its provenance file")
}

fn of_a_project() -> Result<(), Failed> {
    let (desk, server) = (Desk::new(), Server::of(index(&["1.0.0", "1.2.0"])));
    let release = format!("{{repo: 'http://{}/charts', name: app, version: ^1}}", server.host);
    let environment = format!("releases:\n- name: app\n  namespace: apps\n  chart: {release}\n");
    desk.write("environments/dev/environment.yaml", &environment);
    let run = |arguments: &str, code: i32| {
        let run = desk.run(arguments.split(' '));
        if run.code == Some(code) { Ok(run) } else { Err(Failed::from(format!("{arguments}: {run:?}"))) }
    };
    let unlocked = run("render dev", 1)?.stderr;
    holds("a render without a lock", &unlocked, "is not locked")?;
    holds("a render without a lock", &unlocked, "Run `weft sources lock dev`, and commit what it writes.")?;
    run("sources lock --check", 2)?;
    holds("a lock", &run("sources lock dev", 0)?.stdout, ": 1.2.0")?;
    run("sources lock --check", 0)?;
    let rendered = run("render dev", 0)?.stdout;
    holds("a render", &rendered, "app-1.2.0.tgz/templates/a.yaml")?;
    let vendored = run("sources vendor dev", 0)?.stdout;
    let vendored = desk.project().join(vendored.trim());
    fs::remove_dir_all(desk.root().join("home/.cache"))?;
    drop(server);
    same("a render of what is vendored", &rendered, &run("render dev", 0)?.stdout)?;
    fs::write(&vendored, chart("6.6.6"))?;
    holds("a render of what others vendored", &run("render dev", 4)?.stderr, "is not what was locked")?;
    fs::remove_file(&vendored)?;
    holds("a render without the network", &run("render dev", 1)?.stderr, "does not answer")?;
    desk.write("environments/dev/environment.yaml", "releases: []\n");
    holds("a lock of nothing", &run("sources lock dev", 0)?.stdout, "- app ^1")?;
    fs::write(&vendored, chart("1.2.0"))?;
    holds("vendoring", &run("sources vendor", 0)?.stderr, "which no environment takes any more")?;
    if vendored.exists() { Err("the archive is still there".into()) } else { Ok(()) }
}

fn dependency() -> Result<(), Failed> {
    let (desk, server) = (Desk::new(), Server::of(index(&["1.0.0"])));
    desk.write("environments/dev/environment.yaml", "releases:\n- {name: web, namespace: apps, chart: web}\n");
    let repo = format!("http://{}/charts", server.host);
    let chart = format!(
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {{name: app, version: 1.x.x, repository: '{repo}'}}\n"
    );
    desk.write("charts/web/Chart.yaml", chart);
    let expect = |arguments: &str, code: i32| {
        let run = desk.run(arguments.split(' '));
        if run.code == Some(code) { Ok(run) } else { Err(Failed::from(format!("{arguments}: {run:?}"))) }
    };
    holds("a render without a lock", &expect("render dev", 1)?.stderr, "is not locked")?;
    expect("sources lock", 0)?;
    holds("a render", &expect("render dev", 0)?.stdout, "kind: ConfigMap")?;
    desk.write("charts/web/charts/app-0.9.0.tgz", self::chart("0.9.0"));
    let vendored = expect("sources vendor", 0)?;
    same("what is vendored", "charts/web/charts/app-1.0.0.tgz\n", &vendored.stdout)?;
    holds("vendoring", &vendored.stderr, "removed charts/web/charts/app-0.9.0.tgz")?;
    expect("sources lock --check", 0)?;
    fs::write(desk.project().join("charts/web/charts/app-1.0.0.tgz"), self::chart("1.0.1"))?;
    holds("a render of what others vendored", &expect("render dev", 4)?.stderr, "is not what was locked")
}

/// A desk with the chart as a folder, and the key to sign it.
fn with_chart() -> Desk {
    let desk = Desk::new();
    desk.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    desk.write("app/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n");
    desk.write("app/notes.txt", "left out\n");
    desk.write("app/.helmignore", "notes.txt\n");
    desk.write("secret.asc", key("secret.asc"));
    desk.write("pass", "throwaway\n");
    desk
}

fn packed_and_signed() -> Result<(), Failed> {
    let desk = with_chart();
    let run = desk.run("chart package app --version 1.1.0+x --sign secret.asc --passphrase-file pass".split(' '));
    same("what is printed", "./app-1.1.0+x.tgz\n", &run.stdout).map_err(|failed| format!("{failed:?} {run:?}"))?;
    let read = |name: &str| fs::read(desk.project().join(name)).expect("a file");
    let (bytes, signed) = (read("app-1.1.0+x.tgz"), read("app-1.1.0+x.tgz.prov"));
    let files: Vec<String> = archive::unpack(&bytes, "a")?.into_iter().map(|(path, _)| path).collect();
    same("the files", "Chart.yaml .helmignore templates/a.yaml", &files.join(" "))?;
    let server = Server::of([("/app.tgz".to_owned(), bytes.clone()), ("/app.tgz.prov".to_owned(), signed)]);
    let place = ChartPlace::Archive { url: format!("http://{}/app.tgz", server.host) };
    let found = charts(&desk).find(&place, &Keys { keyring: Some(key("public.asc")), ..Keys::default() });
    same("the version", "1.1.0+x", &found.map_err(|error| Diagnostic::of(&error).to_string())?.locked.version)?;
    let again = desk.run(["chart", "package", "app", "--version", "1.1.0+x", "-d", "again"]);
    same("the code", "Some(0)", &format!("{:?}", again.code))?;
    if read("again/app-1.1.0+x.tgz") != bytes {
        return Err("the same chart was packed into other bytes".into());
    }
    desk.write("pass", "wrong\n");
    let run = desk.run("chart package app --sign secret.asc --passphrase-file pass".split(' '));
    holds("a wrong passphrase", &run.stderr, "the key does not sign")
}

fn pushed() -> Result<(), Failed> {
    let (desk, registry) = (with_chart(), Registry::start(None));
    let repo = format!("oci://{}/charts", registry.host);
    for version in ["1.0.0", "1.2.0+x", "2.0.0"] {
        let sign = ["--sign", "secret.asc", "--passphrase-file", "pass"];
        let run = desk.run(["chart", "package", "app", "--version", version].into_iter().chain(sign));
        let run = desk.run(["chart", "push", run.stdout.trim(), &repo]);
        let tag = version.replace('+', "_");
        holds("what is printed", &format!("{}{}", run.stdout, run.stderr), &format!("{repo}/app:{tag}@sha256:"))?;
    }
    let keys = Keys { keyring: Some(key("public.asc")), ..Keys::default() };
    let found = charts(&desk).find(&repository(&repo, "^1"), &keys);
    let found = found.map_err(|error| Diagnostic::of(&error).to_string())?;
    same("the version", "1.2.0+x", &found.locked.version)?;
    same("the digest", &sha256(&fs::read(desk.project().join("app-1.2.0+x.tgz"))?), &found.locked.digest)?;
    fs::remove_dir_all(desk.root().join("home/.cache"))?;
    charts(&desk).get(&found.locked).map_err(|error| Diagnostic::of(&error).to_string())?;
    let error = text(charts(&desk).find(&repository(&repo, "^3"), &Keys::default()));
    holds("a range that nothing fits", &error, "There are 2.0.0, 1.2.0+x, 1.0.0.")?;
    let error = text(charts(&desk).find(&repository(&repo, "9.9.9"), &Keys::default()));
    holds("a version that is not there", &error, "answers 404 Not Found: manifest unknown")
}

fn logged_in() -> Result<(), Failed> {
    let hash = bcrypt::hash("hunter2", 4)?;
    let (desk, registry) = (with_chart(), Registry::start(Some(&format!("me:{hash}\n"))));
    let repo = format!("oci://{}/charts", registry.host);
    let run = desk.run(["chart", "package", "app"]);
    let push = || desk.run(["chart", "push", run.stdout.trim(), &repo]);
    holds("a push without a login", &push().stderr, "answers 401 Unauthorized")?;
    let docker = desk.root().join("home/.docker");
    fs::create_dir_all(&docker)?;
    let login = json!({"auths": {&registry.host: {"auth": STANDARD.encode("me:hunter2")}}});
    fs::write(docker.join("config.json"), login.to_string())?;
    let pushed = push();
    holds("a push with a login", &format!("{}{}", pushed.stdout, pushed.stderr), "/app:1.0.0@sha256:")?;
    let found = charts(&desk).find(&repository(&repo, "*"), &Keys::default());
    same("the version", "1.0.0", &found.map_err(|error| Diagnostic::of(&error).to_string())?.locked.version)
}
