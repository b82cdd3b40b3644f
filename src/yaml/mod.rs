//! Kubernetes' YAML: a reader with positions and limits, a writer that matches Go's, typed configuration.
