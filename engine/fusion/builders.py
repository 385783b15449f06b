"""Fusion models from flat numbers."""

from engine.fusion.avafn import Branch, Cam
from engine.fusion.avt_ca import AvtCa, OwnWay


def avafn(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    feed_forward_width: int = 256,
    classes: int = 7,
    dropout: float = 0.0,
    pool_first: bool = False,
) -> Cam:
    """AVAFN's CAM for tokens of `audio_width` and `video_width`; `pool_first` is the paper's utterance-level form."""

    def branch(tokens_width: int) -> Branch:
        return Branch(tokens_width=tokens_width, width=width, feed_forward_width=feed_forward_width, dropout=dropout)

    return Cam(
        audio=branch(audio_width),
        video=branch(video_width),
        classes=classes,
        dropout=dropout,
        pool_first=pool_first,
    )


def avt_ca(
    *,
    audio_width: int,
    video_width: int,
    width: int = 128,
    feed_forward_width: int = 512,
    classes: int = 7,
    dropout: float = 0.1,
    transformer_heads: int | None = 4,
    cross_heads: int | None = 4,
    own: OwnWay = "block",
    paper: bool = False,
) -> AvtCa:
    """AVT-CA at the paper's sizes: IT-4 and CT-4, feed-forward 4 d."""
    return AvtCa(
        audio_width=audio_width,
        video_width=video_width,
        width=width,
        feed_forward_width=feed_forward_width,
        classes=classes,
        dropout=dropout,
        transformer_heads=transformer_heads,
        cross_heads=cross_heads,
        own=own,
        paper=paper,
    )
