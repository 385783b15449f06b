"""The decision of a stream that looks again, and the models that serve it."""

import numpy as np
import pytest
import torch

from engine import snapshot
from engine.decision import at_once, decision, looking_again
from engine.dialogue import recent
from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.signals import StepRequest, Utterance

WIDTH = 6
SPEAKERS = "ABBACA"
AHEAD = 2


@pytest.fixture
def states():
    torch.manual_seed(0)
    made = looking_again(decision({"width": WIDTH, "dropout": 0.5}), turns_ahead=AHEAD, dropout=0.5)
    for module in made.modules.values():
        module.eval()
    return made


def fused(turns):
    generator = torch.Generator().manual_seed(3)
    u, v, logits = (torch.randn(turns, width, generator=generator) for width in (WIDTH, WIDTH, 7))
    return Fused(u=u, v=v, logits=logits)


def request(tensors, first, last, *, ended=False):
    spoken = enumerate(SPEAKERS[first:last], start=first)
    return StepRequest(tensors, tuple(Utterance(name, None, None, place) for place, name in spoken), ended=ended)


def rows(heard, first, last):
    return Fused(u=heard.u[first:last], v=heard.v[first:last], logits=heard.logits[first:last])


@torch.no_grad()
@pytest.mark.parametrize("cuts", [(6,), (1, 2, 3, 4, 5, 6), (2, 3, 6), (5, 6)])
def test_a_stream_in_any_pieces_looks_again_as_training_does(states, cuts):
    heard = fused(6)
    slots = torch.tensor([["ABC".index(name) for name in SPEAKERS]])
    u, v = states.padded(heard, torch.ones(1, 6, dtype=torch.bool))
    _, emotion = states.dialogue(u, v, slots, torch.tensor([6]))
    whole = states.revision(u, v, slots, emotion, torch.tensor([6]))[0]

    tensors, numbers, logits = {}, [], []
    for first, last in zip((0, *cuts), (*cuts, 6), strict=True):
        asked = request(snapshot.decode(snapshot.encode(tensors)), first, last, ended=first == last)
        decided = states.stream([asked], [rows(heard, first, last)])
        (tensors,), (looked,) = decided.tensors, decided.looked
        assert len(recent.numbers(tensors)) <= AHEAD
        numbers += looked.numbers
        logits.append(looked.logits)
    assert numbers == [0, 1, 2, 3, 4]
    assert not recent.numbers(tensors)
    torch.testing.assert_close(torch.cat(logits), whole[:5], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_what_might_have_been_is_not_looked_at_again(states):
    heard = fused(6)
    other = Fused(u=heard.u + 1, v=heard.v - 1, logits=heard.logits)
    alone = states.stream([request({}, 0, 6)], [heard])
    beside = states.stream([request({}, 0, 6)], [heard, other, other])
    torch.testing.assert_close(beside.looked[0].logits, alone.looked[0].logits)


@torch.no_grad()
def test_turned_off_nothing_waits_and_what_waited_is_dropped(states):
    (waiting,) = states.stream([request({}, 0, 2)], [fused(2)]).tensors
    assert recent.numbers(waiting) == {0, 1}
    plain = at_once(states)
    decided = plain.stream([request(waiting, 2, 3)], [fused(1)])
    assert not decided.looked
    assert not recent.numbers(decided.tensors[0])
    stepped = states.stream([request(waiting, 2, 3)], [fused(1)])
    torch.testing.assert_close(decided.logits, stepped.logits)
    for name, tensor in decided.tensors[0].items():
        np.testing.assert_array_equal(tensor, stepped.tensors[0][name])


def test_the_cells_are_a_part_of_their_own(states):
    assert set(states.modules) == {"dialogue", "revision"}
    assert set(at_once(states).modules) == {"dialogue"}
    alone = decision({"name": "none"})
    assert at_once(alone) is alone
    with pytest.raises(ConfigurationError, match="the utterance alone decides"):
        looking_again(alone, turns_ahead=1)
