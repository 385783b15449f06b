"""Headers and messages survive the wire, and what is wrong is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cloudevents import MalformedHeaders, event_headers, read_attributes, read_segment, segment_headers
from schemas.segment import Segment
from schemas.topics import SEGMENT_TYPE

NAMES = st.text(min_size=1, max_size=40).filter(lambda s: s.strip() == s and "\x00" not in s)


def segment(**changes):
    fields = {
        "dialogue_id": "call-1",
        "id": "a",
        "source": "/phone",
        "type": SEGMENT_TYPE,
        "sequence": 3,
        "starttime": 1.5,
        "endtime": 4.25,
        **changes,
    }
    return Segment.model_validate(fields)


@given(
    speaker=st.none() | NAMES,
    role=st.none() | NAMES,
    channel=st.none() | NAMES,
    consent=st.none() | st.booleans(),
    sequence=st.integers(min_value=0, max_value=2**53),
    time=st.none() | st.datetimes(timezones=st.just(UTC)),
    content_type=st.none() | st.sampled_from(["audio/flac", "video/mp4", "audio/L16; rate=16000; channels=1"]),
)
def test_a_segment_survives_its_headers(speaker, role, channel, consent, sequence, time, content_type):
    who = {"speaker": speaker, "role": role, "channel": channel, "consent": consent}
    sent = segment(**who, sequence=sequence, time=time, datacontenttype=content_type)
    assert read_segment("call-1", segment_headers(sent)) == sent


def test_header_names_are_read_in_any_case_and_foreign_headers_are_left_out():
    headers = [(name.upper(), value) for name, value in segment_headers(segment())]
    assert read_segment("call-1", [*headers, ("x-trace", b"\xff")]) == segment()


def test_a_time_is_kept_in_utc_and_without_a_zone_taken_for_it():
    for written in (b"2026-01-01T13:00:00+01:00", b"2026-01-01T12:00:00"):
        headers = [*segment_headers(segment()), ("ce_time", written)]
        assert read_segment("call-1", headers).time == datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ce_id": None}, "ce_id: Field required"),
        ({"ce_specversion": b"0.3"}, "ce_specversion is '0.3'"),
        ({"ce_type": b"turntone.nonsense.v9"}, "ce_type: Input should be"),
        ({"ce_sequence": b"two"}, "ce_sequence: Input should be a valid integer"),
        ({"ce_sequence": b"-1"}, "ce_sequence: Input should be greater than or equal to 0"),
        ({"ce_time": b"0001-01-01T00:00:00+01:00"}, "ce_time: is not a time in UTC"),
        ({"ce_time": b"9999-12-31T23:59:59-01:00"}, "ce_time: is not a time in UTC"),
        ({"ce_starttime": b"nan"}, "ce_starttime: Input should be a finite number"),
        ({"ce_endtime": b"1.0"}, "endtime 1.0 is not after starttime 1.5"),
        ({"ce_endtime": None}, "a media segment needs starttime and endtime"),
        ({"ce_consent": b"perhaps"}, "ce_consent: Input should be a valid boolean"),
        ({"ce_time": b"yesterday"}, "ce_time: Input should be a valid datetime"),
        ({"ce_speaker": b"\xff\xfe"}, "header ce_speaker is not UTF-8"),
        ({"ce_subject": b"call-2"}, "ce_subject 'call-2' is not the record's key 'call-1'"),
    ],
)
def test_what_is_wrong_with_headers_is_named(change, sentence):
    headers = dict(segment_headers(segment()))
    for name, value in change.items():
        headers.pop(name, None)
        if value is not None:
            headers[name] = value
    with pytest.raises(MalformedHeaders, match=sentence):
        read_segment("call-1", headers.items())


@pytest.mark.parametrize("key", [None, "", "a b", "x" * 129, "naïve", "line\n"])
def test_a_key_that_is_no_dialogue_id_is_refused(key):
    with pytest.raises(MalformedHeaders, match="key"):
        read_segment(key, segment_headers(segment()))


def test_an_event_names_its_dialogue_and_the_end_of_its_segment():
    headers = event_headers(
        event_id="e1",
        event_type="turntone.turn.v1",
        dialogue_id="call-1",
        time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert read_attributes(headers) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/turntone",
        "type": "turntone.turn.v1",
        "subject": "call-1",
        "time": "2026-01-02T03:04:05Z",
        "content-type": "application/json",
    }
