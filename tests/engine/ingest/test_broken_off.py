"""A stream that is broken off: what was heard is sent, and what was on its way is not said to have arrived."""

import numpy as np
import pytest

from engine.clock import ManualClock
from engine.errors import ConfigurationError
from engine.ingest.builders import IngestSettings, build_ingest
from engine.ingest.notices import Dropped
from engine.ingest.segmenter import Identity
from engine.ingest.voices import Voice, Voices
from engine.metrics import Figures
from schemas.cloudevents import read_segment
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from tests.engine.ingest.sources import Scripted, heard, talk
from tests.engine.ingest.test_ingest import Publishing, ingest


class Interrupted(Publishing):
    """The second Ctrl-C comes while the broker has not answered for the first segment."""

    on_their_way = 0

    def publish(self, records):
        super().publish(records)
        self.on_their_way = sum(read_segment(one.key, one.headers).type == SEGMENT_TYPE for one in records)

    def flush(self):
        if self.on_their_way:
            raise KeyboardInterrupt
        super().flush()


def test_a_second_ctrl_c_counts_what_it_cost():
    notices, publisher = [], Interrupted()
    running = ingest(Scripted((heard(talk(2), sizes=[800]), None)), publisher, report=notices.append)
    with pytest.raises(KeyboardInterrupt):
        running.run()
    assert running.summary.segments == 0
    told = sum(isinstance(one, Dropped) for one in notices)
    assert running.summary.dropped_segments == told >= publisher.on_their_way > 0


def test_what_was_being_said_is_sent_when_a_source_comes_back_with_fewer_channels():
    voice = talk(1, pause_s=0.2)
    stereo = np.stack([voice, np.zeros_like(voice)])
    pieces = [*heard(stereo, sizes=[800]), *heard(voice, sizes=[800], origin_s=60.0)]
    publisher = Publishing()
    running = build_ingest(
        Scripted((pieces, None)),
        publisher=publisher,
        identity=Identity("call", "run"),
        voices=Voices(apart=True, named={0: Voice("ann"), 1: Voice("ben")}),
        settings=IngestSettings(),
        clock=ManualClock(),
        metrics=Figures(),
        report=lambda notice: None,
    )
    with pytest.raises(ConfigurationError, match="channel 1 is named"):
        running.run()
    types = [segment.type for segment in publisher.segments]
    assert types == [STARTED_TYPE, SEGMENT_TYPE, ENDED_TYPE]
    assert publisher.segments[1].speaker == "ann"
