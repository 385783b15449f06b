"""CA: the correlation of the clips of both modalities says how much each clip of a modality counts.

Praveen et al. [2] in "Cross-Attention is Not Always Needed", section 3-B, eq. 1.
"""

from torch import Tensor, nn

from engine.layers.attention import masked_attention


class CrossAttention(nn.Module):
    """`Z = X_a' W X_v`, softmax down the columns of Z and of Z', `att = X + X A`; one matrix for both."""

    def __init__(self, *, audio_width: int, video_width: int) -> None:
        super().__init__()
        self.correlate = nn.Linear(video_width, audio_width, bias=False)

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, d_a]` and `[B, L, d_v]` on one axis, masks `[B, L]`; the other being absent adds nothing."""
        # Column j of A_a is what video clip j says of the audio clips: an attention in which video asks the audio.
        audio_told = _attend(self.correlate(video), audio, audio_mask)
        video_told = _attend(audio @ self.correlate.weight, video, video_mask)
        return (
            audio + audio_told.masked_fill(~video_mask[..., None], 0),
            video + video_told.masked_fill(~audio_mask[..., None], 0),
        )


def _attend(query: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    clips = values[:, None]
    return masked_attention(query[:, None], clips, clips, mask, scale=1.0)[:, 0]
