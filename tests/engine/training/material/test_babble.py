import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training.corpora.base import Voice
from engine.training.material.babble import babble, mixed, with_babble

RNG = np.random.default_rng(0)


def voice(speaker, take, samples=4000):
    return Voice(
        name=f"{speaker}-{take}",
        speaker=speaker,
        label=0,
        audio=(0.1 * RNG.normal(size=samples)).astype(np.float32),
    )


VOICES = [voice(speaker, take) for speaker in "abc" for take in range(2)]


@pytest.mark.parametrize("ratio_db", [0.0, 7.5, 15.0])
def test_the_noise_is_as_far_below_the_voice_as_asked(ratio_db):
    audio, noise = VOICES[0].audio, VOICES[2].audio * 30
    added = mixed(audio, noise, ratio_db=ratio_db) - audio
    assert 10 * np.log10(np.square(audio).mean() / np.square(added).mean()) == pytest.approx(ratio_db, abs=0.01)


def test_a_mix_that_would_clip_is_made_quieter_as_a_whole():
    audio = np.array([0.9, -0.9, 0.9, -0.9], dtype=np.float32)
    mix = mixed(audio, audio, ratio_db=0.0)
    assert mix.tolist() == [1.0, -1.0, 1.0, -1.0]
    assert mix.dtype == np.float32


def test_a_voice_is_never_mixed_with_its_own_speaker():
    alone = [VOICES[0], VOICES[1], Voice(name="s", speaker="b", label=0, audio=np.zeros(4000, dtype=np.float32))]
    heard = {one.name: one.audio for one in with_babble(alone, seed=0)}
    assert np.allclose(heard["a-0"], VOICES[0].audio)  # over b's silence
    assert np.allclose(heard["s"], 0)  # a voice without power gets noise without power


def test_the_seed_and_the_name_decide_and_not_the_order():
    first = {one.name: one.audio for one in with_babble(VOICES, seed=0)}
    turned = {one.name: one.audio for one in with_babble([*VOICES[2:], *VOICES[:2]], seed=0)}
    other = {one.name: one.audio for one in with_babble(VOICES, seed=1)}
    assert all((first[name] == turned[name]).all() for name in first)
    assert not any(np.allclose(first[name], other[name]) for name in first)
    assert not any(np.allclose(first[one.name], one.audio) for one in VOICES)


def test_talkers_are_equally_loud_and_begin_again_where_they_end():
    loud, quiet = np.ones(10, dtype=np.float32), 0.01 * np.ones(10, dtype=np.float32)
    assert babble([loud, quiet], samples=25, talkers=3, rng=RNG).tolist() == pytest.approx([3.0] * 25)


def test_one_speaker_is_no_babble():
    with pytest.raises(ConfigurationError, match="at least two speakers"):
        list(with_babble(VOICES[:2], seed=0))
