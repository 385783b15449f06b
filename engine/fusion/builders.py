"""Fusion models by name, from flat numbers."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from engine.errors import ConfigurationError
from engine.fusion.affect import WithAffect
from engine.fusion.attsf import Attsf
from engine.fusion.avafn import Branch, Cam
from engine.fusion.avafn_residual import Residuals
from engine.fusion.avt_ca import AvtCa
from engine.fusion.ca import CrossAttention
from engine.fusion.clipwise import Clipwise
from engine.fusion.jca import JointCrossAttention, RecursiveCrossAttention
from engine.fusion.tca import TransformerCrossAttention
from engine.fusion.voice import VoiceAlone
from engine.layers.temporal import Temporal

AnyFusion = Cam | Residuals | AvtCa | Attsf | Clipwise | VoiceAlone | WithAffect
"""A torch module that is a `Fusion`."""


def avafn(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    feed_forward_width: int = 256,
    classes: int = 7,
    dropout: float = 0.0,
    pool_first: bool = False,
    attend: bool = True,
    regression: bool = False,
) -> Cam | Residuals:
    """AVAFN's CAM for tokens of `audio_width` and `video_width`; `pool_first` is the paper's utterance-level form.

    Without `attend` the CAM is off: neither modality asks the other, and only the residual branches are left.
    """
    if not attend:
        return Residuals(
            audio_width=audio_width,
            video_width=video_width,
            width=width,
            classes=classes,
            dropout=dropout,
            regression=regression,
        )

    def branch(tokens_width: int) -> Branch:
        return Branch(tokens_width=tokens_width, width=width, feed_forward_width=feed_forward_width, dropout=dropout)

    return Cam(
        audio=branch(audio_width),
        video=branch(video_width),
        classes=classes,
        dropout=dropout,
        pool_first=pool_first,
        regression=regression,
    )


def ca(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    gate: bool = False,
    temperature: float = 0.1,
    clips_most: int = 64,
    classes: int = 7,
    regression: bool = False,
    dropout: float = 0.0,
) -> Clipwise:
    """Cross-attention; with `gate` it is dynamic."""
    return Clipwise(
        audio_width=audio_width,
        video_width=video_width,
        width=width,
        crossing=CrossAttention(audio_width=width, video_width=width),
        temperature=temperature if gate else None,
        clips_most=clips_most,
        outputs=classes,
        regression=regression,
        dropout=dropout,
    )


def tca(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    heads: int = 4,
    feed_forward_width: int = 256,
    gate: bool = False,
    temperature: float = 0.1,
    clips_most: int = 64,
    classes: int = 7,
    regression: bool = False,
    dropout: float = 0.0,
) -> Clipwise:
    """Transformer cross-attention; with `gate` it is dynamic."""
    return Clipwise(
        audio_width=audio_width,
        video_width=video_width,
        width=width,
        crossing=TransformerCrossAttention(
            audio_width=width, video_width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout
        ),
        temperature=temperature if gate else None,
        clips_most=clips_most,
        outputs=classes,
        regression=regression,
        dropout=dropout,
    )


def jca(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    inner_width: int = 32,
    gate: bool = False,
    temperature: float = 0.1,
    clips_most: int = 64,
    classes: int = 7,
    regression: bool = False,
    dropout: float = 0.0,
) -> Clipwise:
    """Joint cross-attention; with `gate` it is dynamic."""
    return Clipwise(
        audio_width=audio_width,
        video_width=video_width,
        width=width,
        crossing=JointCrossAttention(audio_width=width, video_width=width, inner_width=inner_width),
        temperature=temperature if gate else None,
        clips_most=clips_most,
        outputs=classes,
        regression=regression,
        dropout=dropout,
    )


def rjca(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    hidden: int = 256,
    lstm_layers: int = 2,
    inner_width: int = 32,
    recursions: int = 2,
    causal: bool = False,
    gate: bool = False,
    temperature: float = 0.1,
    clips_most: int = 64,
    classes: int = 7,
    regression: bool = False,
    dropout: float = 0.0,
) -> Clipwise:
    """Recursive joint cross-attention between LSTMs of `hidden` a direction; `causal` reads forward alone."""

    def temporal(tokens_width: int) -> Temporal:
        return Temporal(tokens_width=tokens_width, hidden=hidden, layers=lstm_layers, causal=causal)

    before = temporal(width), temporal(width)
    clips = before[0].width
    return Clipwise(
        audio_width=audio_width,
        video_width=video_width,
        width=width,
        crossing=RecursiveCrossAttention(
            audio_width=clips, video_width=clips, inner_width=inner_width, recursions=recursions
        ),
        before=before,
        joint=temporal(2 * clips),
        temperature=temperature if gate else None,
        clips_most=clips_most,
        outputs=classes,
        regression=regression,
        dropout=dropout,
    )


NAMES = (
    "avafn",
    "avt-ca",
    "attsf",
    "attsf-l2",
    "attsf-gat",
    *(f"{family}{gate}" for family in ("ca", "tca", "jca", "rjca") for gate in ("", "+dca")),
)
"""Every fusion model; `+dca` is the one before it under the gate of dynamic cross-attention."""

VOICE = "voice"
"""What stands in their place where there is no second modality to fuse."""


def fusion(name: str, *, affect: bool = False, **numbers: Any) -> AnyFusion:
    """The fusion model of this name; what is not said of it has the paper's value.

    affect: it says valence and arousal beside its classes. Raises `ConfigurationError` for a name or a number that no
    model has.
    """
    family, _, gate = name.partition("+")
    if name not in (*NAMES, VOICE):
        raise ConfigurationError(f"no fusion model is called {name!r}; there are {', '.join(NAMES)}, {VOICE}")
    if family.startswith("attsf-"):
        numbers = {"join": family.removeprefix("attsf-"), **numbers}
    if gate:
        numbers = {"gate": True, **numbers}
    known = signature(_BUILDERS[family]).parameters
    foreign = [number for number in numbers if number not in known]
    if foreign:
        raise ConfigurationError(f"fusion {name} has no {', '.join(foreign)}; its numbers are {', '.join(known)}")
    try:
        made = _BUILDERS[family](**numbers)
    except TypeError as error:
        raise ConfigurationError(f"fusion {name}: {error}") from error
    if not affect:
        return made
    if numbers.get("text_width"):
        raise ConfigurationError(f"fusion {name}: with affect there is no text; leave one of the two out")
    return WithAffect(made, dropout=made.dropout.p)


_BUILDERS: Mapping[str, Callable[..., AnyFusion]] = {
    "avafn": avafn,
    "avt-ca": AvtCa,
    "attsf": Attsf,
    "attsf-l2": Attsf,
    "attsf-gat": Attsf,
    "ca": ca,
    "tca": tca,
    "jca": jca,
    "rjca": rjca,
    VOICE: VoiceAlone,
}
