"""Ids that turn out to be one voice, with embeddings made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import snapshot
from engine.diarization.base import Merge
from engine.diarization.local import LocalTurn, SegmentVoices
from engine.diarization.merge import is_numbered, merge, renamed
from engine.diarization.online import OnlineDiarizer
from engine.diarization.registry import known_speakers, recognise
from engine.signals import Span
from tests.engine.spoken import SETTINGS, voice


def learned(**voices: tuple[float, float]):
    """Tensors of voices by name: degrees and seconds."""
    tensors = {}
    for name, (degrees, seconds) in voices.items():
        name = name.replace("_", "-")
        tensors[f"centroid/{name}"] = voice(degrees)
        tensors[f"centroid_s/{name}"] = np.asarray(seconds, np.float32)
    return tensors


def merged(tensors, enrolled=None):
    return merge(tensors, settings=SETTINGS, enrolled=enrolled or {})


def test_the_younger_id_is_folded_into_the_older():
    state = {"speaker/speaker-1": np.ones(3), "speaker/speaker-2": np.zeros(3), "context": np.ones(3)}
    merges, tensors = merged(learned(speaker_2=(0, 4), speaker_1=(20, 12)) | state)
    assert merges == (Merge("speaker-2", "speaker-1"),)
    np.testing.assert_allclose(tensors["centroid/speaker-1"], (12 * voice(20) + 4 * voice(0)) / 16, rtol=1e-6)
    assert tensors["centroid_s/speaker-1"] == 16
    assert tensors["speaker/speaker-1"] is state["speaker/speaker-1"]
    assert tensors["context"] is state["context"]
    assert not [name for name in tensors if name.endswith("/speaker-2")]


def test_the_tenth_id_is_younger_than_the_second():
    merges, _ = merged(learned(speaker_10=(0, 5), speaker_2=(10, 5)))
    assert merges == (Merge("speaker-10", "speaker-2"),)


@pytest.mark.parametrize(
    "voices",
    [
        {"speaker_1": (0, 9), "speaker_2": (30, 9)},
        {"speaker_1": (0, 9), "speaker_2": (10, 3.9)},
        {"speaker_1": (0, 3.9), "speaker_2": (10, 9)},
    ],
)
def test_what_is_not_alike_or_not_known_well_stays_as_it_is(voices):
    before = learned(**voices)
    merges, tensors = merged(before)
    assert merges == ()
    assert tensors is before


def test_who_was_parted_by_a_hair_is_not_joined_by_one():
    first = recognise({}, voice(0), speech_s=5, settings=SETTINGS).tensors
    second = recognise(first, voice(54), speech_s=5, settings=SETTINGS)
    assert second.speaker == "speaker-2"
    drifted = second.tensors
    for _ in range(3):
        drifted = recognise(drifted, voice(24), speech_s=5, settings=SETTINGS).tensors
        assert merged(drifted)[0] == ()
        drifted = recognise(drifted, voice(30), speech_s=5, settings=SETTINGS).tensors
        assert merged(drifted)[0] == ()


def test_two_names_are_never_folded_but_a_number_into_a_name():
    merges, tensors = merged(learned(ann=(0, 9), bea=(1, 9), speaker_1=(2, 9)))
    assert merges == (Merge("speaker-1", "bea"),)
    assert set(known_speakers(tensors)) == {"ann", "bea"}


def test_an_id_that_is_recognised_later_gets_the_name_and_its_state():
    state = {"speaker/speaker-1": np.ones(3)}
    merges, tensors = merged(learned(speaker_1=(0, 5)) | state, {"ann": voice(20), "bea": voice(25)})
    assert merges == (Merge("speaker-1", "ann"),)
    assert tensors["speaker/ann"] is state["speaker/speaker-1"]
    np.testing.assert_allclose(tensors["centroid/ann"], voice(0), rtol=1e-6)
    assert merged(tensors, {"ann": voice(20), "bea": voice(1)})[0] == ()


def test_a_chain_is_folded_to_its_end():
    merges, tensors = merged(learned(speaker_1=(0, 50), speaker_2=(5, 5), speaker_3=(15, 5)))
    assert renamed("speaker-3", merges) == renamed("speaker-2", merges) == "speaker-1"
    assert known_speakers(tensors) == ("speaker-1",)
    assert renamed("speaker-4", merges) == "speaker-4"


@given(
    st.dictionaries(
        st.sampled_from(["speaker-1", "speaker-2", "speaker-3", "speaker-11", "ann", "bea"]),
        st.tuples(st.floats(0, 90), st.floats(0.5, 20)),
    ),
    st.dictionaries(st.sampled_from(["ann", "cem"]), st.floats(0, 90).map(voice)),
)
def test_merging_loses_no_second_and_ends(voices, enrolled):
    before = learned(**voices)
    merges, tensors = merged(before, enrolled)
    assert merged(tensors, enrolled)[0] == ()
    assert merged(snapshot.decode(snapshot.encode(before)), enrolled)[0] == merges
    total = sum(float(value) for name, value in before.items() if name.startswith("centroid_s/"))
    left = sum(float(value) for name, value in tensors.items() if name.startswith("centroid_s/"))
    assert left == pytest.approx(total, rel=1e-5)
    assert all(is_numbered(one.speaker) for one in merges)
    assert set(known_speakers(tensors)) == {renamed(name, merges) for name in voices}


class Hears:
    """A pipeline that separates one voice of so many degrees."""

    def __init__(self):
        self.degrees = 0.0

    def separate(self, audio, speech, *, known):
        duration_s = len(audio) / 16_000
        return SegmentVoices((LocalTurn(0, Span(0.0, duration_s), False),), voice(self.degrees)[None])


def listen(diarizer, hears, degrees, tensors, **known):
    hears.degrees = degrees
    audio = np.zeros(3 * 16_000, np.float32)
    return diarizer.assign(audio, [Span(0.0, 3.0)], tensors, **known)


def test_a_turn_has_the_id_after_the_merge():
    hears = Hears()
    diarizer = OnlineDiarizer(pipeline=hears, registry=SETTINGS)
    tensors = learned(speaker_1=(0, 9), speaker_2=(40, 3))
    answer = listen(diarizer, hears, 8, tensors, enrolled={})
    assert (answer.turns[0].speaker, answer.merges) == ("speaker-1", ())
    answer = listen(diarizer, hears, 26, learned(speaker_1=(0, 9), speaker_2=(29, 3)))
    assert answer.merges == ()
    answer = listen(diarizer, hears, 22, learned(speaker_1=(0, 9), speaker_2=(24, 3)))
    assert answer.merges == (Merge("speaker-2", "speaker-1"),)
    assert answer.turns[0].speaker == "speaker-1"


def test_an_enrolled_voice_has_its_name_from_its_first_turn_on():
    hears = Hears()
    diarizer = OnlineDiarizer(pipeline=hears, registry=SETTINGS)
    answer = listen(diarizer, hears, 10, {}, enrolled={"ann": voice(0), "bea": voice(90)})
    assert [turn.speaker for turn in answer.turns] == ["ann"]
    # Not alike enough for a name of its own, but alike enough to the voice it was a moment ago.
    answer = listen(diarizer, hears, 40, answer.tensors, enrolled={"ann": voice(0)})
    assert [turn.speaker for turn in answer.turns] == ["ann"]
    answer = listen(diarizer, hears, 70, {}, enrolled={"ann": voice(0)})
    assert [turn.speaker for turn in answer.turns] == ["speaker-1"]


def test_a_brief_sound_is_nobody_by_name():
    found = recognise({}, voice(0), speech_s=0.5, settings=SETTINGS, enrolled={"ann": voice(0)})
    assert found.speaker == "speaker-1"


def test_where_the_number_is_known_a_stranger_is_taken_for_the_nearest():
    tensors = {}
    for degrees in (0, 90):
        tensors = recognise(tensors, voice(degrees), speech_s=2, settings=SETTINGS, most=2).tensors
    found = recognise(tensors, voice(-60), speech_s=2, settings=SETTINGS, most=2)
    assert (found.speaker, found.tensors) == ("speaker-1", tensors)
    assert recognise(tensors, voice(-60), speech_s=2, settings=SETTINGS, most=3).speaker == "speaker-3"
