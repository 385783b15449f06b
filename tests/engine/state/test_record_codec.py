from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SnapshotMismatch
from engine.state.codec import _digest, decode_fields, decode_record, encode_fields, encode_record
from schemas.events import Stretch, TurningPoint
from schemas.record import Recent, SpeakerCourse
from tests.contracts.dialogues import full_record, record, said

FOLDER = Path(__file__).parent
VOICES = {"voices": {"customer": ("speaker-1", "speaker-2")}}
IDENTITY = {"aliases": {"speaker-3": "speaker-1"}, "announced": ("Ana",), "speakers": 2, "first_speaker": "Ana"}
RECENT = {"recent": (Recent(event=said(4), revision_id="e1-again"),)}
COURSES = {
    "courses": {
        "Ana": SpeakerCourse(
            seconds=9.5,
            answered_s=7.5,
            emotion_s={"joy": 5.0, "anger": 2.5},
            rated_s=7.5,
            valence_s=1.5,
            arousal_s=3.0,
            smoothed=-0.25,
            reference=0.25,
            side=-1,
            last_turn=4,
            turned=1,
            turning_points=(TurningPoint(turn=4, start_s=1.5, label="anger", before=0.5, after=-0.25),),
            stretch=Stretch(start_s=1.5, end_s=2.25, since_turn=4, turns=1),
            longest=Stretch(start_s=1.5, end_s=2.25, since_turn=4, turns=1),
        )
    }
}
VERSIONS = {
    "record_v1.bin": full_record(),
    "record_v2.bin": full_record().model_copy(update=VOICES),
    "record_v3.bin": full_record().model_copy(update=VOICES | IDENTITY),
    "record_v4.bin": full_record().model_copy(update=VOICES | IDENTITY | RECENT),
    "record_v5.bin": full_record().model_copy(update=VOICES | IDENTITY | RECENT | COURSES),
}
"""Each layout there has been, and what was written in it; the last is the one that is written now."""


@pytest.mark.parametrize("name", VERSIONS)
def test_a_record_of_every_version_decodes_for_ever(name: str):
    assert decode_record((FOLDER / name).read_bytes()) == VERSIONS[name]


def test_a_record_has_the_same_bytes_as_ever():
    name, written = list(VERSIONS.items())[-1]
    assert encode_record(written) == (FOLDER / name).read_bytes()


@given(state=st.binary(), alerts=st.binary(), reason=st.none() | st.text(), source=st.text())
def test_decoding_undoes_encoding(state: bytes, alerts: bytes, reason: str | None, source: str):
    written = record(state=state, alerts=alerts, restarted=reason, sequences={source: 2**40})
    assert decode_record(encode_record(written)) == written
    assert decode_fields(encode_fields(written)) == written


@given(at=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_no_damaged_byte_goes_unnoticed(at: int, flip: int):
    value = bytearray(encode_record(full_record()))
    value[at % len(value)] ^= flip
    with pytest.raises(SnapshotMismatch):
        decode_record(bytes(value))


def test_a_field_of_a_later_version_is_passed_over():
    later = record().model_dump()
    fields = encode_fields(record())
    assert set(fields) == {*later, "digest"}
    fields["mood"] = b'"new"'
    fields["digest"] = _digest(fields)
    assert decode_fields(fields) == record()


@pytest.mark.parametrize("value", [b"", b"\xc1", msgpack.packb([1]), msgpack.packb({"version": 1}), msgpack.packb({})])
def test_what_is_no_record_is_refused(value: bytes):
    with pytest.raises(SnapshotMismatch):
        decode_record(value)
