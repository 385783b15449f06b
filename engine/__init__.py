"""Segments in, events out: a plain library that knows neither Ray nor a cluster."""
