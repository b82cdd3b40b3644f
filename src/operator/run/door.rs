//! Whether the API server answers. While it does not, nobody sends anything but the one who knocks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::operator::act::Context;

/// How often it is asked where nobody doubts it.
const QUIET: Duration = Duration::from_secs(10);
/// How long its answer may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How often is knocked at first, and at last.
const FIRST: Duration = Duration::from_millis(250);
const LAST: Duration = Duration::from_secs(5);

/// Keeps `reachable` true, and counts how often the server came back: what waits for it begins anew then.
pub(super) async fn keep(context: Arc<Context>, reopened: watch::Sender<u64>) {
    let reachable = &context.figures.reachable;
    let (mut wait, mut was_away) = (FIRST, false);
    loop {
        let answers = context.server.answers(WITHIN.min(context.options.patience)).await;
        reachable.store(answers, Ordering::Relaxed);
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
