"""A voice encoder under the heads it learns from: one for every corpus, over tokens pooled by attention."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import ConfigurationError
from engine.features.builders import audio_encoder
from engine.features.voice import VoiceEncoder
from engine.features.voice_residual import ResidualVoiceEncoder
from engine.layers.layout import channels_together

LearnedEncoder = VoiceEncoder | ResidualVoiceEncoder

_ATTENTION = 64
_NEVER = -1e4
_SPREAD_FLOOR = 1e-5


class VoiceClassifier(nn.Module):
    """Log-mel to the classes of every corpus, side by side; pooling and heads go when the encoder is trained.

    Tokens are pooled to their mean and spread under a softmax over time for each feature (attentive statistics,
    Okabe et al., Interspeech 2018). `classes` is how many every corpus has.
    """

    belongs: Tensor

    def __init__(self, encoder: LearnedEncoder, *, classes: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.width
        self.attention = nn.Sequential(nn.Linear(width, _ATTENTION), nn.Tanh(), nn.Linear(_ATTENTION, width))
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(2 * width, sum(classes))
        owner = torch.repeat_interleave(torch.arange(len(classes)), torch.tensor(classes))
        self.register_buffer("belongs", owner == torch.arange(len(classes))[:, None], persistent=False)

    def forward(self, frames: Tensor, mask: Tensor, corpus: Tensor) -> Tensor:
        """Log-probabilities `[B, K]` of standardised log-mel over the classes of each item's corpus, `corpus` `[B]`."""
        tokens, mask = self.encoder.encode(frames, mask)
        weights = self.attention(tokens).float().masked_fill(~mask[:, :, None], _NEVER).softmax(dim=1)
        tokens = tokens.float()
        mean = (weights * tokens).sum(dim=1)
        spread = ((weights * (tokens - mean[:, None]).square()).sum(dim=1) + _SPREAD_FLOOR).sqrt()
        logits: Tensor = self.out(self.drop(torch.cat((mean, spread), dim=1))).float()
        return logits.masked_fill(~self.belongs[corpus], _NEVER).log_softmax(dim=1)

    def loss(self, said: Tensor, targets: Tensor, corpus: Tensor, *, smoothing: float) -> Tensor:
        """Cross-entropy of log-probabilities with targets `[B, K]`, smoothed over the classes of their corpus."""
        own = self.belongs[corpus]
        even = own / own.sum(dim=1, keepdim=True)
        return -(((1 - smoothing) * targets + smoothing * even) * said.masked_fill(~own, 0)).sum(dim=1).mean()


def untrained(numbers: Mapping[str, Any], classes: Sequence[int], *, dropout: float, seed: int) -> VoiceClassifier:
    """A recipe's encoder under heads of so many classes; its first weights follow from the seed alone.

    Raises `ConfigurationError`: it is none that is learned here.
    """
    torch.manual_seed(seed)
    classifier = VoiceClassifier(learned_encoder(numbers), classes=classes, dropout=dropout)
    # As the encoder has its maps.
    channels_together(classifier)
    return classifier


def learned_encoder(numbers: Mapping[str, Any]) -> LearnedEncoder:
    """The encoder of a recipe, not yet trained. Raises `ConfigurationError`: it is none that is learned here."""
    encoder = audio_encoder(numbers)
    if not isinstance(encoder, VoiceEncoder | ResidualVoiceEncoder):
        raise ConfigurationError(
            f"[voice_encoder] 'voice' and 'voice-residual' are trained here, {numbers.get('name', 'voice')!r} not"
        )
    return encoder
