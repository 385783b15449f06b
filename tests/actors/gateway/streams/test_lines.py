"""The two tracks of a call side by side."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.streams.lines import Lines

FRAME = 160
BOTH = ["left", "right"]
SILENCE = 0xFF


def frames(value: int, *, count: int) -> list[bytes]:
    return [bytes([value]) * FRAME for _ in range(count)]


def sides(given_out: bytes) -> np.ndarray:
    """`[N, 2]`."""
    return np.frombuffer(given_out, dtype=np.uint8).reshape(-1, 2)


def test_two_tracks_come_out_as_they_went_in():
    lines, out = Lines(tracks=BOTH), b""
    for number, (left, right) in enumerate(zip(frames(1, count=50), frames(2, count=50), strict=True)):
        out += lines.put("left", left, stamp_s=number * 0.02)
        out += lines.put("right", right, stamp_s=number * 0.02)
    assert len(sides(out)) == 50 * FRAME
    assert (sides(out) == [1, 2]).all()
    assert lines.finish() == b""


def test_one_track_is_given_out_at_once():
    assert Lines(tracks=["left"]).put("left", b"\x01" * FRAME, stamp_s=0.0) == b"\x01" * FRAME


def test_a_track_that_says_nothing_holds_up_the_other_by_a_third_of_a_second():
    lines, out = Lines(tracks=BOTH), b""
    for number, left in enumerate(frames(1, count=50)):
        out += lines.put("left", left, stamp_s=number * 0.02)
    assert len(sides(out)) == 50 * FRAME - 2400
    assert (sides(out) == [1, SILENCE]).all()
    assert len(sides(lines.finish())) == 2400


def test_what_comes_too_late_is_left_out_and_the_rest_keeps_its_place():
    lines, out = Lines(tracks=BOTH), b""
    for number, left in enumerate(frames(1, count=50)):
        out += lines.put("left", left, stamp_s=number * 0.02)
    out += lines.put("right", b"\x02" * 8 * FRAME, stamp_s=0.64)
    assert lines.late == 5600 - 5120
    right = sides(out + lines.finish())[:, 1]
    assert (np.flatnonzero(right == 2)[[0, -1]] == [5600, 5120 + 8 * FRAME - 1]).all()


def test_a_track_that_begins_later_has_silence_before_it():
    lines = Lines(tracks=BOTH)
    out = (
        lines.put("right", b"\x02" * FRAME, stamp_s=0.1)
        + lines.put("left", b"\x01" * 6 * FRAME, stamp_s=0.0)
        + lines.finish()
    )
    assert (sides(out)[:800, 1] == SILENCE).all()
    assert (sides(out)[800:, 1] == 2).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(BOTH), st.integers(1, 400), st.floats(0, 120)), max_size=30))
def test_tracks_are_always_of_one_length_and_no_longer_than_their_stamps_say(pieces):
    lines, out, furthest_s = Lines(tracks=BOTH), b"", 0.0
    for track, size, stamp_s in pieces:
        out += lines.put(track, b"\x01" * size, stamp_s=stamp_s)
        furthest_s += 60.0 + size / 8000
    out += lines.finish()
    assert len(out) % 2 == 0
    assert len(out) / 2 / 8000 <= furthest_s
    assert int((np.frombuffer(out, dtype=np.uint8) == 1).sum()) + lines.late == sum(size for _, size, _ in pieces)
