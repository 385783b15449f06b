"""Laws of every fusion model: neighbours, padding and an absent modality change nothing that they should not."""

import math

import pytest
import torch

from engine.fusion import builders
from engine.fusion.attsf import Attsf
from engine.fusion.avt_ca import AvtCa

AUDIO, VIDEO, D = 5, 7, 4
LENGTHS = [(5, 4), (3, 2), (4, 0), (0, 4), (0, 0), (1, 1), (2, 5)]
WIDTHS = {"audio_width": AUDIO, "video_width": VIDEO}
ATTSF = {"width": D, "length": 5, "heads": 2, "feed_forward_width": 6, "avam_feed_forward_width": 5,
         "cmb_layers": 2, "sab_layers": 2, "avam_layers": 1, "dropout": 0.0}  # fmt: skip
AVT_CA = {"width": D, "feed_forward_width": 6, "transformer_heads": 2, "cross_heads": 2, "dropout": 0.0}
RJCA = {"width": D, "hidden": 3, "lstm_layers": 1, "inner_width": 3}
TCA = {"width": D, "heads": 2, "feed_forward_width": 6}

MODELS = {
    "avafn": lambda: builders.avafn(**WIDTHS, width=D, feed_forward_width=6),
    "avafn, one vector": lambda: builders.avafn(**WIDTHS, width=D, feed_forward_width=6, pool_first=True),
    "avafn, no CAM": lambda: builders.avafn(**WIDTHS, width=D, attend=False),
    "avafn, affect": lambda: builders.fusion("avafn", **WIDTHS, width=D, feed_forward_width=6, affect=True),
    "avafn, regression": lambda: builders.avafn(**WIDTHS, width=D, feed_forward_width=6, regression=True, classes=2),
    "avt-ca": lambda: AvtCa(**WIDTHS, **AVT_CA),
    "avt-ca, own attention": lambda: AvtCa(**WIDTHS, **AVT_CA, own="attention"),
    "avt-ca, IT-1": lambda: AvtCa(**WIDTHS, **(AVT_CA | {"transformer_heads": 1, "cross_heads": None})),
    "avt-ca, IT-4": lambda: AvtCa(**WIDTHS, **(AVT_CA | {"transformer_heads": 4, "cross_heads": None})),
    "avt-ca, CT-4": lambda: AvtCa(**WIDTHS, **(AVT_CA | {"transformer_heads": None, "cross_heads": 4})),
    "avt-ca, CT-1": lambda: AvtCa(**WIDTHS, **(AVT_CA | {"transformer_heads": None, "cross_heads": 1})),
    "attsf": lambda: Attsf(**WIDTHS, **ATTSF),
    "attsf-l2": lambda: Attsf(**WIDTHS, **ATTSF, join="l2"),
    "attsf-gat": lambda: Attsf(**WIDTHS, **ATTSF, join="gat"),
    "attsf, text": lambda: Attsf(**WIDTHS, **ATTSF, text_width=3),
    "attsf, no auxiliary audio": lambda: Attsf(**WIDTHS, **ATTSF, audio_auxiliary=False),
    "attsf, no auxiliary video": lambda: Attsf(**WIDTHS, **ATTSF, video_auxiliary=False, join="gat"),
    "attsf, no SAB": lambda: Attsf(**WIDTHS, **(ATTSF | {"sab_layers": 0})),
    "attsf, no CMB": lambda: Attsf(**WIDTHS, **(ATTSF | {"cmb_layers": 0})),
    "attsf, nothing but the way in": lambda: Attsf(
        **WIDTHS, **(ATTSF | {"cmb_layers": 0, "sab_layers": 0, "avam_layers": 0}), join=None
    ),
    "ca": lambda: builders.ca(**WIDTHS, width=D),
    "ca, gate": lambda: builders.ca(**WIDTHS, width=D, gate=True),
    "tca": lambda: builders.tca(**WIDTHS, **TCA),
    "tca, gate": lambda: builders.tca(**WIDTHS, **TCA, gate=True),
    "jca": lambda: builders.jca(**WIDTHS, width=D, inner_width=3),
    "jca, gate": lambda: builders.jca(**WIDTHS, width=D, inner_width=3, gate=True),
    "rjca": lambda: builders.rjca(**WIDTHS, **RJCA),
    "rjca, gate, causal": lambda: builders.rjca(**WIDTHS, **RJCA, gate=True, causal=True),
    "rjca, regression": lambda: builders.rjca(**WIDTHS, **RJCA, regression=True, classes=2),
}

every_model = pytest.mark.parametrize("name", MODELS)


def model(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    made = MODELS[name]().double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return made.eval()


def batch(lengths=LENGTHS, padding: float = 99.0):
    made = torch.Generator().manual_seed(1)
    result = []
    for width, own in ((AUDIO, [a for a, _ in lengths]), (VIDEO, [v for _, v in lengths])):
        tokens = torch.full((len(own), 6, width), padding, dtype=torch.float64)
        mask = torch.arange(6) < torch.tensor(own)[:, None]
        for row, length in enumerate(own):
            tokens[row, :length] = torch.randn(6, width, dtype=torch.float64, generator=made)[:length]
        result += [tokens, mask]
    return tuple(result)


def close(a, b, atol: float = 1e-12) -> None:
    for part in ("u", "v", "logits"):
        torch.testing.assert_close(getattr(a, part), getattr(b, part), rtol=0, atol=atol)
    if a.affect is not None:
        torch.testing.assert_close(a.affect, b.affect, rtol=0, atol=atol)
    assert a.gate.keys() == b.gate.keys()
    for key in a.gate:
        torch.testing.assert_close(a.gate[key], b.gate[key], rtol=0, atol=atol)


@every_model
def test_shapes(name):
    made = model(name)
    fused = made.fuse(*batch())
    assert fused.u.shape == fused.v.shape == (len(LENGTHS), made.width)
    assert fused.logits.shape[0] == len(LENGTHS)
    assert all(weight.shape == (len(LENGTHS),) for weight in fused.gate.values())


@every_model
def test_a_batch_equals_its_utterances_alone(name):
    made = model(name)
    audio, audio_mask, video, video_mask = batch()
    together = made.fuse(audio, audio_mask, video, video_mask)
    for row, (a, v) in enumerate(LENGTHS):
        alone = made.fuse(
            *(part[row : row + 1, :n] for part, n in ((audio, a), (audio_mask, a), (video, v), (video_mask, v)))
        )
        for part in ("u", "v", "logits"):
            torch.testing.assert_close(getattr(alone, part)[0], getattr(together, part)[row], rtol=0, atol=1e-12)
        for key, weight in alone.gate.items():
            torch.testing.assert_close(weight[0], together.gate[key][row], rtol=0, atol=1e-12)


@every_model
@pytest.mark.parametrize("padding", [0.0, -1e30, math.nan])
def test_padding_changes_nothing(name, padding):
    made = model(name)
    close(made.fuse(*batch(padding=padding)), made.fuse(*batch()), atol=0)


@every_model
@pytest.mark.parametrize("lengths", [[(4, 0)], [(0, 4)], [(0, 0)], LENGTHS])
def test_a_missing_modality_gives_no_nan_forward_or_backward(name, lengths):
    made = model(name).train()
    tokens = batch(lengths, padding=math.nan)
    for part in (tokens[0], tokens[2]):
        part.requires_grad_()
    fused = made.fuse(*tokens)
    said = [*fused.branches.values(), *fused.gate.values()]
    (fused.logits.square().sum() + fused.v.square().sum() + sum(part.square().sum() for part in said)).backward()
    gradients = [part.grad for part in (*made.parameters(), tokens[0], tokens[2]) if part.grad is not None]
    assert gradients
    assert all(value.isfinite().all() for value in (fused.u, fused.v, fused.logits, *said, *gradients))


@every_model
def test_what_is_absent_adds_nothing_to_what_is_said(name):
    """Without any modality `u` and `v` are 0; without a picture `v` is 0; `v` holds nothing of the audio."""
    made = model(name)
    audio, audio_mask, video, video_mask = batch()
    fused = made.fuse(audio, audio_mask, video, video_mask)
    nothing, no_picture = LENGTHS.index((0, 0)), LENGTHS.index((4, 0))
    assert not fused.u[nothing].any()
    assert not fused.v[nothing].any()
    assert not fused.v[no_picture].any()
    louder = made.fuse(audio + 1, audio_mask, video, video_mask)
    torch.testing.assert_close(louder.v, fused.v, rtol=0, atol=0)


@every_model
def test_each_modality_alone_is_heard(name):
    """Without the other, what is said still follows the tokens of the one that is there."""
    made = model(name)
    for lengths in ([(4, 0)], [(0, 4)]):
        audio, audio_mask, video, video_mask = batch(lengths)
        before = made.fuse(audio, audio_mask, video, video_mask).logits
        assert (made.fuse(audio + 0.3, audio_mask, video - 0.3, video_mask).logits - before).abs().max() > 1e-6


@every_model
def test_gradients(name):
    made = model(name)
    audio, audio_mask, video, video_mask = batch([(2, 3), (2, 0)])
    audio, video = audio[:, :3].clone().requires_grad_(), video[:, :3].clone().requires_grad_()

    def logits(audio, video):
        return made.fuse(audio, audio_mask[:, :3], video, video_mask[:, :3]).logits

    assert torch.autograd.gradcheck(logits, (audio, video), eps=1e-6, atol=1e-5)


LENGTHS_OF = {"attsf": "length", "ca": "clips_most", "tca": "clips_most", "jca": "clips_most", "rjca": "clips_most"}


@pytest.mark.parametrize("name", builders.NAMES)
def test_no_weight_has_a_side_of_the_sequences_length(name):
    """Whatever the length, the weights have the same shapes, and one model takes utterances of any length."""
    named = LENGTHS_OF.get(name.split("+")[0].split("-")[0])
    shapes = []
    for length in (37, 41):
        made = builders.fusion(name, **WIDTHS, **({} if named is None else {named: length})).double().eval()
        shapes.append({key: tuple(weight.shape) for key, weight in made.state_dict().items()})
        assert not {37, 41} & {side for shape in shapes[-1].values() for side in shape}
        for steps in (1, 37, 41):
            tokens = [torch.randn(1, steps, width, dtype=torch.float64) for width in (AUDIO, VIDEO)]
            mask = torch.ones(1, steps, dtype=torch.bool)
            assert made.fuse(tokens[0], mask, tokens[1], mask).logits.isfinite().all()
    assert shapes[0] == shapes[1]
