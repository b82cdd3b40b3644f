//! `needs:`: each release after all that it needs.

use std::collections::HashMap;

use super::Release;
use super::error::ProjectError;
use super::release::Declared;
use weft_base::diagnostic::Place;
use weft_base::diagnostic::nearest;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};

/// One need: which of the enabled releases, and where it was written.
struct Need {
    release: usize,
    origin: Origin,
}

/// The enabled releases with each after all that it needs, and otherwise in the order of their declaration.
///
/// `releases` are those of `declared` that are enabled, in the same order.
pub(super) fn ordered(
    tree: &Tree,
    releases: Vec<Release>,
    declared: &[Declared],
) -> Result<Vec<Release>, ProjectError> {
    let enabled: HashMap<&str, usize> = releases.iter().enumerate().map(|(at, it)| (&*it.name, at)).collect();
    let resolve = |it: &Declared| -> Result<Vec<Need>, ProjectError> {
        let need = |item: &Value| match enabled.get(item.as_str().unwrap_or_default()) {
            Some(release) => Ok(Need { release: *release, origin: item.origin.clone() }),
            None => Err(unmet(tree, &it.spec.name, item, declared)),
        };
        it.items("needs").iter().map(need).collect()
    };
    let needs = declared.iter().filter(|it| it.enabled()).map(resolve).collect::<Result<Vec<_>, _>>()?;
    let order = sort(&needs).map_err(|cycle| circle(tree, &releases, &cycle))?;
    let mut slots: Vec<Option<Release>> = releases.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|at| slots[at].take()).collect())
}

fn unmet(tree: &Tree, release: &str, item: &Value, declared: &[Declared]) -> ProjectError {
    let release = release.to_owned();
    let place = Place::of_node(tree, item);
    let need = item.as_str().unwrap_or_default().to_owned();
    if let Some(off) = declared.iter().find(|it| it.spec.name == need) {
        return ProjectError::NeedDisabled { release, need, place, disabled: off.origin.clone() };
    }
    let others = declared.iter().map(|it| it.spec.name.as_str()).filter(|name| *name != release);
    let nearest = nearest(&need, others).map(str::to_owned);
    ProjectError::NeedUnknown { release, need, place, nearest }
}

/// A depth-first order by an explicit stack, as chains of needs may be longer than the thread's stack. The error holds
/// a circle: each release with the place where it names the next, which after the last is the first.
fn sort(needs: &[Vec<Need>]) -> Result<Vec<usize>, Vec<(usize, Origin)>> {
    let mut order = Vec::with_capacity(needs.len());
    let mut done = vec![false; needs.len()];
    let mut is_open = vec![false; needs.len()];
    for root in 0..needs.len() {
        let mut open: Vec<(usize, usize)> = if done[root] { Vec::new() } else { vec![(root, 0)] };
        while let Some((release, next)) = open.last_mut() {
            let release = *release;
            is_open[release] = true;
            let Some(need) = needs[release].get(*next) else {
                is_open[release] = false;
                done[release] = true;
                order.push(release);
                open.pop();
                continue;
            };
            *next += 1;
            if is_open[need.release] {
                let start = open.iter().position(|(at, _)| *at == need.release).unwrap_or_default();
                return Err(open[start..].iter().map(|(at, n)| (*at, needs[*at][n - 1].origin.clone())).collect());
            }
            if !done[need.release] {
                open.push((need.release, 0));
            }
        }
    }
    Ok(order)
}

fn circle(tree: &Tree, releases: &[Release], cycle: &[(usize, Origin)]) -> ProjectError {
    let name = |at: usize| releases[cycle[at % cycle.len()].0].name.to_string();
    let path = (0..=cycle.len()).map(name).collect::<Vec<_>>().join(" needs ");
    let lines = cycle
        .iter()
        .enumerate()
        .map(|(at, (_, origin))| format!("`{}` needs `{}` at {origin}", name(at), name(at + 1)));
    let last =
        cycle.last().map(|(_, origin)| Place::in_tree(tree, origin, name(0).chars().count())).unwrap_or_default();
    ProjectError::NeedCycle { path, steps: lines.collect(), place: last }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(of: &[&[usize]]) -> Vec<Vec<Need>> {
        let need = |release: &usize| Need { release: *release, origin: Origin::default() };
        of.iter().map(|list| list.iter().map(need).collect()).collect()
    }

    #[test]
    fn releases_come_after_their_needs_and_else_as_declared() {
        assert_eq!(sort(&needs(&[&[], &[], &[]])).unwrap(), [0, 1, 2]);
        assert_eq!(sort(&needs(&[&[2], &[], &[]])).unwrap(), [2, 0, 1]);
        assert_eq!(sort(&needs(&[&[1, 2], &[3], &[3], &[]])).unwrap(), [3, 1, 2, 0]);
    }

    #[test]
    fn a_circle_is_found_without_what_leads_to_it() {
        let cycle = sort(&needs(&[&[1], &[2], &[3], &[1]])).unwrap_err();
        assert_eq!(cycle.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(sort(&needs(&[&[0]])).unwrap_err().len(), 1);
    }

    #[test]
    fn a_chain_of_needs_can_be_long() {
        let chain: Vec<Vec<usize>> = (0..50_000).map(|at| if at < 49_999 { vec![at + 1] } else { vec![] }).collect();
        let chain: Vec<&[usize]> = chain.iter().map(Vec::as_slice).collect();
        assert_eq!(sort(&needs(&chain)).unwrap()[0], 49_999);
    }
}
