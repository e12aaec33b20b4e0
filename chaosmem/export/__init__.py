"""A finished run for other eyes: Prometheus text, OpenTelemetry, Grafana annotations."""
