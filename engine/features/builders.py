"""Encoders by name: the flat numbers of a configuration or a recipe become a module."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import ValidationError, validate_call

from engine.errors import CheckpointError
from engine.features.attsf_face import AttsfFace
from engine.features.attsf_voice import AttsfVoice
from engine.features.avt_ca_face import AvtCaFace
from engine.features.avt_ca_voice import AvtCaVoice
from engine.features.cepstra import Cepstra
from engine.features.dan import DanEncoder
from engine.features.efficientface import EfficientFaceEncoder
from engine.features.face import FaceEncoder
from engine.features.no_faces import NONE, NoFaces
from engine.features.precision import Precision
from engine.features.r2plus1d import ClipEncoder
from engine.features.resnet_mel import MelResNet
from engine.features.spectral import LogMel, Mfcc, Window
from engine.features.speech import SpeechEncoder
from engine.features.speech_files import load
from engine.features.voice import VoiceEncoder
from engine.features.voice_residual import ResidualVoiceEncoder
from engine.features.whisper import WhisperEncoder
from engine.layers.residual import ResNet18
from engine.layers.video_residual import VideoResNet18
from engine.signals import SAMPLE_RATE_HZ

AudioEncoder = (
    VoiceEncoder
    | ResidualVoiceEncoder
    | LogMel
    | Mfcc
    | AvtCaVoice
    | AttsfVoice
    | MelResNet
    | SpeechEncoder
    | WhisperEncoder
)
FaceCropEncoder = FaceEncoder | DanEncoder | EfficientFaceEncoder | ClipEncoder | AvtCaFace | AttsfFace | NoFaces
_Encoder = TypeVar("_Encoder")


def audio_encoder(numbers: Mapping[str, Any]) -> AudioEncoder:
    """The audio encoder that `numbers["name"]` says, `voice` where it says none, from the other numbers.

    Raises `CheckpointError` for an unknown name, a number that is missing, of another kind, or not its own.
    """
    return _build(numbers, AUDIO, default="voice")


def video_encoder(numbers: Mapping[str, Any]) -> FaceCropEncoder:
    """The encoder of face crops that `numbers["name"]` says, `face` where it says none; see `audio_encoder`."""
    return _build(numbers, VIDEO, default="face")


def voice_encoder(
    *, n_mels: int, n_fft: int, win_length: int, hop_length: int, top_db: float, channels: Sequence[int], width: int
) -> VoiceEncoder:
    """A voice encoder; lengths in samples at 16 kHz, one block for every number of `channels`."""
    spectrum = LogMel(n_mels=n_mels, n_fft=n_fft, win_length=win_length, hop_length=hop_length, top_db=top_db)
    return VoiceEncoder(spectrum=spectrum, channels=channels, width=width)


def voice_residual(
    *, n_mels: int, n_fft: int, win_length: int, hop_length: int, top_db: float, channels: Sequence[int], width: int
) -> ResidualVoiceEncoder:
    """A residual voice encoder; `channels` of the stem and of each block, lengths as in `voice_encoder`."""
    spectrum = LogMel(n_mels=n_mels, n_fft=n_fft, win_length=win_length, hop_length=hop_length, top_db=top_db)
    return ResidualVoiceEncoder(spectrum=spectrum, channels=channels, width=width)


def logmel(
    *,
    n_mels: int,
    n_fft: int,
    win_length: int,
    hop_length: int,
    window: Window = "hann",
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    top_db: float = 80.0,
) -> LogMel:
    """Log-mel frames; lengths in samples at `sample_rate_hz`."""
    return LogMel(
        n_mels=n_mels,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window=window,
        sample_rate_hz=sample_rate_hz,
        f_min_hz=f_min_hz,
        f_max_hz=f_max_hz,
        top_db=top_db,
    )


def mfcc(
    *,
    n_mfcc: int,
    n_mels: int,
    n_fft: int,
    win_length: int,
    hop_length: int,
    window: Window = "hann",
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    top_db: float = 80.0,
) -> Mfcc:
    """The first `n_mfcc` cepstral coefficients; lengths in samples at `sample_rate_hz`."""
    spectrum = LogMel(
        n_mels=n_mels,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window=window,
        sample_rate_hz=sample_rate_hz,
        top_db=top_db,
    )
    return Mfcc(spectrum=spectrum, n_mfcc=n_mfcc)


def avt_ca_voice(
    *,
    n_mfcc: int = 10,
    n_mels: int = 128,
    n_fft: int = 2048,
    win_length: int = 2048,
    hop_length: int = 512,
    window: Window = "hann",
    sample_rate_hz: int = 22_050,
    top_db: float = 80.0,
    channels: Sequence[int] = (64, 128),
) -> AvtCaVoice:
    """AVT-CA's voice: a block of convolution for every number of `channels`, two in the paper; lengths as in `mfcc`."""
    coefficients = mfcc(
        n_mfcc=n_mfcc,
        n_mels=n_mels,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window=window,
        sample_rate_hz=sample_rate_hz,
        top_db=top_db,
    )
    return AvtCaVoice(cepstra=Cepstra(coefficients), channels=channels)


def attsf_voice(
    *,
    n_mfcc: int = 12,
    n_mels: int = 128,
    n_fft: int = 1024,
    win_length: int = 800,
    hop_length: int = 480,
    window: Window = "hamming",
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    top_db: float = 80.0,
    channels: Sequence[int] = (64, 128, 256, 128),
    width: int = 128,
) -> AttsfVoice:
    """ATTSF-Net's voice, as published by default; lengths as in `mfcc`."""
    coefficients = mfcc(
        n_mfcc=n_mfcc,
        n_mels=n_mels,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window=window,
        sample_rate_hz=sample_rate_hz,
        top_db=top_db,
    )
    return AttsfVoice(cepstra=Cepstra(coefficients), channels=channels, width=width)


def resnet18_mel(
    *,
    n_mels: int,
    n_fft: int,
    win_length: int,
    hop_length: int,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    top_db: float = 80.0,
    clip_frames: int,
    stem_stride: Literal[2, 4] = 4,
) -> MelResNet:
    """DCA's audio backbone; lengths in samples at `sample_rate_hz`, a token every `clip_frames` frames."""
    spectrum = LogMel(
        n_mels=n_mels,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        sample_rate_hz=sample_rate_hz,
        top_db=top_db,
    )
    return MelResNet(spectrum=spectrum, trunk=ResNet18(channels=1, stem_stride=stem_stride), clip_frames=clip_frames)


def wav2vec2(
    *,
    source: str,
    sha256: str | None = None,
    layer: int = -1,
    pooled: bool = False,
    pickled: bool = False,
    precision: Precision = "float32",
) -> SpeechEncoder | WhisperEncoder:
    """A speech model of `transformers` by its folder or hub id; without the `sha256` of its files, an error says it."""
    return load(source, sha256=sha256, layer=layer, pooled=pooled, pickled=pickled, precision=precision)


def face_encoder(*, channels: Sequence[int], depths: Sequence[int], width: int) -> FaceEncoder:
    """A face encoder; one stage of `depth` convolutions for every number of `channels`."""
    return FaceEncoder(channels=channels, depths=depths, width=width)


def dan(
    *,
    side: int = 224,
    crop: int | None = None,
    grey: bool = False,
    mirrored: bool = False,
    heads: int = 4,
    stem_stride: Literal[2, 4] = 4,
    width: int = 1024,
    precision: Precision = "float32",
) -> DanEncoder:
    """DAN, as published by default; of pictures of `side` pixels it sees the middle `crop`, all where None."""
    return DanEncoder(
        side=side,
        crop=crop or side,
        grey=grey,
        mirrored=mirrored,
        heads=heads,
        stem_stride=stem_stride,
        width=width,
        precision=precision,
    )


def efficientface(
    *,
    side: int = 224,
    crop: int | None = None,
    grey: bool = False,
    mirrored: bool = False,
    stem_stride: Literal[2, 4] = 4,
) -> EfficientFaceEncoder:
    """EfficientFace, as published by default; `side` and `crop` as in `dan`."""
    return EfficientFaceEncoder(side=side, crop=crop or side, grey=grey, mirrored=mirrored, stem_stride=stem_stride)


def avt_ca_face(
    *,
    side: int = 224,
    grey: bool = False,
    stem_stride: Literal[2, 4] = 4,
    width: int = 64,
    squeeze: int = 4,
    expansion: int = 2,
    channel_attention: bool = True,
    spatial_attention: bool = True,
    paper: bool = False,
) -> AvtCaFace:
    """AVT-CA's face; `squeeze` is how much narrower the channel attention is inside, `paper` is in `MapAttention`."""
    return AvtCaFace(
        side=side,
        grey=grey,
        stem_stride=stem_stride,
        width=width,
        squeeze=squeeze,
        expansion=expansion,
        channel_attention=channel_attention,
        spatial_attention=spatial_attention,
        paper=paper,
    )


def attsf_face(
    *,
    side: int = 224,
    crop: int | None = None,
    grey: bool = False,
    mirrored: bool = False,
    stem_stride: Literal[2, 4] = 4,
    width: int = 128,
) -> AttsfFace:
    """ATTSF-Net's face, as published by default; all but `width` is EfficientFace's."""
    frames = efficientface(side=side, crop=crop, grey=grey, mirrored=mirrored, stem_stride=stem_stride)
    return AttsfFace(frames=frames, width=width)


def r2plus1d(*, frames: int = 8, side: int = 112, precision: Precision = "float32") -> ClipEncoder:
    """R(2+1)D-18: a token every `frames` crops of `side` pixels, as published by default."""
    return ClipEncoder(trunk=VideoResNet18(factorised=True), frames=frames, side=side, precision=precision)


def r3d(*, frames: int = 8, side: int = 112, precision: Precision = "float32") -> ClipEncoder:
    """R3D-18, as `r2plus1d`."""
    return ClipEncoder(trunk=VideoResNet18(factorised=False), frames=frames, side=side, precision=precision)


def no_faces() -> NoFaces:
    """No encoder: faces are not read."""
    return NoFaces()


AUDIO: Mapping[str, Callable[..., AudioEncoder]] = {
    "voice": voice_encoder,
    "voice-residual": voice_residual,
    "logmel": logmel,
    "mfcc": mfcc,
    "avt-ca-voice": avt_ca_voice,
    "attsf-voice": attsf_voice,
    "resnet18-mel": resnet18_mel,
    "wav2vec2": wav2vec2,
}
VIDEO: Mapping[str, Callable[..., FaceCropEncoder]] = {
    "face": face_encoder,
    "dan": dan,
    "efficientface": efficientface,
    "avt-ca-face": avt_ca_face,
    "attsf-face": attsf_face,
    "r2plus1d": r2plus1d,
    "r3d": r3d,
    NONE: no_faces,
}


def _build(numbers: Mapping[str, Any], known: Mapping[str, Callable[..., _Encoder]], *, default: str) -> _Encoder:
    arguments = dict(numbers)
    name = arguments.pop("name", default)
    if name not in known:
        raise CheckpointError(f"encoder {name!r} is not known; there are {', '.join(sorted(known))}")
    try:
        return validate_call(known[name])(**arguments)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CheckpointError(f"encoder {name!r}: {wrong}") from error
