"""The figures of a running Turntone as a page that Prometheus reads."""
