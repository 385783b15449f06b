"""From a producer's traceparent to the event: spans of every stage, under one trace."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actors.tracing import OtelTrace, open_trace
from engine.build import build_in_process
from engine.config import Config, ModelSettings
from engine.errors import ConfigurationError
from engine.metrics import Figures
from engine.tracing import Stage, entered, legible, spans
from engine.transport.base import Outgoing
from schemas.cloudevents import read_attributes, segment_headers
from schemas.record import Position
from schemas.segment import Segment
from schemas.topics import DEAD_LETTERS, DIALOGUES, SEGMENT_TYPE, SEGMENTS, TURNS

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE_ID}-{PARENT_ID}-01"
CLIP = min((Path(__file__).parents[2] / "simulators" / "samples").rglob("*.mp4"))
AT = Position(topic=SEGMENTS, topic_id="one", partition=0, offset=7)


def segment(sequence: int = 0, **changes) -> Segment:
    fields = {
        "dialogue_id": "call",
        "id": f"{sequence}",
        "source": "/test",
        "type": SEGMENT_TYPE,
        "time": datetime.now(UTC),
        "datacontenttype": "video/mp4",
        "sequence": sequence,
        "starttime": 2.0 * sequence,
        "endtime": 2.0 * sequence + 2.0,
        "speaker": "ann",
        "role": "customer",
        "consent": True,
        "traceparent": SENT,
        **changes,
    }
    return Segment(**fields)


@pytest.fixture(scope="module")
def traced(checkpoint):
    """The spans and the records of a segment, one that cannot be decoded, one not sampled, and one without a trace."""
    exporter = InMemorySpanExporter()
    trace = OtelTrace(processor=SimpleSpanProcessor(exporter))
    config = Config(model=ModelSettings(checkpoint=str(checkpoint)))
    engine = build_in_process(config, metrics=Figures(), trace=trace)
    try:
        media = CLIP.read_bytes()
        for one, value in (
            (segment(0), media),
            (segment(1), b"no media"),
            (segment(2, traceparent=SENT[:-1] + "0"), media),
            (segment(3, traceparent="nonsense"), media),
        ):
            engine.broker.append(Outgoing(SEGMENTS, "call", value, segment_headers(one)))
        while len(engine.broker.records(TURNS)) + len(engine.broker.records(DEAD_LETTERS)) < 4:
            engine.loop.turn()
    finally:
        engine.close()
    return exporter.get_finished_spans(), engine.broker


def test_every_stage_of_a_segment_is_a_span_of_its_producers_trace(traced):
    found, _ = traced
    whole = next(span for span in found if span.name == "segment")
    assert f"{whole.context.trace_id:032x}" == TRACE_ID
    assert f"{whole.parent.span_id:016x}" == PARENT_ID
    stages = [span for span in found if span.parent and span.parent.span_id == whole.context.span_id]
    names = [span.name for span in stages]
    assert names == ["load", "decode", "vad", "diarization", "faces", "infer", "store", "publish"]
    assert all(whole.start_time <= span.start_time <= span.end_time <= whole.end_time for span in stages)
    assert len({span.context.span_id for span in found}) == len(found)


def test_an_event_carries_the_span_of_its_segment_in_its_headers_and_never_in_its_value(traced):
    found, broker = traced
    whole = next(span for span in found if span.name == "segment")
    carried = f"00-{TRACE_ID}-{whole.context.span_id:016x}-01"
    for record in (broker.records(TURNS)[0], broker.records(DIALOGUES)[0]):
        assert read_attributes(record.headers)["traceparent"] == carried
        assert TRACE_ID.encode() not in (record.value or b"")


def test_no_span_says_who_spoke_or_in_which_dialogue(traced):
    found, _ = traced
    said = " ".join(str(value) for span in found for value in (span.name, *span.attributes.values()))
    assert not {"ann", "call", "customer"} & set(said.split())


def test_a_dead_letter_is_the_end_of_a_trace_too(traced):
    found, _ = traced
    outcomes = [span.attributes["turntone.outcome"] for span in found if span.name == "segment"]
    assert outcomes == ["answered", "dead_letter", "answered"]


def test_a_trace_that_is_not_sampled_is_passed_on_and_not_exported(traced):
    _, broker = traced
    carried = [read_attributes(record.headers)["traceparent"] for record in broker.records(TURNS)]
    assert [one.split("-")[1] == TRACE_ID for one in carried] == [True, True, False]
    assert [one[-2:] for one in carried] == ["01", "00", "01"]


def test_what_is_no_traceparent_begins_a_trace_that_is_the_same_whoever_steps_it():
    first, again = entered(segment(traceparent="nonsense"), AT), entered(segment(traceparent=None), AT)
    assert first.traceparent == again.traceparent
    assert legible(first.traceparent)
    assert legible("00-" + "0" * 32 + "-00f067aa0ba902b7-01") is None
    (whole, _) = spans(first, AT, [Stage("load", 1.0, 2.0)], parent="nonsense", outcome="answered")
    assert whole.parent_id is None


def test_nothing_is_traced_unless_the_environment_names_a_collector():
    address = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert open_trace({}) is None
    assert open_trace({**address, "OTEL_TRACES_EXPORTER": "none"}) is None
    assert open_trace({**address, "OTEL_SDK_DISABLED": "true"}) is None
    with pytest.raises(ConfigurationError, match="http/protobuf"):
        open_trace({**address, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    trace = open_trace(address)
    assert trace is not None
    trace.close()
