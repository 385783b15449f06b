"""That a dialogue is a recording is told with its start, and of no other."""

from schemas.segment import Recording
from tests.engine.spoken import build, converse, incoming, life, started


def test_who_listens_hears_with_the_start_that_a_recording_is_played():
    steps = converse(
        build(), started(("ann", "customer"), recording={"duration_s": 91.5, "speed": 2.0}), incoming(1, (0, 3))
    )
    (event,) = life(*steps)
    assert (event.status, event.recording) == ("started", Recording(duration_s=91.5, speed=2.0))


def test_of_a_stream_nothing_is_said_about_one():
    pipeline = build()
    steps = converse(pipeline, started(("ann", "customer")))
    assert b"recording" not in steps[0].events[0].value
    # A second word that it starts does not start it again.
    steps = converse(pipeline, started(sequence=1, recording={"speed": 1.0}), record=steps[0].record)
    assert life(*steps) == []
