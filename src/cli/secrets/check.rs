//! `weft secrets check`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::repository::{At, ReadingArgs, Repository};
use crate::cli::arguments::Form;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::{Failure, counted};
use crate::secrets::{self, Checked, Problem, RULES, Rules, SecretsError};
use crate::value::Origin;

/// Check that files are encrypted as `.sops.yaml` says: nothing plain, the right readers, nothing changed by hand.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Only these files, and those below these folders. Rules and keys that nobody uses are not looked for then.
    files: Vec<PathBuf>,
    /// Check what the next commit would change, as a hook before it does.
    #[arg(long)]
    staged: bool,
    /// Check the files of this git revision instead of the folder.
    #[arg(long, value_name = "REVISION", conflicts_with = "staged")]
    rev: Option<String>,
    /// End with 5 where a file could not be opened for want of a key.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

pub(super) fn run(args: &CheckArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let repository = Repository::around(&settings::absolute(&args.reading.project))?;
    let at = match &args.rev {
        Some(revision) => At::Commit(repository.commit(revision)?),
        None if args.staged => At::Staged,
        None => At::Folder,
    };
    let rules = rules(&repository, at)?;
    let names: Vec<String> = args.files.iter().map(|path| repository.name(path)).collect();
    let files = repository.files(at, &|path| path != RULES && is_below(path, &names))?;
    let files: Vec<_> = files.into_iter().filter(|(path, it)| secrets::is_covered(path, it, rules.as_ref())).collect();
    let identities = if files.is_empty() {
        secrets::Identities::default()
    } else {
        repository.identities(&args.reading.identities, true)?
    };
    let check = |(path, bytes): &(String, Vec<u8>)| secrets::check(bytes, path, rules.as_ref(), &identities);
    let checked: Vec<Checked> = files.par_iter().map(check).collect::<Result<_, SecretsError>>()?;
    let whole = names.is_empty() && at != At::Staged;
    let unused = match &rules {
        Some(rules) if whole => secrets::check_rules(rules, RULES, &checked)?,
        _ => Vec::new(),
    };
    let wrong = !unused.is_empty() || checked.iter().any(|file| !file.problems.is_empty());
    let closed = checked.iter().any(|file| file.closed);
    match args.reading.output {
        Form::Json => terminal.print(&format!("{:#}\n", json(&checked, &unused)))?,
        // Most commits have no secrets, and their hook nothing to say.
        Form::Text if args.staged && checked.is_empty() => {}
        Form::Text => terminal.print(&text(&checked, &unused))?,
    }
    Ok(match () {
        () if wrong => Exit::Invalid,
        () if closed && args.strict => Exit::Unknown,
        () => Exit::Done,
    })
}

/// The rules at that place; none where there are none.
pub(super) fn rules(repository: &Repository, at: At) -> Result<Option<Rules>, Failure> {
    let Some(bytes) = repository.file(at, RULES)? else { return Ok(None) };
    Ok(Some(secrets::rules(&String::from_utf8_lossy(&bytes), &Arc::new(RULES.to_owned()))?))
}

/// Whether a file is one of those that are named, or below one; without names, all are.
pub(super) fn is_below(path: &str, names: &[String]) -> bool {
    let below = |name: &String| {
        name.is_empty() || path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    names.is_empty() || names.iter().any(below)
}

/// All problems, each with the file that it is about.
fn problems<'c>(checked: &'c [Checked], unused: &'c [Problem]) -> impl Iterator<Item = (&'c str, &'c Problem)> {
    let of_files = checked.iter().flat_map(|file| file.problems.iter().map(|it| (file.file.as_str(), it)));
    of_files.chain(unused.iter().map(|it| (RULES, it)))
}

fn text(checked: &[Checked], unused: &[Problem]) -> String {
    let mut out = String::new();
    let mut count = 0;
    // Writing to a string cannot fail.
    for (file, Problem { origin, fault }) in problems(checked, unused) {
        let _ = writeln!(out, "{origin}: {fault}");
        if let Some(hint) = fault.hint(file) {
            let _ = writeln!(out, "  {hint}");
        }
        count += 1;
    }
    let closed: Vec<&str> = checked.iter().filter(|file| file.closed).map(|file| file.file.as_str()).collect();
    if !closed.is_empty() {
        let _ = writeln!(out, "not opened, so whether their values were changed was not checked:");
        for file in closed {
            let _ = writeln!(out, "  {file}");
        }
    }
    let said = if count == 0 { "ok".to_owned() } else { counted(count, "problem") };
    let _ = writeln!(
        out,
        "{}, {} opened: {said}",
        counted(checked.len(), "file"),
        checked.iter().filter(|file| file.opened).count()
    );
    out
}

fn json(checked: &[Checked], unused: &[Problem]) -> Json {
    let problem = |(file, Problem { origin, fault }): (&str, &Problem)| {
        let mut it = json!({"file": file, "problem": fault.name(), "message": fault.to_string()});
        place(&mut it, origin);
        if let secrets::Fault::PlainValue(path) = fault {
            it["path"] = path.to_string().into();
        }
        it
    };
    let file = |file: &Checked| json!({"file": file.file, "readers": file.readers, "opened": file.opened});
    json!({
        "formatVersion": 1,
        "files": checked.iter().map(file).collect::<Vec<_>>(),
        "problems": problems(checked, unused).map(problem).collect::<Vec<_>>(),
    })
}

fn place(json: &mut Json, origin: &Origin) {
    if origin.mark.line > 0 {
        json["line"] = origin.mark.line.into();
        json["column"] = origin.mark.column.into();
    }
}
