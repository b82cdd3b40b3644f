//! Jinja templates: the engine's settings and the functions for Kubernetes work. It knows nothing of charts.
