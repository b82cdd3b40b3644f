//! Acts as the service account of an object: with its token or, to clean up after it, by impersonation.

use super::server::{ApiServer, Caller, Unanswered};
use super::tokens::{AccountToken, Tokens};
use crate::SyncReason;
use crate::decide::VisitStop;
use crate::marks::NamespacedName;
use weft_engine::cluster::{Answer, Request};

/// The identity that reads and writes the copies of an object.
#[derive(Clone)]
pub(crate) enum Actor<'a> {
    /// An account, by its token.
    Account {
        server: &'a ApiServer,
        /// The tokens.
        tokens: &'a Tokens,
        account: NamespacedName,
        uid: String,
    },
    /// An account that is gone, by a token that still holds.
    Last { server: &'a ApiServer, token: AccountToken },
    /// An account that is gone, impersonated.
    Impersonated { server: &'a ApiServer, account: NamespacedName },
}

/// Why an account's request was not answered.
#[derive(Clone, Debug)]
pub(crate) enum AccountFailure {
    /// There is no answer.
    Unanswered(Unanswered),
    /// There is no token.
    Stopped(VisitStop),
}

impl AccountFailure {
    /// Why, for programs and for people.
    pub fn into_parts(self) -> (SyncReason, String) {
        match self {
            Self::Unanswered(why) => (SyncReason::ApiUnavailable, why.to_string()),
            Self::Stopped(VisitStop { reason, message }) => (reason, message),
        }
    }
}

impl Actor<'_> {
    /// Sends a request that may be sent again.
    pub async fn call(&self, request: &Request) -> Result<Answer, AccountFailure> {
        self.send(request, true).await
    }

    /// Sends a request that is not idempotent.
    pub async fn call_once(&self, request: &Request) -> Result<Answer, AccountFailure> {
        self.send(request, false).await
    }

    /// A token that is not taken is asked for anew, once.
    async fn send(&self, request: &Request, freely: bool) -> Result<Answer, AccountFailure> {
        let (server, tokens, account, uid) = match self {
            Self::Last { server, token } => {
                return send_as(server, Caller::Account(&token.header), request, freely).await;
            }
            Self::Impersonated { server, account } => {
                return send_as(server, Caller::Impersonated(account), request, freely).await;
            }
            Self::Account { server, tokens, account, uid } => (server, tokens, account, uid),
        };
        let token = tokens.get(server, account, uid).await.map_err(AccountFailure::Stopped)?;
        let answer = send_as(server, Caller::Account(&token.header), request, freely).await?;
        if answer.code != 401 {
            return Ok(answer);
        }
        tokens.evict(account, uid, token.number).await;
        let token = tokens.get(server, account, uid).await.map_err(AccountFailure::Stopped)?;
        let answer = send_as(server, Caller::Account(&token.header), request, freely).await?;
        if answer.code != 401 {
            return Ok(answer);
        }
        tokens.evict(account, uid, token.number).await;
        let message = format!("the server does not take the token of the service account {account}");
        Err(AccountFailure::Stopped(VisitStop { reason: SyncReason::TokenDenied, message }))
    }
}

async fn send_as(
    server: &ApiServer,
    identity: Caller<'_>,
    request: &Request,
    freely: bool,
) -> Result<Answer, AccountFailure> {
    let answer = if freely { server.call(identity, request).await } else { server.call_once(identity, request).await };
    answer.map_err(AccountFailure::Unanswered)
}
