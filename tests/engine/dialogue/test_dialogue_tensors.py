"""A dialogue's states between named tensors and a batch."""

import numpy as np
import pytest
import torch

from engine.dialogue.causal import CausalDialogue
from engine.dialogue.tensors import owns, pack, unpack
from engine.dialogue.wave import Turn, advance
from engine.errors import SnapshotMismatch

WIDTH = 3


def turn(speaker: str, value: float) -> Turn:
    return Turn(speaker, torch.full((1, WIDTH), value), torch.full((1, WIDTH), -value))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return CausalDialogue(width=WIDTH).eval()


@pytest.fixture
def state(model):
    (after,) = advance(model, [{}], [[turn("ann", 1.0), turn("bob", 2.0)]], [()])
    return dict(after.tensors)


def test_a_new_dialogue_starts_at_zero():
    states, rosters = pack([{}], [("ann",)], [("bob",)], width=WIDTH, like=torch.zeros(()))
    assert rosters == (("ann", "bob"),)
    assert not any(field.any() for field in states[:6])
    assert states.announced.tolist() == [[True, False]]
    assert not states.spoken.any()


def test_names_and_shapes(state):
    assert {name: array.shape for name, array in state.items()} == {
        "context": (WIDTH,),
        "attention_sum": (WIDTH,),
        "attention_weight": (),
        "emotion": (WIDTH,),
        "silent_listener": (WIDTH,),
        "speaker/ann": (WIDTH,),
        "speaker/bob": (WIDTH,),
    }
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


def test_who_has_not_spoken_sits_at_the_silent_state(state):
    states, rosters = pack([state], [("eve", "ann")], [("new",)], width=WIDTH, like=torch.zeros(()))
    assert rosters == (("ann", "bob", "eve", "new"),)
    assert states.spoken.tolist() == [[True, True, False, False]]
    assert states.announced.tolist() == [[True, False, True, False]]
    for slot in (2, 3):
        np.testing.assert_array_equal(states.speakers[0, slot], state["silent_listener"])


def test_an_announced_participant_who_is_silent_needs_no_tensor(model):
    (after,) = advance(model, [{}], [[turn("ann", 1.0)]], [("ann", "eve")])
    assert "speaker/eve" not in after.tensors
    assert "speaker/ann" in after.tensors


def test_foreign_names_pass_through(model, state):
    foreign = {"centroid/ann": np.arange(4), "recent/u": np.ones((2, WIDTH))}
    (after,) = advance(model, [{**state, **foreign}], [[turn("ann", 0.5)]], [()])
    assert {name for name in after.tensors if not owns(name)} == set(foreign)
    assert all(after.tensors[name] is foreign[name] for name in foreign)
    assert not np.array_equal(after.tensors["emotion"], state["emotion"])


def test_foreign_names_alone_are_a_new_dialogue(model):
    foreign = {"centroid/ann": np.arange(4)}
    (first,) = advance(model, [foreign], [[turn("ann", 0.5)]], [()])
    (bare,) = advance(model, [{}], [[turn("ann", 0.5)]], [()])
    np.testing.assert_array_equal(first.tensors["emotion"], bare.tensors["emotion"])


def test_the_state_that_came_is_not_written_to(model, state):
    before = {name: array.copy() for name, array in state.items()}
    for array in state.values():
        array.setflags(write=False)
    advance(model, [state], [[turn("ann", 0.5)]], [()])
    for name, array in state.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_dialogue_without_a_turn_keeps_its_tensors(model, state):
    after, other = advance(model, [state, {}], [[], [turn("ann", 1.0)]], [(), ()])
    assert after.tensors is state
    assert after.logits.shape == (0, 1, 7)
    assert other.logits.shape == (1, 1, 7)
    assert advance(model, [], [], []) == []


@pytest.mark.parametrize("name", ["context", "attention_weight", "speaker/ann"])
def test_a_state_of_another_shape_is_refused(model, state, name):
    with pytest.raises(SnapshotMismatch, match=f"'{name}' has shape"):
        advance(model, [{**state, name: np.zeros(WIDTH + 1, np.float32)}], [[turn("ann", 1.0)]], [()])


def test_half_a_state_is_refused(model, state):
    del state["silent_listener"]
    with pytest.raises(SnapshotMismatch, match="no 'silent_listener'"):
        advance(model, [state], [[turn("ann", 1.0)]], [()])


def test_a_state_that_is_not_finite_is_refused(model, state):
    with pytest.raises(SnapshotMismatch, match="not finite"):
        advance(model, [{**state, "emotion": np.full(WIDTH, np.nan, np.float32)}], [[turn("ann", 1.0)]], [()])


def test_what_ifs_leave_no_trace(model, state):
    real = [turn("ann", 1.0), turn("bob", 0.3)]
    asked = [
        Turn(one.speaker, torch.cat([one.u, torch.zeros(2, WIDTH)]), torch.cat([one.v, torch.ones(2, WIDTH)]))
        for one in real
    ]
    (plain,) = advance(model, [state], [real], [()])
    (with_questions,) = advance(model, [state], [asked], [()])
    assert with_questions.logits.shape == (2, 3, 7)
    torch.testing.assert_close(with_questions.logits[:, :1], plain.logits)
    torch.testing.assert_close(with_questions.logits[:, 1], with_questions.logits[:, 2])
    assert not torch.allclose(with_questions.logits[:, 0], with_questions.logits[:, 1])
    for name, array in plain.tensors.items():
        np.testing.assert_allclose(with_questions.tensors[name], array, rtol=0, atol=1e-6)


def test_a_turn_without_versions_is_refused(model):
    with pytest.raises(ValueError, match=r"u \[3\]"):
        advance(model, [{}], [[Turn("ann", torch.zeros(WIDTH), torch.zeros(WIDTH))]], [()])


def test_unpack_writes_only_who_has_spoken():
    states, rosters = pack([{}], [("eve",)], [()], width=WIDTH, like=torch.zeros(()))
    (named,) = unpack(states, rosters)
    assert not [name for name in named if name.startswith("speaker/")]
