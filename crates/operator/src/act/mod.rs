//! Acts: sends what was decided under the right account, and reports the result.

mod account;
mod cleanup;
mod context;
mod prune;
mod server;
mod status;
mod syncs;
mod target;
mod events;
mod tokens;
mod visit;

pub(super) use self::context::{Finish, OperatorContext};
pub(super) use self::events::EventPublisher;
pub(super) use self::server::ApiServer;
pub(super) use self::syncs::{namespace, path, slim};
pub(super) use self::tokens::Tokens;
pub(super) use self::visit::visit;
