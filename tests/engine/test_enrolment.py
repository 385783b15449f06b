"""When recordings give a voice, with voices that are angles."""

import json

import numpy as np
import pytest

from engine.diarization.online import OnlineDiarizer
from engine.enrolment import Enroller
from engine.errors import EnrolmentRefused
from tests.engine.spoken import SETTINGS, Decodes, Detects, Separates, voice


def learn(*recordings):
    """Each recording is the degrees and seconds of voices, one after the other."""
    enroller = Enroller(vad=Detects(), diarizer=OnlineDiarizer(pipeline=Separates(), registry=SETTINGS))
    heard = [Decodes().decode(json.dumps(spoken), content_type=None).audio for spoken in recordings]
    return enroller.learn(heard)


def test_a_voice_is_the_mean_of_what_was_heard_of_it():
    learned = learn([(0, 6)], [(20, 6)])
    assert learned.seconds == 12
    np.testing.assert_allclose(learned.centroid, (voice(0) + voice(20)) / 2, atol=1e-6)


def test_a_word_of_somebody_else_is_left_out():
    learned = learn([(0, 5), (0, 5), (0, 5), (120, 3)])
    np.testing.assert_allclose(learned.centroid, voice(0), atol=1e-6)


@pytest.mark.parametrize(
    ("recordings", "sentence"),
    [
        ([[(0, 4)], [(0, 5)]], "only 9.0 s of speech were found, and it takes 10 s"),
        ([[(0, 10)], [(120, 5)]], "more than one voice is heard, the longest for 10.0 of 15.0 s"),
        ([], "only 0.0 s of speech"),
    ],
)
def test_what_gives_no_voice_is_refused_with_a_sentence(recordings, sentence):
    with pytest.raises(EnrolmentRefused, match=sentence):
        learn(*recordings)
