"""What CA, TCA, JCA and RJCA share: clips of both modalities on one time axis, crossed, gated or not, concatenated."""

from typing import Protocol

import torch
from torch import Tensor, nn

from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.fusion.gate import Gate
from engine.layers.alignment import resample
from engine.layers.masking import masked_projection
from engine.layers.pooling import masked_max, masked_mean
from engine.layers.temporal import Temporal


class Crossing(Protocol):
    """A torch module by which the modalities attend to each other."""

    def __call__(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, d]` and masks `[B, L]` of both on one axis to attended clips of both."""
        ...


class Clipwise(nn.Module):
    """Projection, alignment, what comes before the crossing, the crossing, the gates, what comes after, the head.

    `u` is the mean over the clips of `[audio ; video]` (after the joint LSTM where there is one), `v` a projection of
    the mean and the largest values of the unattended video. A modality that is absent is 0 and leaves the other as it
    is.

    Args:
        audio_width, video_width: of the tokens; width: into which they are projected.
        before: the LSTMs of RJCA, one a modality; joint: its last one.
        temperature: of the gates of dynamic cross-attention; None: no gates.
        clips_most: longer sequences are read at so many points.
        regression: the head says values in [-1, 1] and not logits.
    """

    def __init__(
        self,
        *,
        audio_width: int,
        video_width: int,
        width: int,
        crossing: Crossing,
        temperature: float | None,
        clips_most: int,
        outputs: int,
        regression: bool,
        dropout: float,
        before: tuple[Temporal, Temporal] | None = None,
        joint: Temporal | None = None,
    ) -> None:
        super().__init__()
        if clips_most < 1:
            raise ConfigurationError(f"clips_most is {clips_most}; at least one clip is needed")
        clips_width = width if before is None else before[0].width
        self.enter_audio, self.enter_video = nn.Linear(audio_width, width), nn.Linear(video_width, width)
        self.before = None if before is None else nn.ModuleList(before)
        self.crossing = crossing
        self.gates: nn.ModuleList | None = None
        if temperature is not None:
            self.gates = nn.ModuleList(Gate(width=clips_width, temperature=temperature) for _ in range(2))
        self.joint = joint
        self.clips_most = clips_most
        self.regression = regression
        self.width = 2 * clips_width if joint is None else joint.width
        self.see = nn.Linear(2 * clips_width, self.width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.width, outputs)

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`; with `regression` the logits are values in [-1, 1]."""
        audio, video = (
            masked_projection(self.enter_audio, audio, audio_mask),
            masked_projection(self.enter_video, video, video_mask),
        )
        length = torch.maximum(audio_mask.sum(1), video_mask.sum(1)).clamp(max=self.clips_most)
        audio, audio_mask = resample(audio, audio_mask, length=length)
        video, video_mask = resample(video, video_mask, length=length)
        if self.before is not None:
            audio, video = self.before[0](audio, audio_mask), self.before[1](video, video_mask)
        attended_audio, attended_video = self.crossing(audio, audio_mask, video, video_mask)
        gate: dict[str, Tensor] = {}
        if self.gates is not None:
            attended_audio, gate["audio_attended"] = self.gates[0](audio, attended_audio, audio_mask)
            attended_video, gate["video_attended"] = self.gates[1](video, attended_video, video_mask)
        joint = torch.cat(
            [
                attended_audio.masked_fill(~audio_mask[..., None], 0),
                attended_video.masked_fill(~video_mask[..., None], 0),
            ],
            dim=-1,
        )
        mask = audio_mask | video_mask
        if self.joint is not None:
            joint = self.joint(joint, mask)
        u = masked_mean(joint, mask)
        seen = torch.cat([masked_mean(video, video_mask), masked_max(video, video_mask)], dim=-1)
        v = self.see(seen) * video_mask.any(dim=1, keepdim=True).to(seen.dtype)
        said = self.head(self.dropout(u))
        return Fused(u=u, v=v, logits=torch.tanh(said) if self.regression else said, gate=gate)
