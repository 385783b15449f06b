"""ATTSF-Net: cross-multimodal blocks, a similarity-adjusting token and an auxiliary encoder for each modality.

"ATTSF-Net: Attention-Based Similarity Fusion Network for Audio-Visual Emotion Recognition", section III, eqs 1-21.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from engine.errors import ConfigurationError
from engine.fusion.attsf_blocks import CrossMultimodal, Encoder, Entrance, SimilarityAdjusting
from engine.fusion.attsf_join import Join, joining
from engine.fusion.base import Auxiliary, Fused, Over
from engine.layers.pooling import masked_mean

Joining = Literal["sum", "l2", "gat"]


class Attsf(nn.Module):
    """Both modalities on one time axis; CMB and SAB beside AVAM, joined by modality, concatenated, classified.

    Readings: the second CMB layer asks the first one's result, both branches in step; SAB reads what the CMB reads; the
    token's vector serves the similarity loss alone; `u` is the concatenation `[2 d]` (with text `[2 d + Dt]`), and `v`
    what the video's own encoder says beside the mean video token, of the same width. A part that is switched off hands
    on what it was given.

    Defaults are the paper's for RAVDESS (Table II, section IV-B), but for the auxiliary modules' feed-forward width:
    256 there, 128 for IEMOCAP. With `sab_layers` 0 there is no token and no similarity loss.

    Args:
        audio_width, video_width, text_width: of the tokens and of the text's vector; 0: no text.
        width: d; length: of the common time axis.
        cmb_layers, sab_layers, avam_layers: 0 switches the part off.
        audio_auxiliary, video_auxiliary: whether this modality's auxiliary module, its classifier and its loss are
            there at all; without it the main feature stands alone.
        join: how main and auxiliary features become one (eq. 19, eqs 20-21, the learning layer); None leaves the
            auxiliary features out, though their classifiers learn.
        audio_loss, video_loss, similarity_loss: the weights of eq. 18, 0 leaves a loss out; similarity_over: along what
            its Gaussians are taken.
        regression: the heads say values in [-1, 1] and not logits.
    """

    def __init__(
        self,
        *,
        audio_width: int,
        video_width: int,
        text_width: int = 0,
        width: int = 128,
        length: int = 128,
        heads: int = 4,
        feed_forward_width: int = 256,
        avam_feed_forward_width: int = 128,
        cmb_layers: int = 6,
        sab_layers: int = 6,
        avam_layers: int = 2,
        audio_auxiliary: bool = True,
        video_auxiliary: bool = True,
        join: Joining | None = "sum",
        audio_loss: float = 0.5,
        video_loss: float = 0.5,
        similarity_loss: float = 0.3,
        similarity_over: Over = "batch",
        classes: int = 7,
        regression: bool = False,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        self.text_width = text_width
        self.width = 2 * width + text_width
        self.enter_audio = Entrance(tokens_width=audio_width, width=width, length=length, dropout=dropout)
        self.enter_video = Entrance(tokens_width=video_width, width=width, length=length, dropout=dropout)
        self.cmb = nn.ModuleList(
            CrossMultimodal(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)
            for _ in range(cmb_layers)
        )
        self.token: nn.Parameter | None = None
        if sab_layers:
            self.token = nn.Parameter(torch.zeros(width))
            nn.init.normal_(self.token, std=0.02)
        self.sab = nn.ModuleList(
            SimilarityAdjusting(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)
            for _ in range(sab_layers)
        )
        self.avam_audio, self.avam_video = (
            Encoder(
                width=width,
                heads=heads,
                feed_forward_width=avam_feed_forward_width,
                layers=avam_layers if there else 0,
                dropout=dropout,
            )
            for there in (audio_auxiliary, video_auxiliary)
        )
        self.join_audio: Join | None = None
        self.join_video: Join | None = None
        if join is not None and audio_auxiliary:
            self.join_audio = joining(join, width=width)
        if join is not None and video_auxiliary:
            self.join_video = joining(join, width=width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.width, classes)
        self.audio_head = nn.Linear(width, classes) if audio_auxiliary else None
        self.video_head = nn.Linear(width, classes) if video_auxiliary else None
        self.regression = regression
        self.auxiliary = Auxiliary(audio=audio_loss, video=video_loss, similarity=similarity_loss, over=similarity_over)

    def fuse(
        self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor, text: Tensor | None = None
    ) -> Fused:
        """The port `Fusion`, and `text` `[B, Dt]` beside it: a vector an utterance, 0 where there is none.

        The port has two modalities: text gets in by this argument alone, and what knows only the port gives none.
        """
        _check_text(text, self.text_width)
        of_audio, audio_mask = self.enter_audio(audio, audio_mask)
        of_video, video_mask = self.enter_video(video, video_mask)
        main_audio, main_video = of_audio, of_video
        for layer in self.cmb:
            main_audio, main_video = layer(main_audio, audio_mask, main_video, video_mask)
        branches: dict[str, Tensor] = {}
        if self.token is not None:
            token = self.token.expand(len(audio), 1, -1)
            for layer in self.sab:
                token = layer(token, of_audio, audio_mask, of_video, video_mask)
            branches["token"] = token[:, 0]
        pooled_audio, pooled_video = masked_mean(main_audio, audio_mask), masked_mean(main_video, video_mask)
        own_audio = masked_mean(self.avam_audio(of_audio, audio_mask), audio_mask)
        own_video = masked_mean(self.avam_video(of_video, video_mask), video_mask)
        gate: dict[str, Tensor] = {}
        joined = []
        for name, join, head, main, own in (
            ("audio", self.join_audio, self.audio_head, pooled_audio, own_audio),
            ("video", self.join_video, self.video_head, pooled_video, own_video),
        ):
            branches[name] = main
            if head is not None:
                branches[f"{name}_logits"] = self._said(head(own))
            feature, weight = (main, None) if join is None else join(main, own)
            joined.append(feature)
            if weight is not None:
                gate[f"{name}_multimodal"] = weight
        given = [] if not self.text_width else [_text(text, joined[0], self.text_width)]
        u = torch.cat([*joined, *given], dim=-1)
        v = torch.cat(
            [own_video, masked_mean(of_video, video_mask), *(part.new_zeros(part.shape) for part in given)], -1
        )
        return Fused(
            u=u,
            v=v,
            logits=self._said(self.head(self.dropout(u))),
            gate=gate,
            branches=branches,
            auxiliary=self.auxiliary,
        )

    def _said(self, outputs: Tensor) -> Tensor:
        return torch.tanh(outputs) if self.regression else outputs


def _check_text(text: Tensor | None, width: int) -> None:
    if text is not None and text.shape[-1] != width:
        raise ConfigurationError(
            f"the text's vectors are {text.shape[-1]} wide, the model's text_width is {width}: make them alike"
        )


def _text(text: Tensor | None, like: Tensor, width: int) -> Tensor:
    return like.new_zeros(len(like), width) if text is None else text
