"""The seven emotions of MELD, their order everywhere, and where each lies in valence and arousal."""

from typing import Final, Literal, get_args

Emotion = Literal["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]

EMOTIONS: Final[tuple[Emotion, ...]] = get_args(Emotion)
"""Label order of every distribution on the wire and of every checkpoint."""

# Russell's circumplex, rounded to a tenth: the documented map that stands in where a model has no
# regression of its own. An event says which of the two its numbers come from.
CIRCUMPLEX: Final[dict[Emotion, tuple[float, float]]] = {
    "neutral": (0.0, 0.0),
    "joy": (0.8, 0.5),
    "surprise": (0.2, 0.8),
    "anger": (-0.6, 0.8),
    "sadness": (-0.7, -0.4),
    "disgust": (-0.7, 0.3),
    "fear": (-0.6, 0.7),
}
"""Valence and arousal of each emotion, both in [-1, 1]."""
