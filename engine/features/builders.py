"""Flat numbers to encoders: what a checkpoint's configuration says becomes a module."""

from collections.abc import Sequence

from engine.features.face import FaceEncoder
from engine.features.spectral import LogMel
from engine.features.voice import VoiceEncoder


def voice_encoder(
    *, n_mels: int, n_fft: int, win_length: int, hop_length: int, top_db: float, channels: Sequence[int], width: int
) -> VoiceEncoder:
    """A voice encoder; lengths in samples at 16 kHz, one block for every number of `channels`."""
    spectrum = LogMel(n_mels=n_mels, n_fft=n_fft, win_length=win_length, hop_length=hop_length, top_db=top_db)
    return VoiceEncoder(spectrum=spectrum, channels=channels, width=width)


def face_encoder(*, channels: Sequence[int], depths: Sequence[int], width: int) -> FaceEncoder:
    """A face encoder; one stage of `depth` convolutions for every number of `channels`."""
    return FaceEncoder(channels=channels, depths=depths, width=width)
