"""A fusion model's training on performances: moved, noised, mixed, and at times one modality short."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.fusion.builders import AnyFusion
from engine.fusion.losses import own_loss
from engine.training.comparison.linear import Linear
from engine.training.fitting.fit import Following, fit
from engine.training.units.material import Scaled
from engine.training.units.recipe import Augmentation, Training
from engine.training.voices.augmentation import mixup

Model = AnyFusion | Linear


@dataclass(frozen=True, slots=True)
class Given:
    """Which modalities a model is given."""

    audio: bool = True
    units: bool = True


def learn(
    model: Model,
    rows: Scaled,
    labels: Tensor,
    actors: Tensor,
    *,
    given: Given,
    classes: int,
    training: Training,
    augmentation: Augmentation,
    seed: int,
    following: Following,
) -> None:
    """Train the model on rows, their labels `[N]` and the numbers of their actors `[N]`, from 0 on.

    An interrupted call goes on to the same weights. Raises `ConfigurationError`: mixup with a model whose own loss
    asks for whole classes.
    """
    generator = Generator().manual_seed(seed)
    changing = _Changing(rows, actors, augmentation, generator)
    targets = F.one_hot(labels, classes).float()
    nobody = torch.zeros(0, dtype=torch.long)

    def loss_of(chosen: Tensor) -> Tensor:
        values, meant = mixup(
            changing.moved(chosen)[:, None],
            targets[chosen],
            nobody.new_zeros(len(chosen)),
            beta=augmentation.mixup,
            generator=generator,
        )
        audio, units = changing.apart(values[:, 0])
        heard, seen = changing.left(len(chosen), given)
        fused = fuse(model, Scaled(audio, units), heard, seen)
        if augmentation.mixup == 0:
            return own_loss(
                fused, labels[chosen], audio_present=heard, video_present=seen, label_smoothing=training.label_smoothing
            )
        if fused.auxiliary is not None:
            raise ConfigurationError("ATTSF-Net's own loss has no mixed classes: set mixup to 0")
        return F.cross_entropy(fused.logits, meant, label_smoothing=training.label_smoothing)

    modules: list[nn.Module] = [model]
    fit("units", modules, loss_of, items=len(labels), schedule=training, generator=generator, following=following)


def fuse(model: Model, rows: Scaled, heard: Tensor, seen: Tensor) -> Fused:
    """Rows through the model, each modality as one token; heard and seen `[N]` say whether it is there."""
    return model.fuse(rows.audio[:, None], heard[:, None], rows.units[:, None], seen[:, None])


class _Changing:
    """What the rows of a batch become before a model sees them."""

    def __init__(self, rows: Scaled, actors: Tensor, numbers: Augmentation, generator: Generator) -> None:
        self._values = torch.cat((rows.audio, rows.units), dim=1)
        self._widths = [rows.audio.shape[1], rows.units.shape[1]]
        self._actors = actors
        self._means = torch.stack([self._values[actors == one].mean(dim=0) for one in range(int(actors.max()) + 1)])
        self._numbers = numbers
        self._generator = generator

    def moved(self, chosen: Tensor) -> Tensor:
        """Those rows `[B, Da + Du]` part of the way to other actors, one for each modality, under noise."""
        values = self._values[chosen]
        if self._numbers.elsewhere:
            own = self._means[self._actors[chosen]]
            ways = zip(self.apart(own), self.apart(self._means), strict=True)
            values = values + torch.cat([self._way(mine, theirs) for mine, theirs in ways], dim=1)
        if self._numbers.noise:
            values = values + self._numbers.noise * torch.randn(values.shape, generator=self._generator)
        return values

    def apart(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Audio and action units of `[B, Da + Du]`."""
        audio, units = torch.split(values, self._widths, dim=1)
        return audio, units

    def left(self, count: int, given: Given) -> tuple[Tensor, Tensor]:
        """Of so many rows, which have audio and which action units; none loses both."""
        draw = torch.rand(count, generator=self._generator)
        missing = self._numbers.missing if given.audio and given.units else 0.0
        return (draw >= missing) & given.audio, (draw < 1 - missing) & given.units

    def _way(self, own: Tensor, means: Tensor) -> Tensor:
        other = torch.randint(len(means), (len(own),), generator=self._generator)
        share = self._numbers.elsewhere * torch.rand(len(own), 1, generator=self._generator)
        return share * (means[other] - own)
