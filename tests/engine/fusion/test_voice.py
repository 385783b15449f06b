import pytest
import torch

from engine.errors import ConfigurationError
from engine.fusion.builders import VOICE, fusion

NOTHING = torch.zeros(3, 0, 0), torch.zeros(3, 0, dtype=torch.bool)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return fusion(VOICE, audio_width=5, width=4).eval()


def test_padding_and_pictures_change_nothing(model):
    tokens = torch.randn(3, 6, 5)
    mask = torch.arange(6) < torch.tensor([[6], [2], [4]])
    together = model.fuse(tokens.masked_fill(~mask[..., None], torch.nan), mask, *NOTHING)
    seen = torch.randn(1, 3, 7), torch.ones(1, 3, dtype=torch.bool)
    for row, length in enumerate((6, 2, 4)):
        alone = model.fuse(tokens[row : row + 1, :length], mask[row : row + 1, :length], *seen)
        torch.testing.assert_close(alone.u[0], together.u[row])
        torch.testing.assert_close(alone.logits[0], together.logits[row])
    assert not together.v.any()


def test_who_is_not_heard_is_zero_and_teaches_nothing_wrong(model):
    mask = torch.tensor([[True, True], [False, False], [True, False]])
    tokens = torch.randn(3, 2, 5)
    fused = model.fuse(tokens, mask, *NOTHING)
    assert not fused.u[1].any()
    assert fused.u[2].any()
    fused.logits.sum().backward()
    assert all(one.grad.isfinite().all() for one in model.parameters())


def test_it_has_no_number_of_a_face():
    with pytest.raises(ConfigurationError, match="voice has no video_width"):
        fusion(VOICE, audio_width=5, video_width=5)
