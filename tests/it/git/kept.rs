//! What `weft render` printed is used again only where nothing is otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use libtest_mimic::Failed;

use super::{Site, read};
use crate::cases::same;

/// The entries of the cache.
fn entries(site: &Site) -> Vec<PathBuf> {
    let folder = site.desk.root().join("home/.cache/weft/rendered");
    fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

/// Makes the only entry say that it is one, where it is used.
fn mark(site: &Site) -> Result<(), Failed> {
    let [entry] = &entries(site)[..] else { return Err(format!("{:?}", entries(site)).into()) };
    let bytes = fs::read(entry)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("no head")?;
    let mut head: serde_json::Value = serde_json::from_slice(&bytes[..end])?;
    let body = String::from_utf8(bytes[end + 1..].to_vec())?.replace("greeting:", "greetinG:");
    let mut sum = flate2::Crc::new();
    sum.update(body.as_bytes());
    head["checksum"] = sum.sum().into();
    fs::write(entry, format!("{head}\n{body}"))?;
    Ok(())
}

/// Whether a run used the marked entry; what it prints is otherwise what a run without the cache prints.
fn is_hit(site: &Site, arguments: &str, variable: Option<&str>) -> Result<bool, Failed> {
    let run = |more: &str| {
        let mut command = site.desk.command(format!("{arguments}{more}").split(' '));
        if let Some(build) = variable {
            command.env("BUILD", build);
        }
        site.desk.output(&mut command)
    };
    let (with, without) = (run(""), run(" --no-cache"));
    without.ends_with(0)?;
    with.ends_with(0)?;
    if with.stdout.contains("greetinG:") {
        return Ok(true);
    }
    same("with the cache", &without.stdout, &with.stdout)?;
    Ok(false)
}

pub fn until_anything_changes() -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write(
        "environments/defaults.yaml",
        "values: {team: red, nobody: 1}\ninputs: {TAG: {env: BUILD, default: none}}\n",
    );
    site.commit("an input");
    let fresh = || {
        for entry in entries(&site) {
            fs::remove_file(entry)?;
        }
        site.expect("render dev", 0)?;
        mark(&site)
    };
    fresh()?;
    let hit = |arguments: &str, variable| is_hit(&site, arguments, variable);
    if !hit("render dev", None)? || !hit("render dev", None)? {
        return Err("what was printed is not kept".into());
    }
    // What the command line and the process say.
    for (arguments, variable) in [
        ("render production", None),
        ("render dev --release one", None),
        ("render dev --set greeting=Moin", None),
        ("render dev --at HEAD", None),
        ("render dev", Some("7")),
    ] {
        if hit(arguments, variable)? {
            return Err(format!("`{arguments}` with {variable:?} uses what another run printed").into());
        }
    }
    // Every file of the project, in its content, its name and whether it is there.
    let files: Vec<String> = site
        .desk
        .files()
        .into_keys()
        .filter(|path| path.is_file())
        .filter_map(|path| {
            let below = path.strip_prefix(site.desk.project()).ok()?.to_str()?.to_owned();
            (!below.starts_with(".git/")).then_some(below)
        })
        .collect();
    if files.len() < 9 {
        return Err(format!("{files:?}").into());
    }
    for file in &files {
        fresh()?;
        let before = read(&site, file);
        let mut after = before.clone();
        after.extend_from_slice(if file.strip_suffix(".j2").is_some() { b"\n" } else { b"# more\n" });
        site.desk.write(file, &after);
        if hit("render dev", None)? && !file.starts_with("environments/production") {
            return Err(format!("a change of `{file}` is not seen").into());
        }
        site.desk.write(file, &before);
    }
    for new in ["charts/web/templates/new.yaml.j2", "environments/dev/values/two.yaml", "charts/web/crds/new.yaml"] {
        fresh()?;
        site.desk.write(new, "# new\n");
        if hit("render dev", None)? {
            return Err(format!("the new file `{new}` is not seen").into());
        }
        fs::remove_file(site.desk.project().join(new))?;
    }
    Ok(())
}

pub fn whole_and_private() -> Result<(), Failed> {
    let site = Site::new();
    let printed = site.expect("render dev", 0)?.stdout;
    let [entry] = &entries(&site)[..] else { return Err(format!("{:?}", entries(&site)).into()) };
    same("its mode", "600", &format!("{:o}", fs::metadata(entry)?.permissions().mode() & 0o777))?;
    let bytes = fs::read(entry)?;
    for end in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(entry, &bytes[..end])?;
        same(&format!("cut at {end}"), &printed, &site.expect("render dev", 0)?.stdout)?;
    }
    let mut broken = bytes.clone();
    let last = broken.len() - 3;
    broken[last] ^= 1;
    fs::write(entry, &broken)?;
    same("broken", &printed, &site.expect("render dev", 0)?.stdout)?;
    site.expect("render dev --no-cache", 0)?;
    // Into a folder as to the terminal.
    site.expect("render dev -o ../one", 0)?;
    site.expect("render dev -o ../two --no-cache", 0)?;
    let files = |name: &str| {
        let root = site.desk.root().join(name);
        let files = site.desk.files().into_iter();
        files.filter_map(|(path, bytes)| Some((path.strip_prefix(&root).ok()?.to_owned(), bytes))).collect::<Vec<_>>()
    };
    if files("one").is_empty() || files("one") != files("two") {
        return Err("the files are not the same".into());
    }
    Ok(())
}
