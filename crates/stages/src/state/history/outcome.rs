//! Derives the outcome of a release from the results of its objects.

use super::RevisionOutcome;

/// The result of an object in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectResult {
    /// It was written or deleted and, if the run waited for it, is healthy.
    Done,
    /// It was written, and did not become healthy, for this reason.
    Unhealthy(String),
    /// It was not written, for this reason.
    Undone(String),
    /// It may have been written: the request got no answer, for this reason.
    Unknown(String),
}

/// The outcome of a release from its steps: whether each asked for a write, and its result. `None` if the run changed
/// nothing in it.
pub fn outcome<'f>(steps: impl IntoIterator<Item = (bool, Option<&'f ObjectResult>)>) -> Option<RevisionOutcome> {
    let mut changed = false;
    let mut undone = None;
    let mut unhealthy = None;
    for (asked, fate) in steps {
        match fate {
            Some(ObjectResult::Done) => changed |= asked,
            Some(ObjectResult::Unhealthy(reason)) => {
                changed |= asked;
                unhealthy = unhealthy.or(Some(reason.as_str()));
            }
            Some(ObjectResult::Unknown(reason)) => {
                changed = true;
                undone = undone.or(Some(reason.as_str()));
            }
            Some(ObjectResult::Undone(reason)) if asked => undone = undone.or(Some(reason.as_str())),
            None if asked => undone = undone.or(Some("the run ended before")),
            Some(ObjectResult::Undone(_)) | None => {}
        }
    }
    let first_line = |reason: &str| reason.lines().next().unwrap_or_default().to_owned();
    changed.then(|| match (undone, unhealthy) {
        (Some(reason), _) => RevisionOutcome::Partial(first_line(reason)),
        (None, Some(reason)) => RevisionOutcome::Failed(first_line(reason)),
        (None, None) => RevisionOutcome::Done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_as_its_worst_object() {
        let done = ObjectResult::Done;
        let sick = ObjectResult::Unhealthy("no pods\nof three".into());
        let undone = ObjectResult::Undone("refused".into());
        let unknown = ObjectResult::Unknown("no answer".into());
        let of = |steps: &[(bool, Option<&ObjectResult>)]| outcome(steps.iter().copied());
        assert_eq!(of(&[(false, None), (true, Some(&done))]), Some(RevisionOutcome::Done));
        assert_eq!(of(&[(true, Some(&sick)), (true, Some(&done))]), Some(RevisionOutcome::Failed("no pods".into())));
        assert_eq!(of(&[(true, Some(&done)), (false, Some(&sick))]), Some(RevisionOutcome::Failed("no pods".into())));
        assert_eq!(of(&[(true, Some(&sick)), (true, Some(&undone))]), Some(RevisionOutcome::Partial("refused".into())));
        assert_eq!(
            of(&[(true, Some(&done)), (true, None)]),
            Some(RevisionOutcome::Partial("the run ended before".into()))
        );
        assert_eq!(of(&[(true, Some(&unknown))]), Some(RevisionOutcome::Partial("no answer".into())));
        for nothing in [&[(true, Some(&undone))][..], &[(false, Some(&sick))], &[(true, None), (false, None)], &[]] {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
    }
}
