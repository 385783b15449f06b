"""What a recipe may choose: the tokens, and how AVAFN learns from them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; spreads are those of the training part's tokens."""

    features: float = 0.0
    """Spread of the features that the CAM hears beside the linear front's scores, whose spread is 1; 0: none."""
    shrinkage: float = 0.3
    """Of the linear front's covariance."""
    width: int = 32
    epochs: int = 10
    batch: int = 64
    """Dialogues."""
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    dropout: float = 0.3
    label_smoothing: float = 0.05
    class_power: float = 0.5
    """A class weighs in the loss by its number to minus this: 0 is no balancing."""
    token_noise: float = 0.3
    """In spreads of the tokens, one draw a turn and feature."""
    borrow: float = 0.0
    """Chance that a turn is heard with the voice of another turn of its label."""
    own_head: float = 0.5
    """Share of the fusion's own head in the loss."""
