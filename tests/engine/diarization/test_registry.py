"""The registry of voices, with embeddings made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.diarization.registry import RegistrySettings, known_speakers, recognise, yardsticks

# These voices are as like themselves as can be: likeness is the cosine.
SETTINGS = RegistrySettings(
    new_voice=0.6, brevity=0.0, familiarity=0.0, least_new_s=1.0, cohesion=1.0, cohesion_windows=1e9
)
ANNA = np.array([1, 0, 0], dtype=np.float32)
BERT = np.array([0, 1, 0], dtype=np.float32)
NOBODY = np.full(3, np.nan, dtype=np.float32)


def after(*heard, tensors=None):
    """The ids of what was heard, in order, and the tensors after all of it."""
    tensors, speakers = tensors or {}, []
    for embedding, speech_s in heard:
        recognition = recognise(tensors, embedding, speech_s=speech_s, settings=SETTINGS)
        speakers.append(recognition.speaker)
        tensors = recognition.tensors
    return speakers, tensors


def test_strangers_get_the_next_id_and_known_voices_theirs():
    speakers, tensors = after((ANNA, 2), (BERT, 2), (ANNA, 2), (BERT, 2))
    assert speakers == ["speaker-1", "speaker-2", "speaker-1", "speaker-2"]
    assert known_speakers(tensors) == ("speaker-1", "speaker-2")


def test_the_centroid_is_the_mean_by_seconds():
    near = np.array([0.8, 0.6, 0], dtype=np.float32)
    _, tensors = after((ANNA, 3), (near, 1))
    np.testing.assert_allclose(tensors["centroid/speaker-1"], (3 * ANNA + near) / 4, rtol=1e-6)
    assert tensors["centroid_s/speaker-1"] == 4
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}


def test_a_cough_makes_no_speaker_and_teaches_nothing():
    _, before = after((ANNA, 2))
    speakers, tensors = after((BERT, 0.5), tensors=before)
    assert speakers == ["speaker-1"]
    assert tensors is before


def test_a_cough_before_anybody_spoke_keeps_its_id_for_the_first_voice():
    speakers, tensors = after((NOBODY, 0.2), (BERT, 0.4), (ANNA, 2), (BERT, 2))
    assert speakers == ["speaker-1", "speaker-1", "speaker-1", "speaker-2"]
    np.testing.assert_allclose(tensors["centroid/speaker-1"], ANNA)


LIKE = np.array([0.7, 0, np.sqrt(0.51)], dtype=np.float32)


@pytest.mark.parametrize(("known_s", "speech_s"), [(3.2, 100), (100, 3.2)])
def test_a_voice_that_was_heard_briefly_may_be_less_like_itself(known_s, speech_s):
    found = []
    for brevity in (0.0, 0.3):
        settings = replace(SETTINGS, new_voice=0.8, brevity=brevity)
        tensors = recognise({}, ANNA, speech_s=known_s, settings=settings).tensors
        found.append(recognise(tensors, LIKE, speech_s=speech_s, settings=settings).speaker)
    assert found == ["speaker-2", "speaker-1"]


def test_a_stranger_is_expected_less_the_longer_a_dialogue_goes_on():
    settings = replace(SETTINGS, new_voice=0.8, familiarity=0.1)
    early, late = (recognise({}, ANNA, speech_s=heard_s, settings=settings).tensors for heard_s in (5, 50))
    assert recognise(early, LIKE, speech_s=5, settings=settings).speaker == "speaker-2"
    assert recognise(late, LIKE, speech_s=5, settings=settings).speaker == "speaker-1"


def test_a_voice_without_an_embedding_is_taken_for_the_one_heard_most():
    speakers, _ = after((ANNA, 2), (BERT, 5), (NOBODY, 3))
    assert speakers[-1] == "speaker-2"


@pytest.mark.parametrize("taken", ["speaker/speaker-1", "centroid/speaker-1"])
def test_an_id_that_has_a_state_is_not_given_to_a_stranger(taken):
    speakers, _ = after((ANNA, 2), tensors={taken: BERT, "context": BERT})
    assert speakers == ["speaker-2"]


def test_a_name_somebody_has_is_not_given_to_a_stranger_but_a_known_voice_keeps_its_own():
    taken = frozenset({"speaker-1", "anna"})
    stranger = recognise({}, ANNA, speech_s=2, settings=SETTINGS, taken=taken)
    assert stranger.speaker == "speaker-2"
    again = recognise(stranger.tensors, ANNA, speech_s=2, settings=SETTINGS, taken=taken | {"speaker-2"})
    assert again.speaker == "speaker-2"


def test_other_tensors_pass_through_and_the_input_stays_as_it_was():
    before = {"context": ANNA}
    _, tensors = after((BERT, 2), tensors=before)
    assert tensors["context"] is ANNA
    assert before == {"context": ANNA}


def test_a_voice_is_measured_by_how_like_itself_it_is():
    # Windows of one voice whose cosines to each other are .64, and of another where they are .81.
    loose, tight = 0.8 * ANNA, 0.9 * BERT
    tensors = {
        "centroid/a": loose,
        "centroid_s/a": np.float32(1e6),
        "centroid/b": tight,
        "centroid_s/b": np.float32(1e6),
    }
    measures = yardsticks(tensors, enrolled={}, settings=RegistrySettings())
    assert measures["a"] @ loose == pytest.approx(1.0, abs=1e-3)
    assert measures["b"] @ tight == pytest.approx(1.0, abs=1e-3)


def test_of_a_voice_heard_briefly_what_is_usual_is_believed():
    tensors = {"centroid/a": 0.95 * ANNA, "centroid_s/a": np.float32(1.0)}
    settings = RegistrySettings(cohesion=0.7)
    measures = yardsticks(tensors, enrolled={"b": 0.95 * BERT}, settings=settings)
    assert measures["a"] @ ANNA == pytest.approx(0.95 / 0.7)
    assert 0.95 / 0.9 < measures["b"] @ BERT < 0.95 / 0.7
