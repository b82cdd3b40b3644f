//! When a request is tried again, and what is known of it when it is not. Most requests may be repeated, since a write
//! says exactly what should be there; see [`Tries::cautious`] for the others.

use std::time::Duration;

use super::ClusterError;
use super::request::Answer;

/// How often a request is tried again that got no answer, or that the server cannot serve for the moment.
const RETRIES: u32 = 5;
/// The same after a 429, as client-go has it: the server is there, and only asks for less.
const THROTTLED: u32 = 10;
/// The same after a 500, which some requests always get.
const BROKEN: u32 = 3;
/// The wait before the first retry; each further one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait where the server asks for none.
const LONGEST_STEP: Duration = Duration::from_secs(2);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What the result of an attempt means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttemptResult {
    /// This is the answer.
    Final,
    /// 429: nothing was done.
    Throttled(Option<Duration>),
    /// 502, 503, 504: it may have been done.
    Unavailable(Option<Duration>),
    /// 500: it may have been done.
    Broken,
    /// 500, since a webhook did not answer: nothing was done.
    Unadmitted,
    /// No answer: it may have been done.
    Lost,
    /// It did not get there.
    Unsent,
}

/// The attempts of one request.
#[derive(Debug)]
pub struct Tries {
    patience: Duration,
    /// Whether a server that nobody reaches is tried again.
    knocks: bool,
    /// Whether what may have been done is left to whoever looks, and not tried again.
    cautious: bool,
    count: u32,
    /// Whether one of the attempts may have been done although no answer says so.
    pub unsure: bool,
}

impl Tries {
    /// The attempts of a request to a server that is known to be there.
    pub fn new(patience: Duration) -> Self {
        Self { patience, knocks: true, cautious: false, count: 0, unsure: false }
    }

    /// The attempts of the first request of all: a wrong address is not tried again.
    pub(super) fn first(patience: Duration) -> Self {
        Self { knocks: false, ..Self::new(patience) }
    }

    /// The attempts of a request of which a second one could do more than the first: it is sent again only if nothing
    /// was done.
    pub fn cautious(patience: Duration) -> Self {
        Self { cautious: true, ..Self::new(patience) }
    }

    /// Whether nothing was tried yet.
    pub(super) fn is_first(&self) -> bool {
        self.count == 0
    }

    /// The wait before the next attempt; `None` where this one was the last. `elapsed` is the time since the first.
    pub fn again(&mut self, attempt: &Result<Answer, ClusterError>, elapsed: Duration) -> Option<Duration> {
        let said = AttemptResult::of(attempt);
        let may_be_done = matches!(said, AttemptResult::Unavailable(_) | AttemptResult::Broken | AttemptResult::Lost);
        self.unsure |= may_be_done;
        if self.cautious && may_be_done {
            return None;
        }
        let (most, asked) = match said {
            AttemptResult::Throttled(asked) => (THROTTLED, asked),
            AttemptResult::Unavailable(asked) => (RETRIES, asked),
            AttemptResult::Broken | AttemptResult::Unadmitted => (BROKEN, None),
            AttemptResult::Lost => (RETRIES, None),
            AttemptResult::Unsent if self.knocks => (u32::MAX, None),
            AttemptResult::Final | AttemptResult::Unsent => return None,
        };
        let in_time = matches!(said, AttemptResult::Throttled(_)) || self.count == 0 || elapsed < self.patience;
        if self.count >= most || !in_time {
            return None;
        }
        let step = (FIRST_WAIT * 2u32.pow(self.count.min(8))).min(LONGEST_STEP);
        self.count += 1;
        Some(asked.map_or(step, |asked| asked.clamp(FIRST_WAIT, LONGEST_WAIT)))
    }
}

impl AttemptResult {
    fn of(attempt: &Result<Answer, ClusterError>) -> Self {
        match attempt {
            Ok(answer) => match answer.code {
                429 => Self::Throttled(answer.retry_after),
                502..=504 => Self::Unavailable(answer.retry_after),
                500 if answer.is_unadmitted() => Self::Unadmitted,
                500 if !answer.is_never() => Self::Broken,
                _ => Self::Final,
            },
            Err(ClusterError::Unreachable { sent: true, .. }) => Self::Lost,
            Err(ClusterError::Unreachable { sent: false, .. }) => Self::Unsent,
            Err(_) => Self::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[allow(clippy::unnecessary_wraps, reason = "it stands for an attempt")]
    fn answer(code: u16, retry_after: Option<u64>) -> Result<Answer, ClusterError> {
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Answer { code, body: Vec::new(), retry_after, unsure: false })
    }

    fn lost(sent: bool) -> Result<Answer, ClusterError> {
        Err(ClusterError::Unreachable { server: String::new(), reason: String::new(), sent })
    }

    /// How often it is tried again, how long that takes in milliseconds, and whether it may have been done.
    fn tried(attempt: &Result<Answer, ClusterError>) -> (u32, u128, bool) {
        let mut tries = Tries::new(PATIENCE);
        let mut elapsed = Duration::ZERO;
        let mut count = 0;
        while let Some(wait) = tries.again(attempt, elapsed) {
            elapsed += wait;
            count += 1;
            assert!(count < 1000, "it never ends");
        }
        (count, elapsed.as_millis(), tries.unsure)
    }

    #[test]
    fn every_answer_has_its_bound() {
        assert_eq!(tried(&answer(200, None)), (0, 0, false));
        assert_eq!(tried(&answer(422, None)), (0, 0, false));
        assert_eq!(tried(&answer(429, None)), (10, 15_000, false));
        assert_eq!(tried(&answer(500, None)), (3, 1_400, true));
        assert_eq!(tried(&answer(503, None)), (5, 5_000, true));
        assert_eq!(tried(&answer(504, None)), (5, 5_000, true));
        assert_eq!(tried(&lost(true)), (5, 5_000, true));
        // A server that is started again is waited for, less than five times a second.
        assert_eq!(tried(&lost(false)), (18, 31_000, false));
    }

    #[test]
    fn what_the_server_asks_for_is_honoured_within_reason() {
        assert_eq!(tried(&answer(429, Some(1))), (10, 10_000, false));
        assert_eq!(tried(&answer(429, Some(0))), (10, 2_000, false));
        assert_eq!(tried(&answer(503, Some(3600))).1, 40_000);
    }

    #[test]
    fn a_connection_that_swallows_is_tried_once_more() {
        let mut tries = Tries::new(PATIENCE);
        assert!(tries.again(&lost(true), PATIENCE).is_some());
        assert!(tries.again(&lost(true), 2 * PATIENCE).is_none());
    }

    #[test]
    fn a_cautious_request_is_sent_again_only_if_nothing_was_done() {
        let attempts = [answer(429, None), answer(503, None), answer(500, None), lost(true), lost(false)];
        let again = |attempt| Tries::cautious(PATIENCE).again(attempt, Duration::ZERO).is_some();
        assert_eq!(attempts.each_ref().map(again), [true, false, false, false, true]);
        let mut tries = Tries::cautious(PATIENCE);
        tries.again(&answer(503, None), Duration::ZERO);
        assert!(tries.unsure);
    }

    #[test]
    fn a_wrong_address_is_not_tried_again() {
        assert_eq!(Tries::first(PATIENCE).again(&lost(false), Duration::ZERO), None);
        assert!(Tries::first(PATIENCE).again(&answer(503, None), Duration::ZERO).is_some());
    }

    #[test]
    fn an_object_that_cannot_be_read_is_no_broken_server() {
        let said = |message: &str| {
            let body = serde_json::json!({"message": message}).to_string().into_bytes();
            Ok(Answer { code: 500, body, retry_after: None, unsure: false })
        };
        let field = "failed to create typed patch object (a/b): .spec.prots: field not declared in schema";
        assert_eq!(tried(&said(field)), (0, 0, false));
        assert_eq!(tried(&said("failed to convert new object (a/b) to proper version: quantities must")).0, 0);
        // A webhook that does not answer may do so a moment later, and nothing was stored before it did.
        assert_eq!(tried(&said("Internal error occurred: failed calling webhook \"a\"")), (3, 1_400, false));
        assert_eq!(tried(&said("etcdserver: leader changed")), (3, 1_400, true));
    }
}
