//! What is wrong with pods, and for how long that may last before waiting is in vain.

use std::time::Duration;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which sort of trouble it is.
    pub sort: TroubleKind,
    /// What, in words.
    pub reason: String,
    /// The container whose log tells more, and whether it is that of the run before.
    pub log: Option<(String, bool)>,
}

/// A sort of trouble. Some heal by themselves more often than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TroubleKind {
    /// What a container says of itself can never be run: a malformed image name, a user that it must not run as.
    Impossible,
    /// The registry says that the image is not there, or not for us.
    NoImage,
    /// The image cannot be pulled, for another reason.
    Image,
    /// A container crashed this often.
    Crash(i64),
    /// A container cannot be created.
    Container,
    /// A ConfigMap, a Secret, a claim or a service account is not there. Controllers may be about to make it.
    Missing,
    /// No node has what the pod wants: a label, a toleration.
    NoNode,
    /// No node has enough room. Pods that are about to end may make some.
    NoRoom,
    /// The server refuses the pod: admission, security.
    Denied,
    /// A webhook does not answer.
    Webhook,
    /// A quota is used up.
    Quota,
    /// Whatever can pass at any time: a probe that does not succeed yet, a volume that is being attached, a node that
    /// is being made.
    Passing,
}

/// This many crashes are no start-up problem any more: with the kubelet's back-off the fourth comes after 70 seconds.
const CRASHES: i64 = 3;

impl TroubleKind {
    /// How long it may last, seen without a break, until it is final; `None` where only the timeout ends the waiting.
    pub fn patience(self) -> Option<Duration> {
        let seconds = match self {
            Self::Impossible => 0,
            Self::Crash(times) if times >= CRASHES => 0,
            Self::NoImage | Self::Denied => 10,
            Self::Container | Self::Webhook | Self::NoNode => 30,
            Self::Image | Self::Missing | Self::Quota => 60,
            Self::NoRoom => 120,
            Self::Crash(_) | Self::Passing => return None,
        };
        Some(Duration::from_secs(seconds))
    }

    /// Whether it is the same trouble as another: a crash more is.
    pub fn is_as(self, other: Self) -> bool {
        matches!((self, other), (Self::Crash(_), Self::Crash(_))) || self == other
    }
}

impl Trouble {
    /// Trouble that no log tells more about.
    pub(super) fn new(sort: TroubleKind, reason: impl Into<String>) -> Self {
        Self { sort, reason: reason.into(), log: None }
    }

    /// Whether it is final after it lasted this long.
    pub fn is_final(&self, lasted: Duration) -> bool {
        self.sort.patience().is_some_and(|patience| lasted >= patience)
    }
}

/// The first sort that one of whose words is in a text, whatever their case.
pub(super) fn by_words(text: &str, sorts: &[(TroubleKind, &[&str])]) -> Option<TroubleKind> {
    let text = text.to_lowercase();
    let found = sorts.iter().find(|(_, words)| words.iter().any(|word| text.contains(word)));
    found.map(|(sort, _)| *sort)
}
