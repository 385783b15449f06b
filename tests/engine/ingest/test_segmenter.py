"""Sound and pictures in, segments out: the same however they come in pieces."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigurationError
from engine.ingest.base import Heard, Seen
from engine.ingest.endpoint import Endpointer, EndpointSettings
from engine.ingest.segmenter import Identity, Segmenter, segments
from engine.ingest.voices import Voice, Voices
from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ
from schemas.cloudevents import read_segment
from schemas.segment import DialogueStarted
from tests.engine.ingest.sources import Scripted, heard, interleaved, seen, talk

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def segmenter(*, voices=None, consent=None, origin_s=0.0, **options):
    return Segmenter(
        identity=Identity("call", "run", consent),
        voices=voices or Voices(),
        endpoint=EndpointSettings(),
        wall=lambda time_s: NOON,
        origin_s=origin_s,
        **options,
    )


def cut(pieces, **options):
    return list(segments(Scripted((pieces, None)), segmenter(**options)))


def plain(found):
    return [(ready.segment, ready.value) for ready in found]


def sound_of(ready):
    media = decode(ready.value, content_type=ready.segment.datacontenttype)
    return np.rint(media.audio * 32768).astype(np.int16)


def test_a_cut_is_a_segment_of_exactly_those_samples():
    samples = talk()
    endpointer = Endpointer(settings=EndpointSettings())
    expected = [*endpointer.feed(samples), *endpointer.finish()]
    found = cut(heard(samples, sizes=[1000]))
    assert len(found) == len(expected) >= 4
    for number, (ready, one) in enumerate(zip(found, expected, strict=True)):
        segment = ready.segment
        assert np.array_equal(sound_of(ready), one.samples)
        assert (segment.starttime, segment.endtime) == pytest.approx((one.start_s, one.end_s), abs=0.001)
        assert (segment.sequence, segment.id) == (number, f"run.{number}")
        assert (segment.source, segment.dialogue_id) == ("/turntone/stream/run", "call")
        assert (segment.datacontenttype, segment.time) == ("audio/flac", NOON)
        assert (segment.speaker, segment.role, segment.consent) == (None, None, None)
        record = ready.record
        assert read_segment(record.key, record.headers) == segment


@settings(max_examples=12, deadline=None)
@given(sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=40))
def test_the_same_segments_however_the_sound_comes(sizes):
    left = talk(3)
    both = np.stack([left, np.roll(left, 40_000)])
    voices = Voices(apart=True)
    whole = plain(cut(heard(both, sizes=[both.shape[1]]), voices=voices))
    assert {segment.speaker for segment, _ in whole} == {"channel-0", "channel-1"}
    assert plain(cut(heard(both, sizes=sizes), voices=voices)) == whole


def test_a_channel_a_speaker():
    samples = talk(2)
    silence = np.zeros_like(samples)
    both = np.stack([np.concatenate([samples, silence]), np.concatenate([silence, samples])])
    voices = Voices(apart=True, named={1: Voice("ben", "customer")}, role="agent")
    found = cut(heard(both, sizes=[800]), voices=voices, consent=True)
    half_s = len(samples) / SAMPLE_RATE_HZ
    assert {ready.segment.speaker for ready in found} == {"channel-0", "ben"}
    for ready in found:
        second = ready.segment.starttime >= half_s - 0.1
        assert (ready.segment.speaker, ready.segment.role) == (
            ("ben", "customer") if second else ("channel-0", "agent")
        )
        assert ready.segment.consent is True


def test_channels_are_mixed_where_nobody_says_whose_they_are():
    samples = talk(2)
    twice = cut(heard(np.stack([samples, samples]), sizes=[800]), voices=Voices(role="customer"))
    once = cut(heard(samples, sizes=[800]), voices=Voices(role="customer"))
    assert plain(twice) == plain(once)
    assert {ready.segment.role for ready in once} == {"customer"}


def test_a_channel_that_is_not_there_is_said():
    with pytest.raises(ConfigurationError, match="channel 1 is named, and the source has 1"):
        cut(heard(talk(1), sizes=[800]), voices=Voices(apart=True, named={1: Voice("ben")}))


def test_who_takes_part_is_announced():
    known = segmenter(voices=Voices(apart=True, named={0: Voice("anna", "agent"), 1: Voice("ben")}, role="customer"))
    people = DialogueStarted.model_validate_json(known.started().value).participants
    assert [(person.speaker, person.role, person.consent) for person in people] == [
        ("anna", "agent", None),
        ("ben", "customer", None),
    ]
    assert known.ended("over").segment.sequence == 1


def test_a_gap_ends_the_utterance_and_time_goes_on():
    samples = talk(1, pause_s=0.2)
    first = list(heard(samples, sizes=[800]))
    later = list(heard(samples, sizes=[800], origin_s=100.0))
    found = cut([*first, *later], origin_s=1000.0)
    alone = cut(first)
    assert [sound_of(ready).tolist() for ready in found] == [sound_of(ready).tolist() for ready in alone] * 2
    starts = [ready.segment.starttime for ready in found]
    assert starts == pytest.approx([1000.0 + ready.segment.starttime + add for add in (0, 100) for ready in alone])


def test_a_short_gap_is_silence():
    samples = talk(2)
    lost = samples.copy()
    lost[20_000:24_000] = 0
    pieces = [piece for piece in heard(samples, sizes=[4000]) if not 20_000 <= round(piece.start_s * 16_000) < 24_000]
    assert plain(cut(pieces)) == plain(cut(heard(lost, sizes=[4000])))


def test_an_utterance_has_its_pictures():
    samples = talk(2)
    end_s = len(samples) / SAMPLE_RATE_HZ
    for late_s in (0.0, 0.9):
        pictures = seen(start_s=0.0, end_s=end_s)
        order = sorted([*heard(samples, sizes=[800]), *pictures], key=lambda p: p.end_s + late_s * isinstance(p, Seen))
        found = cut(order)
        assert len(found) >= 2
        for ready in found:
            media = decode(ready.value, content_type=ready.segment.datacontenttype)
            lasts_s = ready.segment.endtime - ready.segment.starttime
            assert ready.segment.datacontenttype == "video/x-matroska"
            assert len(media.audio) / SAMPLE_RATE_HZ == pytest.approx(lasts_s, abs=0.002)
            assert len(media.frames) == 15
            assert media.frame_times_s[-1] > lasts_s - 0.35
            # The square stands where it stood at that moment of the stream.
            for time_s, frame in zip(media.frame_times_s, media.frames, strict=True):
                number = round((ready.segment.starttime + time_s) * 25)
                bright = np.flatnonzero(frame[45].mean(axis=1) > 170)
                assert abs(bright.min() - number * 3 % 98) <= 4


def test_pictures_that_stop_hold_up_nothing():
    samples = talk(3)
    found = cut(interleaved(heard(samples, sizes=[800]), seen(start_s=0.0, end_s=3.0)))
    types = [ready.segment.datacontenttype for ready in found]
    assert types[0] == "video/x-matroska"
    assert types[-1] == "audio/flac"


def test_without_sound_the_pictures_are_cut_every_so_often():
    found = cut(seen(start_s=0.0, end_s=12.0), unheard_s=5.0)
    spans = [(ready.segment.starttime, ready.segment.endtime) for ready in found]
    assert spans == [(0.0, 5.0), (5.0, 10.0), (10.0, 12.0)]
    media = decode(found[1].value, content_type="video/x-matroska")
    assert media.audio is None
    assert len(media.frames) == 15


def test_sound_that_is_lost_leaves_the_pictures_and_comes_back():
    samples = talk(1, pause_s=0.3)
    lasts_s = len(samples) / SAMPLE_RATE_HZ
    again_s = 20.0 + lasts_s
    sound = [*heard(samples, sizes=[800]), *heard(samples, sizes=[800], origin_s=again_s)]
    found = cut(interleaved(sound, seen(start_s=0.0, end_s=again_s + lasts_s)), unheard_s=5.0)
    heard_in = [decode(ready.value, content_type="video/x-matroska").audio is not None for ready in found]
    assert heard_in.count(False) == 4
    assert heard_in[0]
    assert heard_in[-1]
    starts = [ready.segment.starttime for ready in found]
    assert starts == sorted(starts)


def test_pictures_are_nobodys_where_several_channels_are_heard():
    samples = np.stack([talk(1), talk(1)])
    pieces = interleaved(heard(samples, sizes=[800]), seen(start_s=0.0, end_s=4.0))
    found = cut(pieces, voices=Voices(apart=True))
    assert {ready.segment.datacontenttype for ready in found} == {"audio/flac"}


def test_silence_is_no_segment():
    assert cut([Heard(0.0, np.zeros((1, 160_000), dtype=np.int16))]) == []
