//! From what became of the objects of a run to what came of a release.

use super::Outcome;

/// What became of an object in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was written or deleted, and healthy where that was waited for.
    Done,
    /// It was written, and did not become healthy, for this reason.
    Unhealthy(String),
    /// It was not written, for this reason.
    Undone(String),
    /// It may have been written: the request got no answer, for this reason.
    Unknown(String),
}

/// What came of a release, from its steps: whether each asked for a write, and what became of it. `None` where the run
/// changed nothing of it.
pub fn outcome<'f>(steps: impl IntoIterator<Item = (bool, Option<&'f Fate>)>) -> Option<Outcome> {
    let mut changed = false;
    let mut undone = None;
    let mut unhealthy = None;
    for (asked, fate) in steps {
        match fate {
            Some(Fate::Done) => changed |= asked,
            Some(Fate::Unhealthy(reason)) => {
                changed |= asked;
                unhealthy = unhealthy.or(Some(reason.as_str()));
            }
            Some(Fate::Unknown(reason)) => {
                changed = true;
                undone = undone.or(Some(reason.as_str()));
            }
            Some(Fate::Undone(reason)) if asked => undone = undone.or(Some(reason.as_str())),
            None if asked => undone = undone.or(Some("the run ended before")),
            Some(Fate::Undone(_)) | None => {}
        }
    }
    let first_line = |reason: &str| reason.lines().next().unwrap_or_default().to_owned();
    changed.then(|| match (undone, unhealthy) {
        (Some(reason), _) => Outcome::Partial(first_line(reason)),
        (None, Some(reason)) => Outcome::Failed(first_line(reason)),
        (None, None) => Outcome::Done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_as_its_worst_object() {
        let done = Fate::Done;
        let sick = Fate::Unhealthy("no pods\nof three".into());
        let undone = Fate::Undone("refused".into());
        let unknown = Fate::Unknown("no answer".into());
        let of = |steps: &[(bool, Option<&Fate>)]| outcome(steps.iter().copied());
        assert_eq!(of(&[(false, None), (true, Some(&done))]), Some(Outcome::Done));
        assert_eq!(of(&[(true, Some(&sick)), (true, Some(&done))]), Some(Outcome::Failed("no pods".into())));
        assert_eq!(of(&[(true, Some(&done)), (false, Some(&sick))]), Some(Outcome::Failed("no pods".into())));
        assert_eq!(of(&[(true, Some(&sick)), (true, Some(&undone))]), Some(Outcome::Partial("refused".into())));
        assert_eq!(of(&[(true, Some(&done)), (true, None)]), Some(Outcome::Partial("the run ended before".into())));
        assert_eq!(of(&[(true, Some(&unknown))]), Some(Outcome::Partial("no answer".into())));
        for nothing in [&[(true, Some(&undone))][..], &[(false, Some(&sick))], &[(true, None), (false, None)], &[]] {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
    }
}
