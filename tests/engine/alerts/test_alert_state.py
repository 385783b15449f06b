"""The alert state's bytes decode for ever."""

from pathlib import Path

import pytest

from engine.alerts.state import AlertState, decode, encode
from engine.errors import SnapshotMismatch

GOLDEN = (Path(__file__).parent / "state_v1.json").read_bytes().strip()


def test_golden_bytes_decode_and_encode_to_themselves():
    state = decode(GOLDEN)
    assert list(state.speakers) == ["bob", "ann"], "who was heard last stands last"
    assert state.speakers["ann"].resting == {"rising-anger": 7}
    assert encode(state) == GOLDEN


def test_a_field_of_a_later_version_is_left_alone():
    assert decode(b'{"later": 1, ' + GOLDEN[1:]) == decode(GOLDEN)


def test_a_record_of_before_there_were_alerts_holds_nobody():
    assert decode(b"") == AlertState()
    assert encode(AlertState()) == b""


@pytest.mark.parametrize("raw", [b"?", b"[]", b'{"speakers": {"ann": {"heard": [{"turn": "x"}]}}}'])
def test_what_is_no_state_is_refused(raw):
    with pytest.raises(SnapshotMismatch, match="alert state"):
        decode(raw)
