"""The face encoder of a checkpoint without one: whatever is seen, there is no token of it."""

from typing import Final

from torch import Tensor, nn

NONE: Final = "none"
"""Its name in a recipe and in a checkpoint."""


class NoFaces(nn.Module):
    """A `FeatureExtractor` that has nothing to learn: every item is one whose picture is absent."""

    width = 0

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """No tokens `[B, 0, 0]`, and their mask `[B, 0]`."""
        return inputs.new_zeros(len(inputs), 0, self.width), mask.new_zeros(len(mask), 0)
