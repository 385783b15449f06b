"""The embedded separator: laws over real voices and over what is none."""

import numpy as np
import pytest

from engine.diarization.registry import RegistrySettings, yardsticks
from engine.diarization.windows import WindowEmbedder
from engine.signals import SAMPLE_RATE_HZ, Span


def whole(audio):
    return [Span(0.0, len(audio) / SAMPLE_RATE_HZ)]


@pytest.fixture(scope="module")
def exchange(emodb):
    """Twelve utterances of a woman and a man in turn, and when the second speaks."""
    pieces = [audio for pair in zip(emodb["08"][:6], emodb["03"][:6], strict=True) for audio in pair]
    ends = np.cumsum([len(piece) for piece in pieces]) / SAMPLE_RATE_HZ
    return np.concatenate(pieces), [Span(float(ends[i - 1]), float(ends[i])) for i in range(1, len(pieces), 2)]


@pytest.mark.parametrize("speakers", [None, 2])
def test_two_voices_of_a_recording_are_told_apart(separator, exchange, speakers):
    audio, second = exchange
    turns = separator.label(audio, speakers=speakers)
    assert {turn.voice for turn in turns} == {0, 1}
    right = sum(
        turn.span.duration_s
        for turn in turns
        if turn.voice == any(span.start_s <= (turn.span.start_s + turn.span.end_s) / 2 < span.end_s for span in second)
    )
    assert right / sum(turn.span.duration_s for turn in turns) > 0.9


def test_one_voice_is_one_voice(separator, emodb):
    turns = separator.label(np.concatenate(emodb["03"][:6]))
    assert {turn.voice for turn in turns} == {0}


def test_equal_recordings_give_equal_turns(separator, exchange):
    audio, _ = exchange
    assert separator.label(audio) == separator.label(audio.copy())


def test_turns_are_in_order_and_do_not_overlap(separator, exchange):
    audio, _ = exchange
    turns = separator.label(audio)
    bounds = [edge for turn in turns for edge in (turn.span.start_s, turn.span.end_s)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= len(audio) / SAMPLE_RATE_HZ


@pytest.mark.parametrize("samples", [0, 1, 160, 16_000])
def test_silence_holds_nobody(separator, samples):
    silence = np.zeros(samples, np.float32)
    assert separator.label(silence) == ()
    assert separator.separate(silence, whole(silence), known={}).turns == ()


def test_a_brief_answer_of_a_known_voice_is_told_from_its_neighbours(separator, emodb):
    woman, man = (separator.separate(np.concatenate(emodb[who][:4]), [Span(0, 99)], known={}) for who in ("08", "03"))
    tensors = {
        "centroid/a": woman.embeddings[0],
        "centroid_s/a": np.float32(9),
        "centroid/b": man.embeddings[0],
        "centroid_s/b": np.float32(9),
    }
    known = yardsticks(tensors, enrolled={}, settings=RegistrySettings())
    audio = np.concatenate([emodb["08"][4], emodb["03"][4][:SAMPLE_RATE_HZ], emodb["08"][5]])
    voices = separator.separate(audio, whole(audio), known=known)
    assert [turn.voice for turn in voices.turns if turn.span.duration_s > 0.4] in ([0, 1, 0], [1, 0, 1])
    assert np.isfinite(voices.embeddings).all()


def test_a_recording_of_known_voices_says_who_of_them_speaks(separator, exchange, emodb):
    audio, second = exchange
    known = {
        who: separator.separate(np.concatenate(emodb[who][6:9]), [Span(0, 99)], known={}).embeddings[0]
        for who in ("08", "03")
    }
    found_s = [0.0, 0.0]
    for turn in separator.label(audio, known=known):
        found_s[turn.voice] += turn.span.duration_s
    assert found_s[1] == pytest.approx(sum(span.duration_s for span in second), rel=0.3)
    assert found_s[0] > 0


def test_windows_of_a_long_recording_are_those_of_its_parts(separator, emodb):
    embedder = separator._embedder
    assert isinstance(embedder, WindowEmbedder)
    audio = np.concatenate([piece for pieces in emodb.values() for piece in pieces])[: 40 * SAMPLE_RATE_HZ]
    long = embedder.embed(audio, whole(audio))
    part = embedder.embed(audio[: 10 * SAMPLE_RATE_HZ], [Span(0.0, 10.0)])
    same = int((part.centres_s < 9).sum())
    np.testing.assert_allclose(long.embeddings[:same], part.embeddings[:same], atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(long.embeddings, axis=1), 1, atol=1e-4)
