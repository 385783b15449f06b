"""A face that nobody can read is not searched for, and the turn says so."""

import numpy as np

from engine.faces.unread import REASON, Unsearched, no_face
from engine.perceive import Listened, Perceiver
from engine.signals import SAMPLE_RATE_HZ, Media, Span, VoiceTurn


def looked_at(media):
    perceiver = Perceiver(vad=None, diarizer=None, faces=Unsearched(), speaking_face=no_face, longest_turn_s=30.0)
    listened = Listened(turns=(VoiceTurn("a", Span(0.0, 1.0)),), tensors={}, merges=(), seconds={})
    (turn,) = perceiver.look(media, listened, alone_in_view=False).turns
    return turn


def film(audio):
    frames = np.zeros((2, 120, 160, 3), dtype=np.uint8)
    return Media(duration_s=1.0, audio=audio, frames=frames, frame_times_s=np.array([0.2, 0.7]))


def test_the_voice_of_a_film_is_heard():
    turn = looked_at(film(np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)))
    assert turn.video_missing == REASON
    assert turn.utterance.faces is None
    assert len(turn.utterance.audio) == SAMPLE_RATE_HZ


def test_a_silent_film_has_nothing_to_infer_from():
    turn = looked_at(film(None))
    assert turn.utterance is None
    assert turn.video_missing == REASON
