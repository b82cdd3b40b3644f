//! Publishes events on the object. Only the event about a copy that a deletion leaves behind goes to the copy's
//! namespace.

use k8s_openapi::api::core::v1::ObjectReference;

use crate::ConfigMapSync;
use weft_engine::cluster::Transport;
use weft_engine::cluster::typed::{Event, EventType, Recorder, Resource as _};

/// How long a note is, in characters.
const NOTE: usize = 900;

/// Publishes events. A failure is ignored, because the status says the same.
#[derive(Clone)]
pub(crate) struct EventPublisher {
    recorder: Recorder,
}

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) struct EventNote {
    pub warning: bool,
    pub reason: &'static str,
    pub note: String,
}

impl EventNote {
    pub fn normal(reason: &'static str, note: impl Into<String>) -> Self {
        Self { warning: false, reason, note: note.into() }
    }

    pub fn warning(reason: &'static str, note: impl Into<String>) -> Self {
        Self { warning: true, reason, note: note.into() }
    }
}

impl EventPublisher {
    pub fn new(transport: &Transport, instance: &str) -> Self {
        Self { recorder: transport.recorder("weaver-operator", instance) }
    }

    /// Publishes an event on an object.
    pub async fn tell(&self, sync: &ConfigMapSync, told: EventNote) {
        self.publish(&sync.object_ref(&()), told).await;
    }

    /// Publishes an event on a copy, in its own namespace.
    pub async fn tell_at(&self, namespace: &str, name: &str, told: EventNote) {
        let reference = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..ObjectReference::default()
        };
        self.publish(&reference, told).await;
    }

    async fn publish(&self, reference: &ObjectReference, told: EventNote) {
        let event = Event {
            type_: if told.warning { EventType::Warning } else { EventType::Normal },
            reason: told.reason.to_owned(),
            note: Some(told.note.chars().take(NOTE).collect()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let published = self.recorder.publish(&event, reference);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), published).await;
    }
}
