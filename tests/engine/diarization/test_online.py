"""The online diarizer over the embedded separator, with real voices.

The voices (EmoDB 03, 08, 09, neutral) were picked from those it can tell apart: these tests hold that ids last
where they are found. How often they are found is measured in tests/benchmarks/perception/diarization.py.
"""

import numpy as np
import pytest
from safetensors.numpy import load, save

from engine.diarization.local import LocalTurn, SegmentVoices
from engine.diarization.online import OnlineDiarizer
from engine.diarization.registry import RegistrySettings, known_speakers
from engine.signals import SAMPLE_RATE_HZ, Span, VoiceTurn


@pytest.fixture(scope="session")
def diarizer(separator):
    return OnlineDiarizer(pipeline=separator, registry=RegistrySettings())


@pytest.fixture(scope="session")
def two(emodb):
    """Six turns each of a woman and a man, in turn."""
    return [audio for pair in zip(emodb["08"][:6], emodb["03"][:6], strict=True) for audio in pair]


@pytest.fixture(scope="session")
def three(emodb):
    return [audio for turns in zip(emodb["03"][:5], emodb["08"][:5], emodb["09"][:5], strict=True) for audio in turns]


def hear(diarizer, audio, tensors):
    answer = diarizer.assign(audio, [Span(0.0, len(audio) / SAMPLE_RATE_HZ)], tensors)
    return [turn.speaker for turn in answer.turns], answer.tensors


def listen(diarizer, segments, tensors=None):
    """The speakers of each segment, and the tensors after the last."""
    speakers, tensors = [], tensors or {}
    for audio in segments:
        heard, tensors = hear(diarizer, audio, tensors)
        speakers.append(heard)
    return speakers, tensors


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_two_voices_keep_their_ids(diarizer, two):
    speakers, tensors = listen(diarizer, two)
    assert speakers == [["speaker-1"], ["speaker-2"]] * 6
    assert known_speakers(tensors) == ("speaker-1", "speaker-2")


def test_three_voices_keep_their_ids(diarizer, three):
    speakers, _ = listen(diarizer, three)
    assert speakers == [["speaker-1"], ["speaker-2"], ["speaker-3"]] * 5


def test_a_dialogue_goes_on_from_a_snapshot(diarizer, two):
    whole, at_the_end = listen(diarizer, two)
    first, in_the_middle = listen(diarizer, two[:5])
    rest, restored = listen(diarizer, two[5:], load(save(dict(in_the_middle))))
    assert first + rest == whole
    assert same(restored, at_the_end)


def test_dialogues_side_by_side_do_not_meet(diarizer, two, three):
    alone = listen(diarizer, two), listen(diarizer, three)
    speakers, states = ([], []), [{}, {}]
    for segments in zip(two, three, strict=False):
        for which, audio in enumerate(segments):
            heard, states[which] = hear(diarizer, audio, states[which])
            speakers[which].append(heard)
    for which, (expected, tensors) in enumerate(alone):
        assert speakers[which] == expected[:12]
        assert known_speakers(states[which]) == known_speakers(tensors)


def test_two_voices_in_one_segment_are_two_turns(diarizer, emodb):
    first, second = np.concatenate(emodb["03"][:2]), np.concatenate(emodb["08"][:2])
    change_s = len(first) / SAMPLE_RATE_HZ
    audio = np.concatenate([first, second])
    answer = diarizer.assign(audio, [Span(0.0, len(audio) / SAMPLE_RATE_HZ)], {})
    assert [turn.speaker for turn in answer.turns] == ["speaker-1", "speaker-2"]
    assert answer.turns[0].span.end_s == pytest.approx(change_s, abs=0.5)
    assert answer.turns[1].span.start_s == pytest.approx(change_s, abs=0.5)
    alone, _ = hear(diarizer, emodb["08"][2], answer.tensors)
    assert alone == ["speaker-2"]


def test_a_brief_sound_makes_no_speaker(diarizer, two, emodb):
    _, before = listen(diarizer, two[:4])
    start = len(emodb["09"][0]) // 2
    cough = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    cough[4000:8800] = emodb["09"][0][start : start + 4800]
    _, tensors = hear(diarizer, cough, before)
    assert known_speakers(tensors) == ("speaker-1", "speaker-2")


def test_the_producers_word_is_trusted_and_teaches_nothing(diarizer, emodb):
    tensors = {"centroid/speaker-1": np.ones(256, np.float32), "centroid_s/speaker-1": np.float32(3)}
    answer = diarizer.assign(emodb["03"][0], [Span(0.2, 0.5), Span(0.8, 1.4)], tensors, speaker="Ms. Ames")
    assert answer.turns == (VoiceTurn("Ms. Ames", Span(0.2, 1.4)),)
    assert answer.tensors is tensors


@pytest.mark.parametrize("speaker", [None, "Ms. Ames"])
def test_without_speech_there_is_no_turn(diarizer, by_formula, speaker):
    tensors = {"context": np.ones(3, np.float32)}
    answer = diarizer.assign(by_formula(1.0), [], tensors, speaker=speaker)
    assert answer.turns == ()
    assert answer.tensors is tensors


@pytest.mark.parametrize("samples", [1, 160, 48_000])
def test_what_is_no_voice_is_no_turn(diarizer, samples):
    noise = np.random.default_rng(0).normal(scale=0.02, size=samples).astype(np.float32)
    answer = diarizer.assign(noise, [Span(0.0, samples / SAMPLE_RATE_HZ)], {})
    assert answer.turns == ()
    assert answer.tensors == {}


class Heard:
    """Stands for a pipeline that has separated a segment."""

    def __init__(self, *turns):
        self.voices = SegmentVoices(turns=turns, embeddings=np.eye(2, 256, dtype=np.float32))

    def separate(self, audio, speech, *, known):
        return self.voices


def test_stretches_of_a_voice_join_and_overlap_is_marked():
    pipeline = Heard(
        LocalTurn(0, Span(0.0, 1.0), False),
        LocalTurn(0, Span(1.3, 2.0), True),
        LocalTurn(1, Span(2.0, 3.0), True),
        LocalTurn(0, Span(3.5, 4.0), False),
    )
    answer = OnlineDiarizer(pipeline=pipeline, registry=RegistrySettings(least_new_s=0.8)).assign(
        np.zeros(64_000, np.float32), [Span(0.0, 4.0)], {}
    )
    assert answer.turns == (
        VoiceTurn("speaker-1", Span(0.0, 2.0), overlap=True),
        VoiceTurn("speaker-2", Span(2.0, 3.0), overlap=True),
        VoiceTurn("speaker-1", Span(3.5, 4.0), overlap=False),
    )
    assert answer.tensors["centroid_s/speaker-1"] == pytest.approx(2.2)


def test_a_stranger_is_not_given_a_name_that_is_taken():
    pipeline = Heard(LocalTurn(0, Span(0.0, 2.0), False), LocalTurn(1, Span(2.0, 4.0), False))
    answer = OnlineDiarizer(pipeline=pipeline, registry=RegistrySettings()).assign(
        np.zeros(64_000, np.float32), [Span(0.0, 4.0)], {}, taken=frozenset({"speaker-1"})
    )
    assert [turn.speaker for turn in answer.turns] == ["speaker-2", "speaker-3"]
