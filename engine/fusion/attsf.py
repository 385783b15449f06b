"""ATTSF-Net: cross-multimodal blocks, a similarity-adjusting token and an auxiliary encoder for each modality.

"ATTSF-Net: Attention-Based Similarity Fusion Network for Audio-Visual Emotion Recognition", section III, eqs 1-21.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from engine.fusion.attsf_blocks import CrossMultimodal, Encoder, Entrance, SimilarityAdjusting
from engine.fusion.attsf_join import Join, joining
from engine.fusion.base import Fused
from engine.layers.pooling import masked_mean

Joining = Literal["sum", "l2", "gat"]


class Attsf(nn.Module):
    """Both modalities on one time axis; CMB and SAB beside AVAM, joined by modality, concatenated, classified.

    Readings: the second CMB layer asks the first one's result, both branches in step; SAB reads what the CMB reads; the
    token's vector serves the similarity loss alone; `u` is the concatenation `[2 d]` (with text `[2 d + Dt]`), and `v`
    what the video's own encoder says beside the mean video token, of the same width. A part that is switched off hands
    on what it was given.

    Defaults are the paper's for RAVDESS (Table II).

    Args:
        audio_width, video_width, text_width: of the tokens and of the text's vector; 0: no text.
        width: d; length: of the common time axis.
        cmb_layers, sab_layers, avam_layers: 0 switches the part off.
        join: how main and auxiliary features become one (eq. 19, eqs 20-21, the learning layer); None leaves the
            auxiliary features out.
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
        join: Joining | None = "sum",
        classes: int = 7,
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
                layers=avam_layers,
                dropout=dropout,
            )
            for _ in range(2)
        )
        self.join_audio: Join | None = None if join is None else joining(join, width=width)
        self.join_video: Join | None = None if join is None else joining(join, width=width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.width, classes)
        self.audio_head, self.video_head = nn.Linear(width, classes), nn.Linear(width, classes)

    def fuse(
        self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor, text: Tensor | None = None
    ) -> Fused:
        """The port `Fusion`; `text` `[B, Dt]` is one vector an utterance, where the model was built for it."""
        of_audio, audio_mask = self.enter_audio(audio, audio_mask)
        of_video, video_mask = self.enter_video(video, video_mask)
        main_audio, main_video = of_audio, of_video
        for layer in self.cmb:
            main_audio, main_video = layer(main_audio, audio_mask, main_video, video_mask)
        token = self.token.expand(len(audio), 1, -1)
        for layer in self.sab:
            token = layer(token, of_audio, audio_mask, of_video, video_mask)
        pooled_audio, pooled_video = masked_mean(main_audio, audio_mask), masked_mean(main_video, video_mask)
        own_audio = masked_mean(self.avam_audio(of_audio, audio_mask), audio_mask)
        own_video = masked_mean(self.avam_video(of_video, video_mask), video_mask)
        gate: dict[str, Tensor] = {}
        joined = []
        for name, join, main, own in (
            ("audio", self.join_audio, pooled_audio, own_audio),
            ("video", self.join_video, pooled_video, own_video),
        ):
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
            logits=self.head(self.dropout(u)),
            gate=gate,
            branches={
                "audio": pooled_audio,
                "video": pooled_video,
                "token": token[:, 0],
                "audio_logits": self.audio_head(own_audio),
                "video_logits": self.video_head(own_video),
            },
        )


def _text(text: Tensor | None, like: Tensor, width: int) -> Tensor:
    return like.new_zeros(len(like), width) if text is None else text
