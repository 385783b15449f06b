import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadMedia, ConfigurationError
from engine.ingest.endpoint import Endpointer, EndpointSettings
from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ

RECORDINGS = Path(__file__).parents[4] / "shared" / "data" / "diarization"
QUICK = EndpointSettings(longest_s=5.0, search_s=2.0, restart_s=3.0)


def syllables(duration_s, seed=0):
    """A voice by formula: harmonics that glide, four syllables a second, noise beneath."""
    random = np.random.default_rng(seed)
    t = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * 130 * (t + 0.004 * np.sin(2 * np.pi * 3 * t))
    formant_hz = 700 + 300 * np.sin(2 * np.pi * 2.5 * t)
    voice = sum(np.exp(-(((k * 130 - formant_hz) / 250) ** 2)) * np.sin(k * phase) for k in range(1, 25))
    loud = 0.2 * np.clip(np.sin(2 * np.pi * 4 * t), 0.05, 1) * voice
    return pcm(loud + random.normal(0, 0.001, len(t)))


def quiet(duration_s, seed=0):
    return pcm(np.random.default_rng(seed).normal(0, 0.001, round(duration_s * SAMPLE_RATE_HZ)))


def pcm(sound):
    return np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def stream():
    """Three utterances, one of them too long, and a silence longer than what is kept."""
    return np.concatenate([quiet(1), syllables(2), quiet(8), syllables(13, 1), quiet(1.5), syllables(1, 2)])


@pytest.fixture(scope="module", params=["trn03.flac", "call40_caller_8k.flac"])
def recording(request):
    path = RECORDINGS / request.param
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/diarization/{path.name}")
    audio = decode(path.read_bytes(), content_type="audio/flac").audio
    return pcm(audio[: 30 * SAMPLE_RATE_HZ])


def cuts(stream, sizes, *, among=QUICK, restore_at=()):
    """The cuts of a stream in chunks; the last size holds on. Restored by value before the chunks named."""
    endpointer, found, at, index = Endpointer(settings=among), [], 0, 0
    while at < len(stream):
        if index in restore_at:
            endpointer = Endpointer.restore(pickle.loads(pickle.dumps(endpointer.state)), settings=among)  # noqa: S301
        size = sizes[min(index, len(sizes) - 1)]
        found += endpointer.feed(stream[at : at + size])
        at, index = at + size, index + 1
    return found + list(endpointer.finish())


def told(found):
    return [(cut.start_s, cut.end_s, cut.reason, cut.samples.tobytes()) for cut in found]


def test_utterances_are_cut_at_pauses_at_the_longest_and_at_the_end(stream):
    found = cuts(stream, [480])
    assert [cut.reason for cut in found] == ["pause", "longest", "longest", "longest", "pause", "end"]
    assert found[0].start_s == pytest.approx(0.5, abs=0.1)
    assert found[0].end_s == pytest.approx(3.2, abs=0.1)
    assert max(cut.end_s - cut.start_s for cut in found) <= QUICK.longest_s
    assert found[-1].end_s == len(stream) / SAMPLE_RATE_HZ


@pytest.mark.parametrize("chunk_ms", [10, 20, 30, 100])
def test_cuts_are_the_same_for_every_size_of_chunk(recording, chunk_ms):
    assert told(cuts(recording, [16 * chunk_ms])) == told(cuts(recording, [len(recording)])) != []


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=30).filter(lambda sizes: sizes[-1] >= 100))
def test_no_chunking_changes_a_cut(stream, sizes):
    assert told(cuts(stream, sizes)) == told(cuts(stream, [len(stream)]))


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=30).filter(lambda sizes: sizes[-1] >= 100),
    restore_at=st.sets(st.integers(0, 40)),
)
def test_a_restored_stream_goes_on_alike(stream, sizes, restore_at):
    assert told(cuts(stream, sizes, restore_at=restore_at)) == told(cuts(stream, [len(stream)]))


def test_a_cut_is_exactly_its_span_and_cuts_lie_apart(recording):
    end_s = 0.0
    for cut in cuts(recording, [1600]):
        assert cut.start_s >= end_s
        start, end_s = round(cut.start_s * SAMPLE_RATE_HZ), cut.end_s
        np.testing.assert_array_equal(cut.samples, recording[start : round(end_s * SAMPLE_RATE_HZ)])


def test_no_sample_of_speech_is_lost(stream):
    found, spoken = cuts(stream, [333]), np.zeros(len(stream), dtype=bool)
    for cut in found:
        spoken[round(cut.start_s * SAMPLE_RATE_HZ) : round(cut.end_s * SAMPLE_RATE_HZ)] = True
    for start_s, end_s in ((1, 3), (11, 24), (25.5, 26.5)):
        # The voice begins and ends with half a syllable of next to nothing.
        assert spoken[round((start_s + 0.03) * SAMPLE_RATE_HZ) : round((end_s - 0.03) * SAMPLE_RATE_HZ)].all()
    assert spoken.mean() < 0.75


def test_streams_side_by_side_do_not_hear_each_other(stream):
    one, other, found = Endpointer(settings=QUICK), Endpointer(settings=QUICK), []
    for at in range(0, len(stream), 1600):
        found += one.feed(stream[at : at + 1600])
        other.feed(syllables(0.1, at))
    assert told([*found, *one.finish()]) == told(cuts(stream, [1600]))


def test_what_a_longest_cut_breaks_off_goes_on_without_a_gap(stream):
    found = cuts(stream, [1600])
    assert found[1].end_s == found[2].start_s
    assert found[2].end_s == found[3].start_s


def test_a_longest_cut_falls_into_the_quietest_place():
    voice = syllables(8)
    dip = slice(round(4.2 * SAMPLE_RATE_HZ), round(4.4 * SAMPLE_RATE_HZ))
    voice[dip] = voice[dip] // 50
    found = cuts(np.concatenate([quiet(0.5), voice, quiet(1)]), [1600])
    assert found[0].reason == "longest"
    assert 4.7 <= found[0].end_s <= 4.9


def test_endless_silence_is_let_go():
    endpointer, most = Endpointer(settings=QUICK), 0
    for second in range(60):
        assert endpointer.feed(quiet(1, second)) == ()
        most = max(most, len(endpointer.state.samples))
    assert most <= (QUICK.restart_s + QUICK.warm_up_s + 1) * SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    "sound",
    [
        pcm(0.3 * np.sin(2 * np.pi * 440 * np.arange(20 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)),
        pcm(np.random.default_rng(1).normal(0, 0.1, 20 * SAMPLE_RATE_HZ)),
        np.zeros(20 * SAMPLE_RATE_HZ, dtype=np.int16),
        np.zeros(0, dtype=np.int16),
    ],
    ids=["tone", "noise", "digital silence", "nothing"],
)
def test_what_is_no_speech_makes_no_utterance(sound):
    assert cuts(sound, [1600]) == []


def test_the_origin_moves_the_times_and_nothing_else(stream):
    moved = Endpointer(settings=QUICK, origin_s=100.0)
    found = [*moved.feed(stream), *moved.finish()]
    here = cuts(stream, [len(stream)])
    assert [cut.start_s for cut in found] == pytest.approx([cut.start_s + 100 for cut in here])
    assert [cut.samples.tobytes() for cut in found] == [cut.samples.tobytes() for cut in here]


def test_after_the_end_a_stream_may_go_on():
    endpointer = Endpointer(settings=QUICK)
    endpointer.feed(syllables(1.5))
    (first,) = endpointer.finish()
    endpointer.feed(syllables(1.5, 1))
    (second,) = endpointer.finish()
    assert second.start_s >= 1.5 >= first.end_s


@pytest.mark.parametrize("samples", [np.zeros(10, dtype=np.float32), np.zeros((10, 2), dtype=np.int16)])
def test_another_kind_of_samples_is_refused(samples):
    with pytest.raises(BadMedia, match="int16 samples of one channel"):
        Endpointer(settings=QUICK).feed(samples)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_ms": 25},
        {"aggressiveness": 4},
        {"enter": 0.2, "leave": 0.2},
        {"padding_after_s": 0.6},
        {"padding_before_s": -0.1},
        {"longest_s": 3.0},
        {"restart_s": 1.0},
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="endpointing"):
        EndpointSettings(**wrong)
