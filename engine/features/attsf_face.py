"""ATTSF-Net's way in for the face: EfficientFace's features, frame by frame, under a convolution over time.

"ATTSF-Net: Attention-Based Similarity Fusion Network for Audio-Visual Emotion Recognition", section III-B.
"""

from torch import Tensor, nn

from engine.features.efficientface import EfficientFaceEncoder
from engine.layers.packing import packed


class AttsfFace(nn.Module):
    """Face crops to one token a frame; neighbours in time are the frames that have a face.

    `frames` is the encoder of one frame, whose trained weights may be loaded into it alone.
    """

    def __init__(self, *, frames: EfficientFaceEncoder, width: int) -> None:
        super().__init__()
        self.width = width
        self.frames = frames
        self.convolution = nn.Conv1d(frames.width, width, 3, padding=1)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, F, width]` and a mask without gaps."""
        if not bool(mask.any()):
            return inputs.new_zeros(*mask.shape, self.width), mask
        features, mask = packed(*self.frames.extract(inputs, mask))
        tokens = self.convolution(features.transpose(1, 2)).transpose(1, 2)
        return tokens.masked_fill(~mask[..., None], 0), mask
