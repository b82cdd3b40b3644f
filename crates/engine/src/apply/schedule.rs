//! When each stage of a plan begins, and which never do.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::Run;
use weft_stages::plan::Work;
use weft_stages::report::Outcome;

/// Why a stage did not end well, or never began.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The release in which something failed, and those through which that reached the stage.
    pub(super) way: Vec<Arc<str>>,
    /// What failed.
    pub(super) reason: String,
}

impl Run<'_> {
    /// Runs the stages, each as soon as those have ended that it comes after.
    pub(super) async fn stages(&self) {
        let stages = &self.scope.plan.stages;
        let mut open: Vec<usize> = stages.iter().map(|stage| stage.after.len()).collect();
        let mut next = vec![Vec::new(); stages.len()];
        for (at, stage) in stages.iter().enumerate() {
            stage.after.iter().for_each(|first| next[*first].push(at));
        }
        let ready = (0..stages.len()).filter(|at| open[*at] == 0);
        let mut under_way: FuturesUnordered<_> = ready.map(|at| self.run_stage(at)).collect();
        while let Some(ended) = under_way.next().await {
            for at in std::mem::take(&mut next[ended]) {
                open[at] -= 1;
                if open[at] == 0 {
                    under_way.push(self.run_stage(at));
                }
            }
        }
    }

    pub(super) async fn run_stage(&self, at: usize) -> usize {
        match (self.obstacle(at), self.stage(at).work) {
            (Some(failure), _) => self.skip(at, failure),
            (None, Work::Apply) => self.apply_stage(at).await,
            (None, Work::Wait) => self.wait(at).await,
            (None, Work::Delete) => self.delete_stage(at).await,
            (None, Work::Run) => self.run_hooks(at).await,
        }
        self.end_points(at).await;
        at
    }

    /// What keeps a stage from beginning: one that it comes after did not end well.
    fn obstacle(&self, at: usize) -> Option<Failure> {
        if self.scope.options.carry_on {
            return None;
        }
        let progress = self.progress();
        let mut failure = self.stage(at).after.iter().find_map(|first| progress.failed.get(first))?.clone();
        let release = &self.stage(at).release;
        if failure.way.last() != Some(release) {
            failure.way.push(Arc::clone(release));
        }
        Some(failure)
    }

    /// Leaves out all steps of a stage, and with them whatever comes after it.
    fn skip(&self, at: usize, failure: Failure) {
        let steps: Vec<usize> = match self.stage(at).work {
            Work::Apply => self.writes(at).collect(),
            Work::Delete => self.deletes(at).collect(),
            Work::Wait => Vec::new(),
            Work::Run => self.stage(at).steps.clone(),
        };
        let reason = self.scope.obstacle().unwrap_or_else(|| self.said(&failure));
        for step in steps {
            self.tell(&self.step(step).object.id, Outcome::Skipped(reason.clone()));
        }
        self.progress().failed.insert(at, failure);
    }

    fn said(&self, failure: &Failure) -> String {
        let releases = &self.scope.options.releases;
        failure.said(|one, two| releases.get(one).is_some_and(|it| it.needs.iter().any(|need| need == two)))
    }
}

impl Failure {
    /// ``release `base` failed, which `mid` needs, which `top` needs``; `needs` says whether a release needs another.
    fn said(&self, needs: impl Fn(&str, &str) -> bool) -> String {
        let Self { way, reason } = self;
        let steps = way.windows(2).filter_map(|pair| match (needs(&pair[1], &pair[0]), needs(&pair[0], &pair[1])) {
            (true, _) => Some(format!(", which `{}` needs", pair[1])),
            (_, true) => Some(format!(", which needs `{}`", pair[1])),
            _ => None,
        });
        let first = way.first().map(AsRef::as_ref).unwrap_or_default();
        match steps.collect::<String>() {
            said if said.is_empty() => format!("release `{first}` failed: {reason}"),
            said => format!("release `{first}` failed{said}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(way: &[&str], needs: &[(&str, &str)]) -> String {
        let failure = Failure { way: way.iter().map(|it| Arc::from(*it)).collect(), reason: "no".to_owned() };
        failure.said(|one, two| needs.contains(&(one, two)))
    }

    #[test]
    fn the_way_of_a_failure_is_named() {
        let needs = [("mid", "base"), ("top", "mid")];
        assert_eq!(said(&["base"], &needs), "release `base` failed: no");
        assert_eq!(
            said(&["base", "mid", "top"], &needs),
            "release `base` failed, which `mid` needs, which `top` needs"
        );
        // What left goes the other way round.
        assert_eq!(said(&["mid", "base"], &needs), "release `mid` failed, which needs `base`");
        // By an object of it: its namespace, a definition, `depends-on`.
        assert_eq!(said(&["base", "other"], &needs), "release `base` failed: no");
    }
}
