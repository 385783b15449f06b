import numpy as np
import pytest
import torch

from engine.decision import UtteranceAlone, decision
from engine.dialogue.tensors import owns
from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.signals import StepRequest, Utterance

WIDTH = 6
SPEAKERS = "ABBAC"


def fused(turns, seed=0):
    generator = torch.Generator().manual_seed(seed)
    u, v, logits = (torch.randn(turns, width, generator=generator) for width in (WIDTH, WIDTH, 7))
    return Fused(u=u, v=v, logits=logits)


def rows(all_of, chosen):
    return Fused(u=all_of.u[chosen], v=all_of.v[chosen], logits=all_of.logits[chosen])


def request(speakers, tensors):
    return StepRequest(tensors, tuple(Utterance(name, None, None) for name in speakers))


@pytest.fixture(params=["avafn", "none"])
def decides(request):
    torch.manual_seed(0)
    numbers = {"name": "none"} if request.param == "none" else {"width": WIDTH, "classes": 7, "dropout": 0.5}
    made = decision(numbers)
    for module in made.modules.values():
        module.eval()
    return made


@torch.no_grad()
def test_a_stream_in_any_pieces_decides_as_the_whole_dialogue(decides):
    heard = fused(5)
    slots = torch.tensor([["ABC".index(name) for name in SPEAKERS]])
    real, lengths = torch.ones(1, 5, dtype=torch.bool), torch.tensor([5])
    whole = decides.whole(heard, real=real, speakers=slots, lengths=lengths, announced=torch.zeros(1, 3).bool())
    tensors, pieces = {}, []
    for start, end in ((0, 2), (2, 3), (3, 5)):
        decided = decides.stream([request(SPEAKERS[start:end], tensors)], [rows(heard, slice(start, end))])
        (tensors,) = decided.tensors
        pieces.append(decided.logits[:, 0])
    torch.testing.assert_close(torch.cat(pieces), whole, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_what_might_have_been_leaves_no_trace(decides):
    heard, other = fused(3), fused(3, seed=1)
    alone = decides.stream([request("AB", {}), request("C", {})], [heard])
    beside = decides.stream([request("AB", {}), request("C", {})], [heard, other])
    assert beside.logits.shape == (3, 2, 7)
    torch.testing.assert_close(beside.logits[:, :1], alone.logits)
    for ours, theirs in zip(alone.tensors, beside.tensors, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-6)


def test_the_utterance_alone_says_what_the_fusion_says_and_touches_no_state():
    heard = fused(2)
    before = {"context": np.ones(WIDTH, np.float32), "centroid/A": np.zeros(2, np.float32)}
    decided = UtteranceAlone().stream([request("AB", before)], [heard])
    assert decided.tensors == [before]
    torch.testing.assert_close(decided.logits[:, 0], heard.logits)
    assert not UtteranceAlone().modules


def test_the_states_keep_what_is_not_theirs():
    made = decision({"width": WIDTH})
    centroid = np.zeros(2, np.float32)
    (after,) = made.stream([request("A", {"centroid/A": centroid})], [fused(1)]).tensors
    assert after["centroid/A"] is centroid
    assert any(map(owns, after))


def test_a_name_that_is_not_known_is_told():
    with pytest.raises(ConfigurationError, match="no dialogue model is called 'gru'; there are avafn, none"):
        decision({"name": "gru"})
