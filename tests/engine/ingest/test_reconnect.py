"""A source that breaks off and comes back, on a clock wound by hand."""

from random import Random

import numpy as np
import pytest

from engine.clock import ManualClock
from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.notices import Again
from engine.ingest.reconnect import Backoff, Paced, Reconnecting
from tests.engine.ingest.sources import Scripted, heard

BROKEN = SourceUnavailable("the camera is gone")


def sound(seconds):
    return list(heard(np.zeros(round(seconds * 16_000), dtype=np.int16), sizes=[1600]))


class Watching:
    """A reconnecting source over a manual clock: a piece takes as long as it lasts, a wait as long as it is."""

    def __init__(self, *connections, called_off_at=None, **backoff):
        self.clock, self.notices, self.waits = ManualClock(), [], []
        self._called_off_at = called_off_at
        self.inner = Scripted(*connections, live=True, before=lambda piece: self.clock.advance(0.1))
        self.source = Reconnecting(
            source=self.inner,
            backoff=Backoff(**backoff),
            clock=self.clock,
            wait=self.wait,
            report=self.notices.append,
            random=Random(5),
        )

    def wait(self, seconds):
        self.waits.append(seconds)
        self.clock.advance(seconds)
        return len(self.waits) == self._called_off_at

    def listen(self):
        """All pieces until it gave up, and what it said then."""
        pieces = []
        try:
            for piece in self.source.pieces():
                pieces.append(piece)
        except SourceUnavailable as given_up:
            return pieces, str(given_up)
        pytest.fail("it ended by itself")


def test_time_goes_on_over_the_gap():
    watching = Watching((sound(2.0), BROKEN), ([], BROKEN), (sound(1.0), BROKEN), ([], BROKEN), attempts=3)
    pieces, said = watching.listen()
    first, second = pieces[:20], pieces[20:]
    away_s = sum(watching.waits[:2])
    assert first[-1].end_s == pytest.approx(2.0)
    assert second[0].start_s == pytest.approx(2.0 + away_s, abs=0.11)
    assert [piece.start_s for piece in second] == pytest.approx([second[0].start_s + n * 0.1 for n in range(10)])
    assert "given up after 3" in said


def test_waits_grow_with_jitter_and_start_afresh_after_success():
    watching = Watching((sound(0.1), BROKEN), *[([], BROKEN)] * 8, (sound(0.1), BROKEN), ([], BROKEN), attempts=9)
    watching.listen()
    bounds = [min(30.0, 0.5 * 2**n) for n in range(9)]
    for waits in (watching.waits[:9], watching.waits[9:]):
        assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=False))
    assert len(watching.waits) == 18
    assert watching.notices[0] == Again("the camera is gone", 1, watching.waits[0])


def test_a_stream_that_ends_is_opened_again():
    watching = Watching((sound(0.2), None), (sound(0.2), None), ([], BROKEN), attempts=1)
    pieces, _ = watching.listen()
    assert len(pieces) == 4
    assert watching.notices[0].reason == "the stream ended"


def test_endless_is_ended_by_being_called_off():
    watching = Watching(([], BROKEN), attempts=None, called_off_at=500)
    assert list(watching.source.pieces()) == []
    assert watching.inner.opened == 500
    assert max(watching.waits) <= 30.0


@pytest.mark.parametrize("error", [ConfigurationError("no such device"), BadMedia("no sound")])
def test_what_never_worked_is_not_tried_again_and_what_did_is(error):
    with pytest.raises(type(error)):
        list(Watching(([], error)).source.pieces())
    pieces, said = Watching((sound(0.1), BROKEN), ([], error), attempts=2).listen()
    assert len(pieces) == 1
    assert str(error) in said


def test_a_burst_never_makes_time_fall():
    watching = Watching((sound(30.0), BROKEN), (sound(1.0), BROKEN), ([], BROKEN), attempts=1)
    watching.inner._before = lambda piece: None
    pieces, _ = watching.listen()
    starts = [piece.start_s for piece in pieces]
    assert starts == sorted(starts)


def test_a_recording_is_played_no_faster_than_life():
    clock, waits = ManualClock(), []

    def wait(seconds):
        waits.append(seconds)
        clock.advance(seconds)
        return False

    paced = Paced(source=Scripted((sound(3.0), None)), clock=clock, wait=wait)
    began_s = clock.monotonic_s()
    for piece in paced.pieces():
        assert clock.monotonic_s() - began_s == pytest.approx(piece.end_s)
    assert sum(waits) == pytest.approx(3.0)
    assert paced.live
