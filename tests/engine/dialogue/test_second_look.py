"""Turns wait as tensors until the next K are known, then each is read from its window, in whatever pieces they came."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import snapshot
from engine.dialogue import recent
from engine.dialogue.recent import Recent
from engine.dialogue.revision import Revision
from engine.dialogue.second_look import look_again
from engine.errors import SnapshotMismatch
from tests.engine.dialogue import naive

WIDTH = 4
SPEAKERS = ("ann", "bob", "a/b")
conversations = st.lists(st.sampled_from(SPEAKERS), min_size=1, max_size=9)


def model(ahead):
    torch.manual_seed(0)
    return Revision(width=WIDTH, turns_ahead=ahead).eval()


def turns(names, *, seed=0):
    rows = np.random.default_rng(seed).normal(size=(len(names), 3, WIDTH)).astype(np.float32)
    # Turns without speech or withheld have numbers too: these are not one after the other.
    return [Recent(2 * place + 1, name, *row) for place, (name, row) in enumerate(zip(names, rows, strict=True))]


def equations(revision, heard, place, last):
    """The logits of one turn by the written-out equations over its window, in float64."""
    window = heard[place : last + 1]
    u, v = (np.array([getattr(turn, part) for turn in window], np.float64) for part in "uv")
    back = naive.window_emotion(revision.cells, u, v, [turn.speaker for turn in window])
    weights = naive.weights_of(revision.classifier)
    return weights["weight"] @ np.concatenate([heard[place].emotion, back]) + weights["bias"]


def streamed(revision, heard, cuts):
    """Numbers and logits of all second looks at turns that come in pieces, through bytes each time."""
    state, numbers, logits = b"", [], []
    pieces = [heard[start:end] for start, end in zip((0, *cuts), (*cuts, len(heard)), strict=True)]
    for piece in [*pieces, []]:
        known = recent.unpack(snapshot.decode(state), width=WIDTH)
        (looked,) = look_again(revision, [[*known, *piece]], [piece == []])
        assert len(looked.recent) <= revision.turns_ahead
        state = snapshot.encode(recent.pack(looked.recent))
        numbers += looked.numbers
        logits.append(looked.logits)
    assert state == b""
    return numbers, torch.cat(logits).numpy()


@settings(max_examples=30, deadline=None)
@given(conversations, st.sampled_from([1, 2, 4]), st.data())
def test_in_any_pieces_every_turn_but_the_last_is_read_once_from_its_window(names, ahead, data):
    revision, heard = model(ahead), turns(names)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(names)).filter(lambda cut: cut < len(names)), max_size=3)))
    numbers, logits = streamed(revision, heard, cuts)
    assert numbers == [turn.number for turn in heard[:-1]]
    for place, got in enumerate(logits):
        expected = equations(revision, heard, place, min(place + ahead, len(heard) - 1))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_dialogues_of_a_wave_do_not_hear_each_other():
    revision = model(2)
    talks = [turns(["ann", "bob", "ann", "bob"]), turns(["bob"], seed=1), turns(["ann", "bob"], seed=2), []]
    over = [False, True, True, True]
    together = look_again(revision, talks, over)
    assert [one.numbers for one in together] == [(1, 3), (), (1,), ()]
    assert [[turn.number for turn in one.recent] for one in together] == [[5, 7], [], [], []]
    for talk, ended, found in zip(talks, over, together, strict=True):
        (alone,) = look_again(revision, [talk], [ended])
        torch.testing.assert_close(found.logits, alone.logits, rtol=0, atol=1e-6)


@given(conversations)
def test_kept_turns_come_back_bit_for_bit(names):
    heard = turns(names)
    back = recent.unpack(snapshot.decode(snapshot.encode(recent.pack(heard))), width=WIDTH)
    assert [(turn.number, turn.speaker) for turn in back] == [(turn.number, turn.speaker) for turn in heard]
    for ours, theirs in zip(heard, back, strict=True):
        for part in ("u", "v", "emotion"):
            assert getattr(ours, part).tobytes() == getattr(theirs, part).tobytes()
    assert recent.numbers(recent.pack(heard)) == {turn.number for turn in heard}


def test_what_is_not_of_recent_turns_is_left_alone():
    others = {"speaker/ann": np.ones(2, np.float32), "context": np.ones(2, np.float32)}
    assert recent.without({**others, **recent.pack(turns(["ann"]))}) == others
    assert recent.unpack(others, width=WIDTH) == []
    assert recent.numbers(others) == frozenset()


@pytest.mark.parametrize(
    "rows", [None, np.zeros((2, 3, WIDTH), np.float32), np.full((1, 3, WIDTH), np.nan, np.float32)]
)
def test_a_state_that_does_not_fit_is_refused(rows):
    kept = dict(recent.pack(turns(["ann"])))
    if rows is None:
        del kept["recent/ann"]
    else:
        kept["recent/ann"] = rows
    with pytest.raises(SnapshotMismatch, match="'recent/ann' does not hold u, v and E"):
        recent.unpack(kept, width=WIDTH)
