//! What `weft render` printed is used again only where nothing is otherwise.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Failed;

use super::{Site, read};
use crate::cases::same;

/// The entries of the cache.
fn entries(site: &Site) -> Vec<PathBuf> {
    let folder = site.desk.root().join("home/.cache/weft/rendered");
    fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

/// Makes the only entry say that it is one, where it is used; its head is changed by a function.
fn mark(site: &Site, change: impl Fn(&mut serde_json::Value)) -> Result<(), Failed> {
    let [entry] = &entries(site)[..] else { return Err(format!("{:?}", entries(site)).into()) };
    let text = fs::read_to_string(entry)?;
    let mut lines = text.splitn(3, '\n');
    let (Some(seen), Some(head), Some(body)) = (lines.next(), lines.next(), lines.next()) else {
        return Err("no head".into());
    };
    let mut head: serde_json::Value = serde_json::from_str(head)?;
    let body = body.replace("greeting:", "greetinG:");
    let mut sum = flate2::Crc::new();
    sum.update(body.as_bytes());
    head["checksum"] = sum.sum().into();
    change(&mut head);
    fs::write(entry, format!("{seen}\n{head}\n{body}"))?;
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
        mark(&site, |_| ())
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
    let files = files(&site)?;
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

/// The files of a project, relative to it.
fn files(site: &Site) -> Result<Vec<String>, Failed> {
    let below = |path: PathBuf| Some(path.strip_prefix(site.desk.project()).ok()?.to_str()?.to_owned());
    let paths = site.desk.files().into_keys().filter(|path| path.is_file()).filter_map(below);
    let files: Vec<String> = paths.filter(|path| !path.starts_with(".git/")).collect();
    if files.len() < 9 { Err(format!("{files:?}").into()) } else { Ok(files) }
}

/// Something that happens to a file.
type Change<'c> = &'c dyn Fn(&Path) -> io::Result<()>;

/// Files that were not written for a while are not read again: what the file system says of them is enough. Each of them
/// is changed in a project of its own, as their times cannot be set back.
pub fn by_stamps() -> Result<(), Failed> {
    let unchanged = |_: &Path| Ok(());
    let grown = |path: &Path| fs::OpenOptions::new().append(true).open(path)?.write_all(b"\n");
    // With the size and the time that it had.
    let written = |path: &Path| {
        let (text, file) = (fs::read(path)?, fs::OpenOptions::new().write(true).open(path)?);
        let modified = file.metadata()?.modified()?;
        file.write_all_at(&text, 0)?;
        file.set_modified(modified)
    };
    let replaced = |path: &Path| {
        fs::copy(path, path.with_extension("new"))?;
        fs::rename(path.with_extension("new"), path)
    };
    let changes: [Change; 4] = [&unchanged, &grown, &written, &replaced];
    let mut tries: Vec<(Site, String, usize)> = Vec::new();
    for file in files(&Site::new())? {
        if !file.starts_with("environments/production") {
            tries.extend((0..changes.len()).map(|change| (Site::new(), file.clone(), change)));
        }
    }
    std::thread::sleep(Duration::from_millis(2100));
    tries.iter().try_for_each(|(site, file, change)| {
        site.expect("render dev", 0)?;
        // Only the stamps can tell now.
        mark(site, |head| head["digest"] = "none".into())?;
        if !is_hit(site, "render dev", None)? {
            return Err(Failed::from(format!("`{file}` is read again")));
        }
        changes[*change](&site.desk.project().join(file))?;
        match is_hit(site, "render dev", None)? {
            hit if hit == (*change == 0) => Ok(()),
            _ => Err(format!("change {change} of `{file}` is not seen by its stamp").into()),
        }
    })
}

/// A file that was just written is read, and known by its stamp as soon as that is old enough.
pub fn young_files_are_read() -> Result<(), Failed> {
    let site = Site::new();
    site.expect("render dev", 0)?;
    let seen = || -> Result<String, Failed> {
        let [entry] = &entries(&site)[..] else { return Err(format!("{:?}", entries(&site)).into()) };
        Ok(fs::read_to_string(entry)?.lines().next().unwrap_or_default().to_owned())
    };
    same("too young", &"-".repeat(64), &seen()?)?;
    mark(&site, |_| ())?;
    std::thread::sleep(Duration::from_millis(2100));
    let hit = || is_hit(&site, "render dev", None);
    if !hit()? || seen()?.starts_with('-') {
        return Err("old files are not known by their stamps".into());
    }
    mark(&site, |head| head["digest"] = "none".into())?;
    if !hit()? {
        return Err("old files are read again".into());
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
