"""A stream that is broken off at once: what was on its way is not said to have arrived."""

import pytest

from engine.ingest.notices import Dropped
from schemas.cloudevents import read_segment
from schemas.topics import SEGMENT_TYPE
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
