//! Secret values outside Secrets, but for those that the project declares.

use std::collections::HashMap;

use super::{Rendering, pool};
use weft_base::diagnostic::Failure;
use weft_stages::manifest::{self, Exposure, Object};
use weft_stages::project::ExposureRule;

/// What objects show of their releases' secrets.
#[derive(Default)]
pub struct Exposures<'r> {
    /// The places that no rule of `exposes:` declares.
    pub found: Vec<Exposure<'r>>,
    /// The rules for places that show nothing.
    pub unused: Vec<&'r ExposureRule>,
}

/// Looks for the secret values of the releases in their objects and hooks, on all cores.
pub fn exposures(rendering: &Rendering) -> Result<Exposures<'_>, Failure> {
    let mut objects: HashMap<&str, Vec<&Object>> = HashMap::new();
    for object in rendering.desired.with_hooks() {
        objects.entry(&object.release).or_default().push(object);
    }
    let each = pool::each(&rendering.releases, |it| {
        let own = objects.get(&*it.release.name).into_iter().flatten().copied();
        let found = manifest::exposures(own, &it.values.merged);
        Ok(declared(found, &it.release.exposes))
    })?;
    let mut all = Exposures::default();
    for Exposures { found, unused } in each {
        all.found.extend(found);
        all.unused.extend(unused);
    }
    Ok(all)
}

fn declared<'r>(mut found: Vec<Exposure<'r>>, rules: &'r [ExposureRule]) -> Exposures<'r> {
    let mut used = vec![false; rules.len()];
    found.retain(|exposure| {
        let hits: Vec<usize> = (0..rules.len()).filter(|at| allows(&rules[*at], exposure)).collect();
        for at in &hits {
            used[*at] = true;
        }
        hits.is_empty()
    });
    let unused = rules.iter().zip(used).filter(|(_, used)| !used).map(|(rule, _)| rule).collect();
    Exposures { found, unused }
}

fn allows(rule: &ExposureRule, exposure: &Exposure) -> bool {
    let id = &exposure.object.id;
    rule.objects.fits(&id.kind, id.namespace.as_deref(), &id.name)
        && rule.paths.iter().any(|path| path.covers(&exposure.path))
}
