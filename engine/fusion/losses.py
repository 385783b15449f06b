"""What the fusion models are trained on: cross-entropy, ATTSF-Net's similarity, DCA's concordance."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

Over = Literal["batch", "features"]

LEAST_VARIANCE = 1e-6
"""Added to both variances: a feature that is the same everywhere has no Gaussian."""


def similarity(main: Tensor, token: Tensor, *, over: Over, least_variance: float = LEAST_VARIANCE) -> Tensor:
    """Symmetric divergence `KL(token || main) + KL(main || token)` of two Gaussians (eqs 14-16), a scalar.

    main, token `[B, d]`. `features`: one Gaussian an utterance, over its d features, as the paper writes it; behind a
    LayerNorm that is nearly constant. `batch`: one Gaussian a feature, over the batch. Variances are 1/n.
    """
    dim = 0 if over == "batch" else 1
    divergence = symmetric_divergence(main, token, dim=dim, least_variance=least_variance)
    return divergence.mean() if len(main) else main.sum()


def symmetric_divergence(main: Tensor, token: Tensor, *, dim: int, least_variance: float = 0.0) -> Tensor:
    """The symmetric divergence of the Gaussians along `dim`, in closed form; the other dimension is kept."""
    mean_gap = (main.mean(dim) - token.mean(dim)).square()
    of_main = main.var(dim, correction=0) + least_variance
    of_token = token.var(dim, correction=0) + least_variance
    # The logarithms of the two directions cancel.
    return 0.5 * ((of_token + mean_gap) / of_main + (of_main + mean_gap) / of_token) - 1


def attsf_loss(
    logits: Tensor,
    branches: Mapping[str, Tensor],
    target: Tensor,
    *,
    audio_present: Tensor,
    video_present: Tensor,
    audio_weight: float = 0.5,
    video_weight: float = 0.5,
    similarity_weight: float = 0.3,
    over: Over = "batch",
    least_variance: float = LEAST_VARIANCE,
) -> Tensor:
    """Eq. 18: the main loss, each auxiliary classifier's, and the similarity of eq. 17.

    logits `[B, K]`, target `[B]`; present `[B]`: what is absent teaches its own branch nothing. A weight of 0 leaves
    its loss out. `branches` are those of `Fused`.
    """
    total = cross_entropy(logits, target)
    sides = (("audio", audio_present, audio_weight), ("video", video_present, video_weight))
    for name, present, weight in sides:
        if weight and bool(present.any()):
            total = total + weight * cross_entropy(branches[f"{name}_logits"][present], target[present])
        if similarity_weight and int(present.sum()) > 1:
            apart = similarity(
                branches[name][present], branches["token"][present], over=over, least_variance=least_variance
            )
            total = total + similarity_weight * 0.5 * apart
    return total


def concordance(prediction: Tensor, target: Tensor) -> Tensor:
    """Lin's concordance correlation coefficient of each column, `[N, K]` to `[K]`; variances are 1/n.

    A constant prediction of a constant target has 0.
    """
    mean_p, mean_t = prediction.mean(0), target.mean(0)
    covariance = ((prediction - mean_p) * (target - mean_t)).mean(0)
    spread = prediction.var(0, correction=0) + target.var(0, correction=0) + (mean_p - mean_t).square()
    return 2 * covariance / spread.where(spread > 0, spread.new_ones(()))


def concordance_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean of `1 - CCC` over the columns."""
    return (1 - concordance(prediction, target)).mean()
