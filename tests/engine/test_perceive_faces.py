"""What reaches the models of a segment's picture, and the reason where nothing does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.media.decode import decode_span
from engine.perceive import Listened, Perceiver
from engine.signals import SAMPLE_RATE_HZ, Media, Span, VoiceTurn

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
needs_faces = pytest.mark.skipif(not FACES.is_dir(), reason="needs ../shared/data/faces")


@pytest.fixture(scope="module")
def perceiver():
    locator = MtcnnLocator(detector=load_mtcnn())
    return Perceiver(vad=None, diarizer=None, faces=locator, speaking_face=speaking_face, longest_turn_s=30.0)


def look(perceiver, media, *spans, alone_in_view=False):
    turns = tuple(VoiceTurn("a", Span(*span)) for span in spans or ((0.0, media.duration_s),))
    listened = Listened(turns=turns, tensors={}, merges=(), seconds={})
    return perceiver.look(media, listened, alone_in_view=alone_in_view).turns


def clip(name):
    return decode_span(FACES / name)


def faceless(turn):
    assert turn.utterance.audio is not None
    assert turn.utterance.faces is None
    return turn.video_missing


@needs_faces
def test_a_talking_head_is_read_from_every_frame(perceiver):
    (turn,) = look(perceiver, clip("grid_bbaf2n.mpg"))
    assert turn.video_missing is None
    assert turn.utterance.faces.shape == (15, 64, 64, 3)


@needs_faces
def test_each_turn_has_the_crops_of_its_own_time(perceiver):
    media = clip("hdtf_a.mp4")
    early, late = look(perceiver, media, (0.0, 2.0), (5.0, 8.0))
    assert 3 <= len(early.utterance.faces) <= 6
    assert not np.array_equal(early.utterance.faces[0], late.utterance.faces[0])


@needs_faces
def test_no_face(perceiver):
    (turn,) = look(perceiver, clip("no_face.mp4"))
    assert faceless(turn) == "no face found"


@needs_faces
def test_a_face_that_leaves(perceiver):
    media = clip("face_noface.mov")
    before, after = look(perceiver, media, (0.0, 2.0), (3.0, 6.0))
    assert before.video_missing is None
    assert faceless(after) == "face out of view while speaking"


@needs_faces
def test_a_still_picture(perceiver):
    media = clip("grid_bbaf2n.mpg")
    photo = replace(media, frames=media.frames[:1].repeat(15, axis=0))
    (turn,) = look(perceiver, photo)
    assert faceless(turn) == "a still picture of a face"
    (turn,) = look(perceiver, replace(photo, audio=None))
    assert turn.utterance.faces is not None


@needs_faces
def test_several_faces_in_a_picture(perceiver):
    media = clip("multi_face.jpg")
    heard = replace(media, duration_s=2.0, audio=np.zeros(2 * SAMPLE_RATE_HZ, np.float32))
    (turn,) = look(perceiver, heard)
    assert faceless(turn).startswith("several faces, seen too briefly")
    (turn,) = look(perceiver, media)
    assert turn.utterance is None
    assert turn.video_missing == "several faces, and no voice to tell which of them speaks"


@needs_faces
def test_where_somebody_must_not_be_analysed_a_second_face_masks_all(perceiver):
    media = clip("grid_bbaf2n.mpg")
    (turn,) = look(perceiver, media, alone_in_view=True)
    assert turn.video_missing is None
    pair = replace(media, frames=np.concatenate([media.frames] * 2, axis=2), strip=None, strip_times_s=None)
    (turn,) = look(perceiver, pair, alone_in_view=True)
    assert faceless(turn) == "several faces, of which one may be of somebody who is not inferred"


def test_without_a_picture_the_decoder_says_why(perceiver):
    media = Media(duration_s=1.0, audio=np.zeros(SAMPLE_RATE_HZ, np.float32), video_missing="no video stream")
    (turn,) = look(perceiver, media)
    assert faceless(turn) == "no video stream"
