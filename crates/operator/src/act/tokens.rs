//! Short-lived tokens of service accounts, requested as the operator.
//!
//! Tokens are only held in memory, by the UID of the account: an account that was deleted and recreated gets its own. A
//! token is a header marked as sensitive, so nothing prints it, and its memory is wiped when it is freed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;

use super::server::{ApiServer, Caller, refusal_of, send};
use crate::decide::{VisitStop, jittered};
use crate::marks::NamespacedName;
use crate::{Metrics, SyncReason};

/// How long a token lasts: the shortest time that a server gives one for.
const LASTS: Duration = Duration::from_secs(600);
/// When it is asked for anew.
const REFRESHED: Duration = Duration::from_secs(480);
/// How many are kept.
const KEPT: usize = 1024;

/// A token.
#[derive(Clone, Debug)]
pub(crate) struct AccountToken {
    /// The header that shows it.
    pub header: HeaderValue,
    /// Which one it is.
    pub number: u64,
    fresh_until: Instant,
    lasts_until: Instant,
}

/// The place of one account's token. Whoever comes while it is being asked for waits for it.
#[derive(Debug, Default)]
struct Slot {
    token: tokio::sync::Mutex<Option<AccountToken>>,
    used: AtomicU64,
}

/// All tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<(NamespacedName, String), Arc<Slot>>>,
    clock: AtomicU64,
    figures: Arc<Metrics>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    status: TokenAnswerStatus,
}

#[derive(Deserialize)]
struct TokenAnswerStatus {
    token: String,
}

impl Tokens {
    pub fn new(figures: Arc<Metrics>) -> Self {
        Self { slots: Mutex::default(), clock: AtomicU64::new(1), figures }
    }

    /// The token of an account, from memory or asked for. One that is not fresh any more serves as long as it lasts where
    /// no new one can be had.
    pub async fn get(
        &self,
        server: &ApiServer,
        account: &NamespacedName,
        uid: &str,
    ) -> Result<AccountToken, VisitStop> {
        let slot = self.slot(account, uid);
        let mut kept = slot.token.lock().await;
        let now = Instant::now();
        if let Some(token) = kept.as_ref().filter(|it| it.fresh_until > now) {
            self.figures.token_cache_hits.fetch_add(1, Ordering::Relaxed);
            return Ok(token.clone());
        }
        self.figures.token_cache_misses.fetch_add(1, Ordering::Relaxed);
        match self.ask(server, account).await {
            Ok(token) => Ok(kept.insert(token).clone()),
            Err(stopped) => match kept.as_ref().filter(|it| it.lasts_until > now) {
                Some(token) if stopped.reason == SyncReason::ApiUnavailable => Ok(token.clone()),
                _ => Err(stopped),
            },
        }
    }

    /// A token of an account that is gone, if one is still kept: it holds for some seconds more.
    pub async fn last_of(&self, account: &NamespacedName) -> Option<AccountToken> {
        let slots: Vec<_> = self.locked().iter().filter(|(key, _)| key.0 == *account).map(|it| it.1.clone()).collect();
        let mut newest: Option<AccountToken> = None;
        for slot in slots {
            let token = slot.token.lock().await.clone();
            newest = token.into_iter().chain(newest).max_by_key(|it| it.number);
        }
        newest
    }

    /// Forgets a token that the server does not take, unless it was replaced already.
    pub async fn evict(&self, account: &NamespacedName, uid: &str, number: u64) {
        let slot = self.slot(account, uid);
        let mut kept = slot.token.lock().await;
        if kept.as_ref().is_some_and(|it| it.number == number) {
            *kept = None;
        }
    }

    fn slot(&self, account: &NamespacedName, uid: &str) -> Arc<Slot> {
        let mut slots = self.locked();
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let key = (account.clone(), uid.to_owned());
        if !slots.contains_key(&key) && slots.len() >= KEPT {
            let oldest = slots.iter().min_by_key(|it| it.1.used.load(Ordering::Relaxed)).map(|it| it.0.clone());
            oldest.and_then(|oldest| slots.remove(&oldest));
        }
        let slot = slots.entry(key).or_default();
        slot.used.store(used, Ordering::Relaxed);
        Arc::clone(slot)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<(NamespacedName, String), Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, server: &ApiServer, account: &NamespacedName) -> Result<AccountToken, VisitStop> {
        let NamespacedName { namespace, name } = account;
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        // No audience is the server's own: one of ours would not be taken.
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": LASTS.as_secs()},
        });
        let asked = Instant::now();
        let answer = server.call(Caller::Operator, &send(Method::POST, path, body.to_string())).await;
        let (result, token) = match answer {
            Err(why) => ("unavailable", Err(stopped(SyncReason::ApiUnavailable, account, &why.to_string()))),
            Ok(answer) if answer.is_success() => match self.granted(&answer.body, asked) {
                Some(token) => ("granted", Ok(token)),
                None => ("denied", Err(stopped(SyncReason::TokenDenied, account, "the answer holds none"))),
            },
            Ok(answer) => {
                let said = refusal_of(&answer);
                let (result, reason) = match said.code {
                    404 => ("missing", SyncReason::ServiceAccountNotFound),
                    429 | 500.. => ("unavailable", SyncReason::ApiUnavailable),
                    _ => ("denied", SyncReason::TokenDenied),
                };
                (result, Err(stopped(reason, account, &said.message)))
            }
        };
        self.figures.token(result);
        token
    }

    fn granted(&self, body: &[u8], asked: Instant) -> Option<AccountToken> {
        let granted: TokenAnswer = serde_json::from_slice(body).ok()?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.status.token)).ok()?;
        header.set_sensitive(true);
        let number = self.clock.fetch_add(1, Ordering::Relaxed);
        // The low bits of a counter are dice enough to spread renewals.
        let dice = f64::from(u8::try_from(number.wrapping_mul(37) % 256).unwrap_or_default()) / 255.0;
        let fresh_until = asked + jittered(REFRESHED, dice);
        Some(AccountToken { header, number, fresh_until, lasts_until: asked + LASTS })
    }
}

fn stopped(reason: SyncReason, account: &NamespacedName, why: &str) -> VisitStop {
    let message = match reason {
        SyncReason::ServiceAccountNotFound => format!("the service account {account} does not exist"),
        _ => format!("there is no token for the service account {account}: {why}"),
    };
    VisitStop { reason, message }
}
