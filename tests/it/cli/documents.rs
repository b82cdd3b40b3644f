//! The JSON of real runs is what its schema says.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::program::copy;
use super::site::Site;
use crate::cases::code;
use crate::report::valid;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "documents_of_the_example_are_valid", of_the_example),
        code("cli", "documents_of_changes_are_valid", of_changes),
    ]
}

/// What a run prints, which must be valid and have steps of its own.
fn document(site: &Site, arguments: &str, code: i32) -> Result<Json, Failed> {
    let run = site.expect(arguments, code)?;
    let document = serde_json::from_str(&run.stdout).map_err(|error| format!("{arguments}: {error}"))?;
    valid(&document).map_err(|failed| format!("{arguments}: {}", failed.message().unwrap_or_default()))?;
    Ok(document)
}

fn count(document: &Json, action: &str) -> usize {
    document["steps"].as_array().map_or(0, |steps| steps.iter().filter(|step| step["action"] == action).count())
}

/// The whole example, of which nothing is there yet.
fn of_the_example() -> Result<(), Failed> {
    let site = Site::new("documents");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["charts", "environments", "secrets"] {
        copy(&root.join(folder), &site.desk.project().join(folder));
    }
    for arguments in ["diff dev -o json", "plan dev -o json"] {
        let created = count(&document(&site, arguments, 0)?, "create");
        if created < 20 {
            return Err(format!("{arguments}: only {created} objects to create").into());
        }
    }
    super::drift::valid(&serde_json::from_str(&site.expect("drift dev -o json", 0)?.stdout)?)
}

/// The example's application, changed by its values and by others.
fn of_changes() -> Result<(), Failed> {
    let site = Site::with_example("documents")?;
    site.expect("apply dev --yes --no-wait", 0)?;
    site.meddle("app-flask", "kubectl-edit", &json!({"data": {"extra": "x"}, "metadata": {"labels": null}}));
    let changes = "--set replicas=3 --set image.registry=other.example.com";
    let drift = site.expect(&format!("drift dev -o json {changes} --judge dry-run"), 2)?;
    super::drift::valid(&serde_json::from_str(&drift.stdout)?)?;
    for verb in ["diff", "plan"] {
        for more in ["", " --show-ignored", " --judge dry-run"] {
            let document = document(&site, &format!("{verb} dev -o json {changes}{more}"), 0)?;
            if count(&document, "update") == 0 {
                return Err(format!("{verb}{more}: nothing to update: {document:#}").into());
            }
        }
    }
    Ok(())
}
