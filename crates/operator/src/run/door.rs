//! Watches whether the API server answers. While it does not, only this probe sends requests.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::OperatorNote;
use crate::act::OperatorContext;
use weft_base::diagnostic::Diagnostic;
use weft_engine::cluster::ClusterError;

/// How often the server is probed if nobody doubts it.
const QUIET: Duration = Duration::from_secs(10);
/// How long its answer may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How often is knocked at first, and at last.
const FIRST: Duration = Duration::from_millis(250);
const LAST: Duration = Duration::from_secs(5);

/// Keeps `reachable` true, and counts how often the server came back: what waits for it begins anew then. Why it does not
/// answer is told once.
pub(super) async fn keep(context: Arc<OperatorContext>, reopened: watch::Sender<u64>) {
    let reachable = &context.figures.reachable;
    let mut wait = FIRST;
    let mut was_away = false;
    let mut told = String::new();
    loop {
        let answer = context.server.answers(WITHIN.min(context.options.patience)).await;
        let answers = answer.is_ok();
        reachable.store(answers, Ordering::Relaxed);
        told = tell(&context, answer.err().as_ref(), &told);
        if answers && was_away {
            reopened.send_modify(|count| *count += 1);
            context.wake();
        }
        was_away = !answers;
        if answers {
            wait = FIRST;
            tokio::select! {
                () = tokio::time::sleep(QUIET) => {}
                () = context.server.doubted() => {}
            }
        } else {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST);
        }
    }
}

/// Reports what is new, and returns the last report.
fn tell(context: &OperatorContext, error: Option<&ClusterError>, told: &str) -> String {
    let said = error.map(|it| Diagnostic::of(it).to_string()).unwrap_or_default();
    match said.as_str() {
        same if same == told => {}
        "" => (context.tell)(&OperatorNote::Info("the API server answers again".to_owned())),
        new => (context.tell)(&OperatorNote::Warning(new.to_owned())),
    }
    said
}
