//! What a long-running process tells about itself: metrics in Prometheus' text form, and pages for probes.

mod exposition;
mod server;

pub use self::exposition::{Family, Kind, text};
pub use self::server::{MetricsPage, MetricsServer, PageResponse, TelemetryError};
