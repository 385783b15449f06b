"""AVT-CA and ATTSF-Net from waveform and faces to logits, at their papers' own settings.

The numbers of parameters are recorded here, encoders and fusion apart.
"""

import pytest
import torch

from engine.features.builders import audio_encoder, video_encoder
from engine.fusion.builders import fusion
from engine.signals import SAMPLE_RATE_HZ


def excerpt():
    """3.6 s of sound and 15 face crops of 224 pixels."""
    made = torch.Generator().manual_seed(0)
    sound = 0.1 * torch.randn(1, round(3.6 * SAMPLE_RATE_HZ), generator=made)
    faces = torch.rand(1, 15, 3, 224, 224, generator=made)
    return sound, torch.ones_like(sound, dtype=torch.bool), faces, torch.ones(1, 15, dtype=torch.bool)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def test_avt_ca_on_ravdess():
    """10 MFCC of 156 frames at 22.05 kHz, d = 128, h = 4, eight emotions."""
    torch.manual_seed(0)
    voice, face = audio_encoder({"name": "avt-ca-voice"}).eval(), video_encoder({"name": "avt-ca-face"}).eval()
    model = fusion("avt-ca", audio_width=voice.width, video_width=face.width, classes=8).eval()
    sound, sound_mask, faces, face_mask = excerpt()
    frames, frame_mask = voice.cepstra(sound, sound_mask)
    assert frames.shape == (1, 156, 10)
    assert frame_mask.all()
    audio, audio_mask = voice.extract(sound, sound_mask)
    video, video_mask = face.extract(faces, face_mask)
    assert (audio.shape, video.shape) == ((1, 39, 128), (1, 15, 64))
    fused = model.fuse(audio, audio_mask, video, video_mask)
    assert fused.u.shape == (1, 128)
    assert fused.logits.shape == (1, 8)
    assert fused.logits.isfinite().all()
    assert (parameters(voice), parameters(face), parameters(model)) == (26_880, 64_209, 650_248)


@torch.no_grad()
@pytest.mark.parametrize(
    ("numbers", "classes", "expected"),
    [
        ({"length": 128, "avam_feed_forward_width": 256}, 8, 4_136_088),
        (
            {"length": 64, "avam_feed_forward_width": 128, "cmb_layers": 5, "sab_layers": 5, "avam_layers": 1},
            4,
            3_208_460,
        ),
    ],
    ids=["RAVDESS", "IEMOCAP"],
)
def test_attsf_net(numbers, classes, expected):
    """12 MFCC of 121 frames, EfficientFace on 15 faces, d = 128; Table II and section IV-B."""
    torch.manual_seed(0)
    voice, face = audio_encoder({"name": "attsf-voice"}).eval(), video_encoder({"name": "attsf-face"}).eval()
    model = fusion("attsf", audio_width=voice.width, video_width=face.width, classes=classes, **numbers).eval()
    sound, sound_mask, faces, face_mask = excerpt()
    assert voice.cepstra(sound, sound_mask)[0].shape == (1, 121, 12)
    audio, audio_mask = voice.extract(sound, sound_mask)
    video, video_mask = face.extract(faces, face_mask)
    assert (audio.shape, video.shape) == ((1, 5, 128), (1, 15, 128))
    entered, entered_mask = model.enter_audio(audio, audio_mask)
    assert entered.shape == (1, numbers["length"], 128)
    assert entered_mask.all()
    assert (len(model.cmb), len(model.sab), len(model.avam_audio.blocks)) == (
        numbers.get("cmb_layers", 6), numbers.get("sab_layers", 6), numbers.get("avam_layers", 2),
    )  # fmt: skip
    fused = model.fuse(audio, audio_mask, video, video_mask)
    assert fused.u.shape == (1, 256)
    assert fused.logits.shape == (1, classes)
    assert fused.logits.isfinite().all()
    assert (parameters(voice), parameters(face), parameters(model)) == (993_984, 1_668_637, expected)
