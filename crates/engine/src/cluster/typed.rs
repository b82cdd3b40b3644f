//! Objects as Rust types: what our own kinds are derived by, watches of a kind, and events on objects. Nobody else names
//! the library underneath.

use std::fmt::Debug;

use futures::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::Transport;

pub use kube::core::Rule;
pub use kube::runtime::events::{Event, EventType, Recorder};
pub use kube::runtime::watcher::Event as WatchEvent;
pub use kube::{CustomResource, CustomResourceExt, KubeSchema, Resource};

use kube::api::Api;
use kube::runtime::events::Reporter;
use kube::runtime::watcher::{self, watcher};

/// How a kind is watched.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The label selector of the objects; all if there is none.
    pub selector: Option<String>,
    /// How many objects a page of the first list has.
    pub page: u32,
    /// Whether the first list is asked for as events, which servers before 1.34 refuse.
    pub streams: bool,
}

/// Why a watch failed. It begins again by itself.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WatchError {
    /// The server does not send a list as events.
    #[error("the server does not send a list as events: {0}")]
    NoStreams(String),
    /// The server refused it.
    #[error("{0}")]
    Refused(String),
    /// The connection ended.
    #[error("{0}")]
    Interrupted(String),
}

impl Transport {
    /// The objects of a kind in all namespaces: first those that are there, then each change.
    pub fn watch<K>(&self, options: &WatchOptions) -> impl Stream<Item = Result<WatchEvent<K>, WatchError>> + use<K>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut config = watcher::Config::default().page_size(options.page);
        config.label_selector.clone_from(&options.selector);
        let streams = options.streams;
        let config = if streams { config.streaming_lists() } else { config };
        let api: Api<K> = Api::all(self.client().clone());
        watcher(api, config).map(move |event| event.map_err(|error| watch_error(error, streams)))
    }

    /// Publishes events in the name of a controller and of one instance of it.
    pub fn recorder(&self, controller: &str, instance: &str) -> Recorder {
        let reporter = Reporter { controller: controller.to_owned(), instance: Some(instance.to_owned()) };
        Recorder::new(self.client().clone(), reporter)
    }
}

fn watch_error(error: watcher::Error, streams: bool) -> WatchError {
    use watcher::Error::{InitialListFailed, WatchStartFailed};
    match error {
        WatchStartFailed(kube::Error::Api(status)) if streams && matches!(status.code, 400 | 422) => {
            WatchError::NoStreams(status.message)
        }
        InitialListFailed(kube::Error::Api(status)) | WatchStartFailed(kube::Error::Api(status)) => {
            WatchError::Refused(status.message)
        }
        other => WatchError::Interrupted(other.to_string()),
    }
}
