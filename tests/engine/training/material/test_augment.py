import math

import pytest
import torch

from engine.signals import SAMPLE_RATE_HZ
from engine.training.material import augment
from engine.training.recipe import EVERY_LOOK


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tone(hz, length=16_000):
    return torch.sin(2 * math.pi * hz * torch.arange(length) / SAMPLE_RATE_HZ)


def power(audio):
    return float(audio.square().mean())


@pytest.mark.parametrize(("hz", "heard"), [(50, False), (1000, True), (3000, True), (6000, False)])
def test_a_telephone_lets_its_band_through(hz, heard):
    # Quantisation keeps a floor under what is taken away: a tone inside the band beside it sets the scale.
    both = torch.stack([tone(hz) + tone(1500), tone(1500)])
    through = augment.telephone(both)
    kept = torch.fft.rfft(through[0])[hz].abs() / torch.fft.rfft(both[0])[hz].abs()
    assert (kept > 0.8) == heard
    assert (kept < 0.1) != heard


def test_mu_law_adds_noise_far_below_the_voice():
    clean = 0.01 * tone(1000)[None]
    error = augment.telephone(clean) - clean
    assert 0 < power(error) < power(clean) / 300


def test_voices_change_and_the_seed_says_how():
    clean = tone(300).repeat(8, 1)
    first = augment.voices(clean.clone(), chance=1.0, generator=generator(1))
    again = augment.voices(clean.clone(), chance=1.0, generator=generator(1))
    other = augment.voices(clean.clone(), chance=1.0, generator=generator(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == clean.shape
    assert torch.isfinite(first).all()


def test_speed_shortens_and_raises_the_pitch():
    fast = augment.at_speed(tone(400), speed=1.25)
    assert len(fast) == 12_800
    assert int(torch.fft.rfft(fast).abs().argmax()) * SAMPLE_RATE_HZ / len(fast) == pytest.approx(500, abs=2)


def test_masks_hide_at_most_what_was_asked():
    frames = torch.ones(16, 100, 40)
    masked = augment.masked_bands(frames, generator=generator(), time_frames=10, bands=5)
    assert frames.min() == 1
    hidden_frames = (masked.sum(dim=2) == 0).sum(dim=1)
    hidden_bands = (masked.sum(dim=1) == 0).sum(dim=1)
    assert hidden_frames.max() <= 20
    assert hidden_bands.max() <= 10
    assert 0 < (masked == 0).float().mean() < 0.5


def test_faces_keep_size_and_range():
    images = torch.rand(32, 48, 48, generator=generator(5))
    changed = augment.faces(images, generator=generator())
    assert changed.shape == images.shape
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert not torch.allclose(changed, images)
    assert torch.equal(changed, augment.faces(images, generator=generator()))


def test_a_face_that_nothing_is_done_to_is_as_it_was():
    images = torch.rand(4, 48, 48, generator=generator(5))
    still = EVERY_LOOK.weakened(0).model_copy(update={"mirror": 0})
    torch.testing.assert_close(augment.faces(images, generator=generator(), looks=still), images, atol=1e-5, rtol=0)


def test_each_look_does_its_own():
    images = torch.rand(64, 48, 48, generator=generator(5))
    still = EVERY_LOOK.weakened(0).model_copy(update={"mirror": 0})
    for name in type(still).model_fields:
        alone = still.model_copy(update={name: getattr(EVERY_LOOK, name)})
        changed = augment.faces(images, generator=generator(), looks=alone)
        assert not torch.allclose(changed, images, atol=1e-3), name


def test_nothing_to_augment_is_nothing():
    assert augment.telephone(torch.zeros(0, 100)).shape == (0, 100)


def test_a_room_keeps_the_direct_sound_and_rings_on():
    click = torch.zeros(4, 16_000)
    click[:, 1000] = 1
    heard = augment.reverberated(click, generator=generator())
    assert float(heard[:, :1000].abs().max()) < 1e-4
    torch.testing.assert_close(heard[:, 1000], torch.ones(4), atol=1e-4, rtol=1e-4)
    early, late = heard[:, 1032:3000].square().sum(dim=1), heard[:, 7000:9000].square().sum(dim=1)
    assert bool((early > 10 * late).all())
    assert bool((late > 0).all())
    total = heard[:, 1001:].square().sum(dim=1)
    assert bool((total > 10**-1.6).all())
    assert bool((total < 1.01).all())
    assert augment.reverberated(click[:0], generator=generator()).shape == (0, 16_000)
