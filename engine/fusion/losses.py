"""What the fusion models are trained on: cross-entropy, ATTSF-Net's similarity, DCA's concordance."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.errors import ConfigurationError
from engine.fusion.base import Fused, Over

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


def own_loss(
    fused: Fused,
    target: Tensor,
    *,
    audio_present: Tensor,
    video_present: Tensor,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    affect: Tensor | None = None,
    affect_weight: float = 1.0,
) -> Tensor:
    """What a model is trained on by its own paper: concordance for numbers, else cross-entropy, ATTSF-Net's with more.

    target `[N]` classes or `[N, K]` numbers; present `[N]`; affect `[N, 2]` valence and arousal beside the classes, NaN
    where an utterance has none: the concordance loss of those that have it is added.
    """
    weights = fused.auxiliary
    if weights is None:
        total = _main_loss(fused.logits, target, class_weights, label_smoothing)
    else:
        total = attsf_loss(
            fused,
            target,
            audio_present=audio_present,
            video_present=video_present,
            audio_weight=weights.audio,
            video_weight=weights.video,
            similarity_weight=weights.similarity,
            over=weights.over,
            class_weights=class_weights,
            label_smoothing=label_smoothing,
        )
    if affect is None:
        return total
    if fused.affect is None:
        raise ConfigurationError("there are values of affect to learn, but the model says none: build it with affect")
    known = affect.isfinite().all(dim=1)
    if not _spread_out(known):
        return total
    return total + affect_weight * concordance_loss(fused.affect[known], affect[known])


def attsf_loss(
    fused: Fused,
    target: Tensor,
    *,
    audio_present: Tensor,
    video_present: Tensor,
    audio_weight: float = 0.5,
    video_weight: float = 0.5,
    similarity_weight: float = 0.3,
    over: Over = "batch",
    least_variance: float = LEAST_VARIANCE,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Eq. 18: the main loss, each auxiliary classifier's, and the similarity of eq. 17.

    target `[B]` classes or `[B, K]` numbers; present `[B]`: what is absent teaches its own branch nothing. A weight of
    0 leaves its loss out, and so does a model that was built without the branch.
    """
    total, branches = _main_loss(fused.logits, target, class_weights, label_smoothing), fused.branches
    sides = (("audio", audio_present, audio_weight), ("video", video_present, video_weight))
    for name, present, weight in sides:
        said = branches.get(f"{name}_logits")
        enough = _spread_out(present) if target.is_floating_point() else bool(present.any())
        if weight and said is not None and enough:
            total = total + weight * _main_loss(said[present], target[present], class_weights, label_smoothing)
        if similarity_weight and "token" in branches and _spread_out(present):
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


def _main_loss(said: Tensor, target: Tensor, class_weights: Tensor | None, label_smoothing: float) -> Tensor:
    if target.is_floating_point():
        return concordance_loss(said, target)
    return cross_entropy(said, target, class_weights, label_smoothing=label_smoothing)


def _spread_out(rows: Tensor) -> bool:
    """One row alone has no variance."""
    return int(rows.sum()) > 1
