"""What the encoders hear around a turn: a little of the silence, nothing of anybody else."""

import numpy as np
import pytest

from engine.perceive import Listened, Perceiver, with_room
from engine.signals import SAMPLE_RATE_HZ, Media, Span, VoiceTurn


def turn(speaker, start_s, end_s):
    return VoiceTurn(speaker, Span(start_s, end_s))


@pytest.mark.parametrize(
    ("others", "heard"),
    [
        ([], (0.75, 2.25)),
        ([turn("b", 0.0, 0.5), turn("b", 2.5, 3.0)], (0.75, 2.25)),
        ([turn("b", 0.0, 0.9), turn("b", 2.1, 3.0)], (0.9, 2.1)),
        ([turn("a", 0.0, 1.0), turn("b", 1.9, 3.0)], (1.0, 2.0)),
        ([turn("b", 0.5, 2.5)], (1.0, 2.0)),
        ([turn("b", 1.2, 1.8)], (0.75, 2.25)),
    ],
)
def test_room_ends_where_somebody_else_begins(others, heard):
    mine = turn("a", 1.0, 2.0)
    found = with_room(mine, [mine, *others], room_s=0.25)
    assert (found.start_s, found.end_s) == pytest.approx(heard)


def test_an_utterance_holds_the_room_and_the_turn_does_not():
    audio = np.arange(SAMPLE_RATE_HZ, dtype=np.float32) / SAMPLE_RATE_HZ
    perceiver = Perceiver(vad=None, diarizer=None, faces=None, speaking_face=None, longest_turn_s=30.0, room_s=0.125)
    turns = (turn("a", 0.0, 0.25), turn("b", 0.5, 1.0))
    listened = Listened(turns=turns, tensors={}, merges=(), seconds={})
    media = Media(duration_s=1.0, audio=audio, video_missing="no picture")
    first, second = perceiver.look(media, listened, alone_in_view=False).turns
    np.testing.assert_array_equal(first.utterance.audio, audio[:6000])
    np.testing.assert_array_equal(second.utterance.audio, audio[6000:])
    assert (first.turn, second.turn) == turns
