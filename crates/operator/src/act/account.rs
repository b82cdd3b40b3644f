//! Acting as the service account of an object: by its token, or, for cleaning up after it, by impersonation.

use super::server::{Identity, Server, Unanswered};
use super::tokens::{Token, Tokens};
use crate::Reason;
use crate::decide::Stopped;
use crate::marks::Key;
use weft_engine::cluster::{Answer, Request};

/// As whom the copies of an object are read and written.
#[derive(Clone)]
pub(crate) enum Actor<'a> {
    /// An account, by its token.
    Account {
        /// The server.
        server: &'a Server,
        /// The tokens.
        tokens: &'a Tokens,
        /// The account.
        account: Key,
        /// Its UID.
        uid: String,
    },
    /// An account that is gone, by a token that still holds.
    Last {
        /// The server.
        server: &'a Server,
        /// The token.
        token: Token,
    },
    /// An account that is gone, impersonated.
    Impersonated {
        /// The server.
        server: &'a Server,
        /// The account.
        account: Key,
    },
}

/// Why an account's request was not answered.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    /// There is no answer.
    Unanswered(Unanswered),
    /// There is no token.
    Stopped(Stopped),
}

impl Failed {
    /// Why, for programs and for people.
    pub fn into_parts(self) -> (Reason, String) {
        match self {
            Self::Unanswered(why) => (Reason::ApiUnavailable, why.to_string()),
            Self::Stopped(Stopped { reason, message }) => (reason, message),
        }
    }
}

impl Actor<'_> {
    /// Sends a request that may be sent again.
    pub async fn call(&self, request: &Request) -> Result<Answer, Failed> {
        self.send(request, true).await
    }

    /// Sends a request of which a second one could do more than the first.
    pub async fn call_once(&self, request: &Request) -> Result<Answer, Failed> {
        self.send(request, false).await
    }

    /// A token that is not taken is asked for anew, once.
    async fn send(&self, request: &Request, freely: bool) -> Result<Answer, Failed> {
        let (server, tokens, account, uid) = match self {
            Self::Last { server, token } => return by(server, Identity::Account(&token.header), request, freely).await,
            Self::Impersonated { server, account } => {
                return by(server, Identity::Impersonated(account), request, freely).await;
            }
            Self::Account { server, tokens, account, uid } => (server, tokens, account, uid),
        };
        let token = tokens.get(server, account, uid).await.map_err(Failed::Stopped)?;
        let answer = by(server, Identity::Account(&token.header), request, freely).await?;
        if answer.code != 401 {
            return Ok(answer);
        }
        tokens.evict(account, uid, token.number).await;
        let token = tokens.get(server, account, uid).await.map_err(Failed::Stopped)?;
        let answer = by(server, Identity::Account(&token.header), request, freely).await?;
        if answer.code != 401 {
            return Ok(answer);
        }
        tokens.evict(account, uid, token.number).await;
        let message = format!("the server does not take the token of the service account {account}");
        Err(Failed::Stopped(Stopped { reason: Reason::TokenDenied, message }))
    }
}

async fn by(server: &Server, identity: Identity<'_>, request: &Request, freely: bool) -> Result<Answer, Failed> {
    let answer = if freely { server.call(identity, request).await } else { server.call_once(identity, request).await };
    answer.map_err(Failed::Unanswered)
}
