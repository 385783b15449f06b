"""What decides a turn once its modalities are fused: the states of its dialogue, or the utterance alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from engine.dialogue import recent
from engine.dialogue.causal import CausalDialogue
from engine.dialogue.cells import Ablation
from engine.dialogue.recent import Recent
from engine.dialogue.revision import Revision
from engine.dialogue.second_look import Looked, look_again
from engine.dialogue.wave import Advanced, Turn, advance
from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.signals import StepRequest, Tensors


@dataclass(frozen=True, slots=True)
class Decided:
    """A wave after its turns."""

    tensors: Sequence[Tensors]
    """Of every request's dialogue, in order."""
    logits: Tensor
    """`[N, R, K]`: every version of every turn, the turns in the wave's order."""
    looked: Sequence[Looked] = ()
    """Of every request's dialogue, in order; none at all where nothing is looked at again."""


class Decision(Protocol):
    """Reads a turn's logits off what fusion made of it, in a stream and over whole dialogues alike."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What it has learned, by the name of its part in a checkpoint; empty where that is nothing."""
        ...

    def stream(self, wave: Sequence[StepRequest], versions: Sequence[Fused]) -> Decided:
        """Step every dialogue of a wave through its turns.

        versions: R of them, each of all N turns; the first is what was heard and seen, the others are what-ifs that
        leave no trace. Raises `SnapshotMismatch` for a foreign state.
        """
        ...

    def whole(self, fused: Fused, *, real: Tensor, speakers: Tensor, lengths: Tensor, announced: Tensor) -> Tensor:
        """Logits `[N, K]` of the N turns of B whole dialogues, no turn seeing a later one.

        real `[B, T]` says where the turns stand, so that `x[real]` are the N; the rest as in `CausalDialogue`.
        """
        ...


@dataclass(frozen=True, slots=True)
class DialogueStates:
    """AVAFN's states: a turn is decided from all turns up to it, and may be looked at again."""

    dialogue: CausalDialogue
    revision: Revision | None = None

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """See `Decision`."""
        return {"dialogue": self.dialogue} | ({} if self.revision is None else {"revision": self.revision})

    def stream(self, wave: Sequence[StepRequest], versions: Sequence[Fused]) -> Decided:
        """See `Decision`."""
        u = torch.stack([fused.u for fused in versions], dim=1)
        v = torch.stack([fused.v for fused in versions], dim=1)
        turns = [turn for request in wave for turn in request.turns]
        stepping = iter([Turn(turn.speaker, u[row], v[row]) for row, turn in enumerate(turns)])
        advanced = advance(
            self.dialogue,
            [request.tensors for request in wave],
            [[next(stepping) for _ in request.turns] for request in wave],
            [request.announced for request in wave],
        )
        logits = torch.cat([one.logits for one in advanced])
        stepped = [recent.without(one.tensors) for one in advanced]
        if self.revision is None:
            return Decided(stepped, logits)
        looked = look_again(
            self.revision, self._recent(wave, advanced, versions[0]), [request.ended for request in wave]
        )
        return Decided(
            [{**tensors, **recent.pack(one.recent)} for tensors, one in zip(stepped, looked, strict=True)],
            logits,
            looked,
        )

    def _recent(self, wave: Sequence[StepRequest], advanced: Sequence[Advanced], fused: Fused) -> list[list[Recent]]:
        """Of every dialogue, the turns that waited for a second look and those of this wave."""
        emotion = torch.cat([one.emotion for one in advanced])
        heard = iter(torch.stack([fused.u, fused.v, emotion], dim=1).to("cpu", torch.float32).numpy())
        width = self.dialogue.width
        return [
            [
                *recent.unpack(request.tensors, width=width),
                *(Recent(turn.number, turn.speaker, *next(heard)) for turn in request.turns),
            ]
            for request in wave
        ]

    def whole(self, fused: Fused, *, real: Tensor, speakers: Tensor, lengths: Tensor, announced: Tensor) -> Tensor:
        """See `Decision`."""
        padded, _ = self.dialogue(*self.padded(fused, real), speakers, lengths, announced)
        logits: Tensor = padded[real]
        return logits

    def padded(self, fused: Fused, real: Tensor) -> tuple[Tensor, Tensor]:
        """Pad u and v of N turns to `[B, T, d]` each, at the places where `real` `[B, T]` says that they stand."""
        u = fused.u.new_zeros(*real.shape, fused.u.shape[1])
        v = torch.zeros_like(u)
        u[real], v[real] = fused.u, fused.v
        return u, v


@dataclass(frozen=True, slots=True)
class UtteranceAlone:
    """The fusion's own head: a turn is decided from itself, and a dialogue's tensors stay as they are."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """See `Decision`."""
        return {}

    def stream(self, wave: Sequence[StepRequest], versions: Sequence[Fused]) -> Decided:
        """See `Decision`."""
        return Decided([request.tensors for request in wave], torch.stack([fused.logits for fused in versions], dim=1))

    def whole(self, fused: Fused, *, real: Tensor, speakers: Tensor, lengths: Tensor, announced: Tensor) -> Tensor:
        """See `Decision`."""
        return fused.logits


def dialogue_states(
    *, width: int, classes: int = 7, dropout: float = 0.0, ablation: Ablation | None = None
) -> DialogueStates:
    """AVAFN's states, as wide as the fusion's utterance vector."""
    return DialogueStates(CausalDialogue(width=width, classes=classes, dropout=dropout, ablation=ablation))


def decision(numbers: Mapping[str, Any]) -> Decision:
    """The decision that `numbers["name"]` says, AVAFN's states where it says none, from the other numbers.

    Raises `ConfigurationError` for a name that is not known, `TypeError` for a number that it does not have.
    """
    arguments = dict(numbers)
    name = arguments.pop("name", "avafn")
    if name not in _BUILDERS:
        raise ConfigurationError(f"no dialogue model is called {name!r}; there are {', '.join(_BUILDERS)}")
    return _BUILDERS[name](**arguments)


def looking_again(states: Decision, *, turns_ahead: int, dropout: float = 0.0) -> DialogueStates:
    """The same states with backward cells, untrained, that look at a turn again when `turns_ahead` more are known.

    Raises `ConfigurationError` where no states of a dialogue decide.
    """
    if not isinstance(states, DialogueStates):
        raise ConfigurationError(
            "a revision looks back over the states of a dialogue; here the utterance alone decides"
        )
    dialogue = states.dialogue
    revision = Revision(
        width=dialogue.width,
        turns_ahead=turns_ahead,
        classes=dialogue.classifier.out_features,
        dropout=dropout,
        ablation=dialogue.cells.ablation,
    )
    return replace(states, revision=revision)


def at_once(deciding: Decision) -> Decision:
    """The same decision without second looks."""
    return replace(deciding, revision=None) if isinstance(deciding, DialogueStates) else deciding


_BUILDERS: Mapping[str, Callable[..., Decision]] = {"avafn": dialogue_states, "none": UtteranceAlone}
