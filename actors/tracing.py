"""Spans on their way to a collector, by OpenTelemetry; off unless the environment names one.

What is set is OpenTelemetry's own: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (OTLP over
HTTP) turns it on, `OTEL_TRACES_EXPORTER=none` or `OTEL_SDK_DISABLED=true` off again, and `OTEL_SERVICE_NAME`,
`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_BSP_*` mean what they mean elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from engine.errors import ConfigurationError
from engine.tracing import SEGMENT, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

_ADDRESSES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"


class OtelTrace:
    """An `engine.tracing.Trace` that hands spans to a processor of OpenTelemetry's, which sends them by itself."""

    def __init__(self, *, processor: SpanProcessor, service: str = "turntone") -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource

        self._processor = processor
        self._resource = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())

    def __call__(self, spans: Sequence[Span]) -> None:
        """Hand them over; a collector that does not answer costs the spans and nothing else."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send what waits."""
        self._processor.shutdown()

    def _readable(self, span: Span) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

        def context(span_id: str) -> SpanContext:
            sampled = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=sampled)

        return ReadableSpan(
            name=span.name,
            context=context(span.span_id),
            parent=None if span.parent_id is None else context(span.parent_id),
            resource=self._resource,
            attributes=dict(span.attributes),
            kind=SpanKind.CONSUMER if span.name == SEGMENT else SpanKind.INTERNAL,
            start_time=round(span.began_s * 1e9),
            end_time=round(span.ended_s * 1e9),
        )


def open_trace(environment: Mapping[str, str] = os.environ) -> OtelTrace | None:
    """Where spans go by the environment; None where it names nothing. Whoever opens it closes it.

    Raises `ConfigurationError` for a protocol other than HTTP.
    """
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or environment.get("OTEL_TRACES_EXPORTER") == "none" or not any(map(environment.get, _ADDRESSES)):
        return None
    protocol = next(filter(None, map(environment.get, _PROTOCOLS)), _HTTP)
    if protocol != _HTTP:
        raise ConfigurationError(f"{_PROTOCOLS[1]} is {protocol}: traces go by {_HTTP}, to port 4318")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return OtelTrace(processor=BatchSpanProcessor(OTLPSpanExporter()))
