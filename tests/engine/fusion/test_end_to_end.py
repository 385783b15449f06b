"""From waveforms and pictures to a decision, encoders and fusion learning together."""

import pytest
import torch

from engine.features.builders import audio_encoder, video_encoder
from engine.fusion.builders import fusion
from engine.fusion.losses import own_loss
from engine.signals import SAMPLE_RATE_HZ

SPECTRUM = {"n_mels": 16, "n_fft": 512, "win_length": 400, "hop_length": 160, "sample_rate_hz": SAMPLE_RATE_HZ}
VOICES = {
    "avt-ca": {"name": "avt-ca-voice", "n_mfcc": 6, "channels": [8, 12]} | SPECTRUM,
    "attsf": {"name": "attsf-voice", "n_mfcc": 7, "channels": [6, 8], "width": 12} | SPECTRUM,
}
NUMBERS = {
    "avt-ca": {"width": 16, "feed_forward_width": 32, "dropout": 0.0},
    "attsf": {"width": 16, "length": 8, "feed_forward_width": 32, "avam_feed_forward_width": 16, "cmb_layers": 1,
              "sab_layers": 1, "avam_layers": 1, "dropout": 0.0},
}  # fmt: skip


def utterances(number, generator):
    """A low or a high tone, two pictures that are bright above or below; the class is whether the two differ."""
    high = torch.randint(2, (number,), generator=generator)
    below = torch.randint(2, (number,), generator=generator)
    time_s = torch.arange(2400) / SAMPLE_RATE_HZ
    hz = torch.where(high == 1, 2500.0, 400.0)[:, None] * (1 + 0.2 * torch.rand(number, 1, generator=generator))
    sounds = torch.sin(2 * torch.pi * hz * time_s) + 0.1 * torch.randn(number, 2400, generator=generator)
    faces = 0.5 * torch.rand(number, 2, 3, 16, 16, generator=generator)
    for row, half in enumerate(below.tolist()):
        faces[row, :, :, 8 * half : 8 * half + 8] += 0.5
    return sounds, faces, (high != below).long()


@pytest.mark.parametrize("name", VOICES)
def test_what_needs_both_is_learned_from_raw_media(name):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    voice = audio_encoder(VOICES[name])
    face = video_encoder({"name": "avt-ca-face", "side": 16, "stem_stride": 2, "width": 8})
    model = fusion(name, audio_width=voice.width, video_width=face.width, classes=2, **NUMBERS[name])
    parts = torch.nn.ModuleList((voice, face, model))
    optimizer = torch.optim.Adam(parts.parameters(), lr=3e-3)

    def fused(sounds, faces):
        heard = voice.extract(sounds, torch.ones_like(sounds, dtype=torch.bool))
        seen = face.extract(faces, torch.ones(faces.shape[:2], dtype=torch.bool))
        return model.fuse(*heard, *seen)

    everyone = torch.ones(32, dtype=torch.bool)
    for _ in range(150):
        sounds, faces, target = utterances(32, generator)
        optimizer.zero_grad()
        loss = own_loss(fused(sounds, faces), target, audio_present=everyone, video_present=everyone)
        torch.autograd.backward(loss)
        optimizer.step()
    parts.eval()
    sounds, faces, target = utterances(200, generator)
    with torch.no_grad():
        right = fused(sounds, faces).logits.argmax(1) == target
    assert right.double().mean() > 0.95
