//! Decides which parts of a release's history are deleted after a new revision.

use std::collections::BTreeSet;

/// A Secret of the history of a release, as a listing without its data tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedSecret {
    /// The head of a revision.
    Revision {
        /// The Secret's name.
        name: String,
        /// The revision's number.
        number: u64,
        /// Whether it was done.
        done: bool,
        /// The Secrets of the packs that hold its objects; `None` if it does not list them.
        packs: Option<Vec<String>>,
    },
    /// The head of a pack, or a further part of anything.
    Other {
        /// The Secret's name.
        name: String,
    },
}

impl ListedSecret {
    /// The Secret's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Revision { name, .. } | Self::Other { name } => name,
        }
    }

    /// The number of a revision.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Revision { number, .. } => Some(*number),
            Self::Other { .. } => None,
        }
    }
}

/// The names of the Secrets that go, the heads of revisions first: all but the newest `keep` revisions, the newest one
/// that was done, and what these consist of. With it goes what a run left behind that was ended between two writes.
/// Where a revision that stays does not say what it consists of, only heads of revisions go.
pub fn superfluous(listed: &[ListedSecret], keep: usize) -> Vec<String> {
    let mut numbers: Vec<u64> = listed.iter().filter_map(ListedSecret::number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let oldest = keep.checked_sub(1).map(|last| numbers.get(last).copied().unwrap_or_default());
    let done = |it: &&ListedSecret| matches!(it, ListedSecret::Revision { done: true, .. });
    let newest_done = listed.iter().filter(done).filter_map(ListedSecret::number).max();
    let good = if keep > 0 { newest_done } else { None };
    let stays = |number: u64| oldest.is_some_and(|oldest| number >= oldest) || good == Some(number);
    let mut heads: BTreeSet<&str> = BTreeSet::new();
    let mut all_said = true;
    for it in listed {
        if let ListedSecret::Revision { name, number, packs, .. } = it
            && stays(*number)
        {
            heads.insert(name);
            heads.extend(packs.iter().flatten().map(String::as_str));
            all_said &= packs.is_some();
        }
    }
    let part = |name: &str| name.rsplit_once('.').is_some_and(|(head, _)| heads.contains(head));
    let (revisions, others): (Vec<_>, Vec<_>) =
        listed.iter().filter(|it| !heads.contains(it.name())).partition(|it| it.number().is_some());
    let others = others.into_iter().filter(|it| all_said && !part(it.name()));
    revisions.into_iter().chain(others).map(|it| it.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: u64, done: bool, packs: &[&str]) -> ListedSecret {
        let packs = Some(packs.iter().map(|it| (*it).to_owned()).collect());
        ListedSecret::Revision { name: format!("w.r{number}"), number, done, packs }
    }

    fn others(names: &[&str]) -> Vec<ListedSecret> {
        names.iter().map(|name| ListedSecret::Other { name: (*name).to_owned() }).collect()
    }

    #[test]
    fn the_newest_stay_with_what_they_consist_of() {
        let mut listed =
            vec![revision(3, true, &["w.pb"]), revision(1, true, &["w.pa"]), revision(2, true, &["w.pa", "w.pb"])];
        listed.extend(others(&["w.pa", "w.pa.c1", "w.pb", "w.pb.c1", "w.r3.c1", "w.r1.c1", "w.lost", "w.lost.c1"]));
        assert_eq!(superfluous(&listed, 3), ["w.lost", "w.lost.c1"]);
        assert_eq!(superfluous(&listed, 2), ["w.r1", "w.r1.c1", "w.lost", "w.lost.c1"]);
        let gone = ["w.r1", "w.r2", "w.pa", "w.pa.c1", "w.r1.c1", "w.lost", "w.lost.c1"];
        assert_eq!(superfluous(&listed, 1), gone);
        assert_eq!(superfluous(&listed, 0).len(), listed.len());
    }

    #[test]
    fn the_last_good_one_stays_behind_failed_ones() {
        let listed = [revision(1, true, &[]), revision(2, true, &[]), revision(3, false, &[]), revision(4, false, &[])];
        assert_eq!(superfluous(&listed, 2), ["w.r1"]);
        assert_eq!(superfluous(&listed, 1), ["w.r1", "w.r3"]);
    }

    #[test]
    fn a_revision_that_says_nothing_keeps_all_packs() {
        let silent = ListedSecret::Revision { name: "w.r2".into(), number: 2, done: true, packs: None };
        let listed: Vec<_> = [revision(1, true, &["w.pa"]), silent].into_iter().chain(others(&["w.pa"])).collect();
        assert_eq!(superfluous(&listed, 1), ["w.r1"]);
    }
}
