"""Batch normalisation over the real items of a padded batch."""

from torch import Tensor, nn


class MaskedBatchNorm(nn.Module):
    """`torch.nn.BatchNorm1d` whose mean and variance no padding enters, in training as at inference.

    A batch with a single real value in training has no variance: the running statistics serve it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, items: Tensor, mask: Tensor) -> Tensor:
        """Items `[B, T, ..., width]`, mask `[B, T]` (True = real): the same shape, 0 at padding."""
        real = items[mask]
        flat = real.reshape(-1, items.shape[-1])
        if len(flat) > 1 or not self.training:
            normed = self.norm(flat)
        else:
            normed = nn.functional.batch_norm(
                flat, self.norm.running_mean, self.norm.running_var, self.norm.weight, self.norm.bias, eps=self.norm.eps
            )
        result = items.new_zeros(items.shape)
        result[mask] = normed.view(real.shape)
        return result
