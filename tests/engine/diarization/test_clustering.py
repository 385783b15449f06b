"""Windows parted into voices, with embeddings made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diarization.clustering import ClusteringSettings, cluster, follow, likest

SETTINGS = ClusteringSettings()
D = 64


def windows(*turns, noise=0.6, seed=0):
    """Unit vectors of windows: (voice, how many) in order. Noise of 0.6 gives a cosine of about 0.74 within a voice."""
    random = np.random.default_rng(seed)
    voices = np.linalg.qr(random.normal(size=(D, D)))[0]
    # Everybody sounds human: 0.8 of each voice is common to all.
    common = voices[:, -1]
    rows = [
        np.sqrt(0.7) * common + np.sqrt(0.3) * voices[:, voice] + noise * random.normal(size=D) / np.sqrt(D)
        for voice, count in turns
        for _ in range(count)
    ]
    units = np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)
    return units.astype(np.float32), np.repeat([voice for voice, _ in turns], [count for _, count in turns])


@pytest.mark.parametrize(
    "turns",
    [
        [(0, 60)],
        [(0, 40), (1, 40)],
        [(0, 20), (1, 15), (0, 15), (1, 25), (0, 10)],
        [(0, 25), (1, 25), (2, 25), (0, 20), (2, 20), (1, 20)],
    ],
)
def test_voices_are_counted_and_found(turns):
    embeddings, truth = windows(*turns)
    labels = cluster(embeddings, speakers=None, settings=SETTINGS)
    np.testing.assert_array_equal(labels, truth)


def test_a_number_that_is_given_is_kept():
    embeddings, truth = windows((0, 40), (1, 40))
    assert (cluster(embeddings, speakers=1, settings=SETTINGS) == 0).all()
    np.testing.assert_array_equal(cluster(embeddings, speakers=2, settings=SETTINGS), truth)


def test_a_long_recording_is_clustered_by_a_sample_of_it():
    embeddings, truth = windows((0, 400), (1, 300), (0, 200), (1, 300))
    labels = cluster(embeddings, speakers=None, settings=ClusteringSettings(sample=200))
    assert (labels == truth).mean() > 0.99


@settings(max_examples=15, deadline=None)
@given(count=st.integers(0, 12), seed=st.integers(0, 100), speakers=st.none() | st.integers(1, 4))
def test_any_windows_have_an_answer_which_is_always_the_same(count, seed, speakers):
    random = np.random.default_rng(seed).normal(size=(count, D))
    embeddings = (random / np.linalg.norm(random, axis=1, keepdims=True)).astype(np.float32)
    labels = cluster(embeddings, speakers=speakers, settings=SETTINGS)
    assert labels.shape == (count,)
    assert set(labels.tolist()) == set(range(int(labels.max(initial=-1)) + 1))
    np.testing.assert_array_equal(labels, cluster(embeddings, speakers=speakers, settings=SETTINGS))


@pytest.mark.parametrize("noise", [0.3, 0.6, 0.9])
def test_the_corrected_cosine_of_two_halves_of_a_voice_is_one_however_it_varies(noise):
    embeddings, _ = windows((0, 400), noise=noise)
    halves = np.arange(400) % 2
    assert likest(embeddings, halves, apart=2, cohesion=0.7) == pytest.approx(1.0, abs=0.02)


def test_a_moment_of_likeness_changes_no_speaker_and_a_turn_does():
    likeness = np.tile([0.9, 0.6], (30, 1))
    likeness[10] = likeness[20:] = [0.6, 0.9]
    np.testing.assert_array_equal(follow(likeness, settings=SETTINGS), np.repeat([0, 1], [20, 10]))
