"""JCA: each modality is correlated with the joint representation of both.

Praveen et al., "Audio-visual fusion for emotion recognition in the valence-arousal space using joint cross-attention";
its recursion: Praveen et al., "Recursive joint attention for audio-visual fusion in regression based emotion
recognition".
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class JointCrossAttention(nn.Module):
    """`C = tanh(X' W J / sqrt(d))`, `H = ReLU(Wc X C)`, `att = X + Wh H`, with `J = [X_a ; X_v]` and d its width.

    The published weights have a side of the sequence's length; here they act on features, so any length will do.
    Where the other modality is absent, `att = X`.

    Args:
        audio_width, video_width: d_a, d_v; inner_width: k, of H.
    """

    def __init__(self, *, audio_width: int, video_width: int, inner_width: int) -> None:
        super().__init__()
        joint = audio_width + video_width
        self.audio, self.video = _Side(audio_width, joint, inner_width), _Side(video_width, joint, inner_width)

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, d_a]` and `[B, L, d_v]` on one axis, masks `[B, L]`."""
        both = (audio_mask & video_mask)[..., None]
        joint = torch.cat([audio, video], dim=-1).masked_fill(~both, 0)
        return self.audio(audio, joint, both), self.video(video, joint, both)


class RecursiveCrossAttention(nn.Module):
    """RJCA's recursion: joint cross-attention over its own results, weights unshared from step to step."""

    def __init__(self, *, audio_width: int, video_width: int, inner_width: int, recursions: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            JointCrossAttention(audio_width=audio_width, video_width=video_width, inner_width=inner_width)
            for _ in range(recursions)
        )

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `JointCrossAttention`."""
        for step in self.steps:
            audio, video = step(audio, audio_mask, video, video_mask)
        return audio, video


class _Side(nn.Module):
    def __init__(self, width: int, joint: int, inner_width: int) -> None:
        super().__init__()
        self.correlate = nn.Linear(joint, width, bias=False)
        self.narrow = nn.Linear(width, inner_width, bias=False)
        self.widen = nn.Linear(inner_width, width, bias=False)
        self._scale = 1 / math.sqrt(joint)

    def forward(self, clips: Tensor, joint: Tensor, both: Tensor) -> Tensor:
        """Clips `[B, L, d]`, joint `[B, L, D]`, both `[B, L, 1]`: attended clips `[B, L, d]`."""
        clips_seen = clips.masked_fill(~both, 0)
        # [B, L of the modality, L of J]
        correlation = torch.tanh(clips_seen @ self.correlate(joint).transpose(1, 2) * self._scale)
        told = self.widen(relu(self.narrow(correlation.transpose(1, 2) @ clips_seen)))
        attended: Tensor = clips + told.masked_fill(~both, 0)
        return attended
