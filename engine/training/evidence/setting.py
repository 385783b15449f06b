"""What a recipe may choose: the tokens, and how AVAFN learns from them."""

from dataclasses import dataclass

from engine.training.fitting.study import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Schedule):
    """One setting; spreads are those of the training part's tokens."""

    features: float = 0.0
    """Spread of the features that the CAM hears beside the linear front's scores, whose spread is 1; 0: none."""
    shrinkage: float = 0.3
    """Of the linear front's covariance."""
    borrow: float = 0.0
    """Chance that a turn is heard with the voice of another turn of its label."""
