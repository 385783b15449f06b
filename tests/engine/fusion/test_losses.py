"""What the models are trained on: each loss can be left out, and classes and values are learned together."""

from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy

from engine.errors import ConfigurationError
from engine.fusion.builders import NAMES, fusion
from engine.fusion.losses import concordance, concordance_loss, own_loss, similarity
from tests.engine.fusion.small import ATTSF, LENGTHS, WIDTHS, batch, randomised

same = partial(torch.testing.assert_close, rtol=0, atol=1e-12)
TARGET = torch.tensor([0, 3, 1, 6, 2, 2])
VALUES = torch.tanh(torch.randn(len(LENGTHS), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5)))
AUDIO_THERE = torch.tensor([a > 0 for a, _ in LENGTHS])
VIDEO_THERE = torch.tensor([v > 0 for _, v in LENGTHS])
PRESENT = {"audio_present": AUDIO_THERE, "video_present": VIDEO_THERE}


def attsf(**numbers):
    return randomised(fusion("attsf", **WIDTHS, **ATTSF, **numbers))


def parts(fused):
    """The losses of eqs 17 and 18 one by one."""
    said = fused.branches
    rows = {"audio": AUDIO_THERE, "video": VIDEO_THERE}
    each = {name: cross_entropy(said[f"{name}_logits"][there], TARGET[there]) for name, there in rows.items()}
    apart = [similarity(said[name][there], said["token"][there], over="batch") for name, there in rows.items()]
    return cross_entropy(fused.logits, TARGET), each["audio"], each["video"], 0.5 * sum(apart)


@pytest.mark.parametrize("off", [None, "audio_loss", "video_loss", "similarity_loss"])
def test_a_weight_of_0_leaves_its_loss_out(off):
    weights = {"audio_loss": 0.5, "video_loss": 0.5, "similarity_loss": 0.3} | ({off: 0.0} if off else {})
    module = attsf(**weights)
    fused = module.fuse(*batch())
    main, *others = parts(fused)
    expected = main + sum(weight * part for weight, part in zip(weights.values(), others, strict=True))
    loss = own_loss(fused, TARGET, **PRESENT)
    same(loss, expected)
    torch.autograd.backward(loss)
    heads = {"audio_loss": module.audio_head.weight, "video_loss": module.video_head.weight,
             "similarity_loss": module.token}  # fmt: skip
    for name, parameter in heads.items():
        assert (parameter.grad is None) == (name == off)


def test_the_published_weights_are_the_default():
    fused = attsf().fuse(*batch())
    main, of_audio, of_video, apart = parts(fused)
    same(own_loss(fused, TARGET, **PRESENT), main + 0.5 * of_audio + 0.5 * of_video + 0.3 * apart)


def test_gaussians_over_features():
    fused = attsf(similarity_over="features", audio_loss=0.0, video_loss=0.0).fuse(*batch())
    said = fused.branches
    apart = [
        similarity(said[name][there], said["token"][there], over="features")
        for name, there in (("audio", AUDIO_THERE), ("video", VIDEO_THERE))
    ]
    same(own_loss(fused, TARGET, **PRESENT), cross_entropy(fused.logits, TARGET) + 0.15 * sum(apart))


@pytest.mark.parametrize("off", [{"audio_auxiliary": False}, {"video_auxiliary": False}, {"sab_layers": 0}])
def test_a_branch_that_is_not_there_has_no_loss(off):
    numbers = ATTSF | off
    fused = randomised(fusion("attsf", **WIDTHS, **numbers)).fuse(*batch())
    weightless = {"audio_auxiliary": "audio_loss", "video_auxiliary": "video_loss", "sab_layers": "similarity_loss"}
    again = randomised(fusion("attsf", **WIDTHS, **numbers, **{weightless[next(iter(off))]: 0.0})).fuse(*batch())
    same(own_loss(fused, TARGET, **PRESENT), own_loss(again, TARGET, **PRESENT))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("affect", [False, True])
def test_every_model_learns_values(name, affect):
    """In place of classes and beside them; utterances of one modality or the other, none of it NaN."""
    task = {"classes": 7} if affect else {"regression": True, "classes": 2}
    module = fusion(name, **WIDTHS, affect=affect, **task).double().train()
    fused = module.fuse(*batch())
    values = fused.affect if affect else fused.logits
    assert values.shape == (len(LENGTHS), 2)
    assert values.abs().max() <= 1
    loss = own_loss(fused, TARGET, **PRESENT, affect=VALUES) if affect else own_loss(fused, VALUES, **PRESENT)
    torch.autograd.backward(loss)
    assert loss.isfinite()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_who_has_no_values_teaches_none():
    fused = randomised(fusion("avafn", **WIDTHS, affect=True)).fuse(*batch())
    known = torch.tensor([True, False, True, True, False, True])
    some = VALUES.masked_fill(~known[:, None], torch.nan)
    classes = cross_entropy(fused.logits, TARGET)
    same(
        own_loss(fused, TARGET, **PRESENT, affect=some, affect_weight=0.7),
        classes + 0.7 * concordance_loss(fused.affect[known], VALUES[known]),
    )
    same(own_loss(fused, TARGET, **PRESENT, affect=torch.full_like(VALUES, torch.nan)), classes)


def test_values_of_affect_need_a_model_that_says_them():
    fused = randomised(fusion("avafn", **WIDTHS)).fuse(*batch())
    with pytest.raises(ConfigurationError, match="build it with affect"):
        own_loss(fused, TARGET, **PRESENT, affect=VALUES)
    with pytest.raises(ConfigurationError, match="leave one of the two out"):
        fusion("attsf", **WIDTHS, **ATTSF, text_width=3, affect=True)


def test_classes_and_affect_are_learned_together():
    """The class is the sign of a sum over both modalities, valence is in the voice, arousal in the face.

    One utterance in three says nothing of its affect while learning.
    """
    torch.manual_seed(0)
    audio, video = torch.randn(600, 2, 3), torch.randn(600, 2, 3)
    there = torch.ones(600, 2, dtype=torch.bool)
    affect = torch.stack([torch.tanh(audio[:, :, 0].mean(1)), torch.tanh(video[:, :, 1].mean(1))], dim=1)
    target = ((audio[:, :, 2] + video[:, :, 2]).mean(1) > 0).long()
    known = affect.masked_fill((torch.arange(600) % 3 == 0)[:, None], torch.nan)
    model = fusion("avafn", audio_width=3, video_width=3, width=16, classes=2, affect=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    learn, held = slice(0, 400), slice(400, 600)
    for _ in range(120):
        fused = model.fuse(audio[learn], there[learn], video[learn], there[learn])
        present = {"audio_present": there[learn, 0], "video_present": there[learn, 0]}
        optimizer.zero_grad()
        torch.autograd.backward(own_loss(fused, target[learn], **present, affect=known[learn]))
        optimizer.step()
    with torch.no_grad():
        said = model.eval().fuse(audio[held], there[held], video[held], there[held])
    assert (said.logits.argmax(1) == target[held]).double().mean() > 0.9
    assert concordance(said.affect, affect[held]).min() > 0.8
