"""The gate of dynamic cross-attention: clip by clip it chooses the attended features or the unattended ones.

"Cross-Attention is Not Always Needed: Dynamic Cross-Attention for Audio-Visual Dimensional Emotion Recognition",
section 3-C, eqs 2-5.
"""

from torch import Tensor, nn
from torch.nn.functional import relu

from engine.errors import ConfigurationError
from engine.layers.pooling import masked_mean


class Gate(nn.Module):
    """`G = softmax(X_att W / T)`, `ReLU(X G0 + X_att G1)`: column 0 weighs the unattended, column 1 the attended."""

    def __init__(self, *, width: int, temperature: float) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigurationError(f"the gate's temperature is {temperature}; it has to be above 0")
        self.temperature = temperature
        self.weigh = nn.Linear(width, 2, bias=False)

    def forward(self, unattended: Tensor, attended: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, d]` of both kinds, mask `[B, L]`: gated clips, the mean weight `[B]` of the attended."""
        weights = (self.weigh(attended) / self.temperature).softmax(-1)
        gated = relu(unattended * weights[..., :1] + attended * weights[..., 1:])
        return gated, masked_mean(weights[..., 1:], mask)[:, 0]
