"""A checkpoint's parts together, behind the one call a wave: `infer`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.artifact import Artifact
from engine.decision import at_once
from engine.dialogue.second_look import Looked
from engine.drift.reference import Reference
from engine.drift.reference import read as read_reference
from engine.drift.tallies import tallies
from engine.fusion.affect import WithAffect
from engine.fusion.base import Fused
from engine.parts import Parts, load
from engine.signals import FACE_SIZE, SAMPLE_RATE_HZ, Estimate, Revised, StepOutcome, StepRequest, Utterance
from schemas.labels import CIRCUMPLEX, EMOTIONS

# Shorter sounds are padded to this; an encoder's window has to fit in.
_SHORTEST = SAMPLE_RATE_HZ // 10


class Models(Protocol):
    """Encoders, fusion and dialogue step as one call; in process or behind a server."""

    model_id: str
    """Hash of the checkpoint: the `model_id` of every event."""

    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        """One outcome a request, in order. At most one request of a dialogue in a wave.

        Raises `InferenceUnavailable` when a server does not answer, `SnapshotMismatch` for a foreign state.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Tokens:
    audio: Tensor
    audio_mask: Tensor
    video: Tensor
    video_mask: Tensor


class LocalModels:
    """The parts in this process, on one device. Keeps nothing of a conversation.

    Valence and arousal are the fusion's own regression where it has learned one. Then they are the utterance's own:
    whatever decides the category by the dialogue's history, and looks at it again, leaves them as they are. Elsewhere
    they are the mean of the circumplex under the turn's probabilities.

    reference: what the turns' features are told against; None: nothing is told of them.
    """

    def __init__(
        self,
        *,
        model_id: str,
        parts: Parts,
        explain: bool,
        device: torch.device,
        reference: Reference | None = None,
    ) -> None:
        self.model_id = model_id
        self._parts = parts
        self._reference = reference
        self._explain = explain
        self._device = device
        self._circumplex = torch.tensor([CIRCUMPLEX[label] for label in EMOTIONS], device=device)
        self._affect_source = "regression" if isinstance(parts.fusion, WithAffect) else "circumplex"

    @torch.inference_mode()
    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        """See `Models`. Encoders and fusion see the whole wave's turns as one batch."""
        turns = [turn for request in wave for turn in request.turns]
        tokens = self._encode(turns) if turns else None
        versions = [self._fuse(one) for one in (tokens, *self._masked(tokens))] if tokens else [self._nothing()]
        decided = self._parts.decision.stream(wave, versions)
        estimates = iter(self._estimates(decided.logits, tokens, versions[0]) if tokens else ())
        revised = [self._revised(one) for one in decided.looked] or [()] * len(wave)
        counts = iter(self._tallies(tokens) if tokens else ())
        return [
            StepOutcome(
                tensors=tensors,
                estimates=tuple(next(estimates) for _ in request.turns),
                revised=again,
                tally=tuple(name for _ in request.turns for name in next(counts)),
            )
            for request, tensors, again in zip(wave, decided.tensors, revised, strict=True)
        ]

    def _nothing(self) -> Fused:
        """Of a wave in which dialogues end and nobody speaks."""
        nothing = torch.zeros(0, self._parts.fusion.width, device=self._device)
        return Fused(u=nothing, v=nothing, logits=torch.zeros(0, len(EMOTIONS), device=self._device))

    def _encode(self, turns: Sequence[Utterance]) -> _Tokens:
        audio, audio_mask = _pad_audio(turns)
        faces, face_mask = _pad_faces(turns)
        audio, audio_mask = self._parts.voice.extract(audio.to(self._device), audio_mask.to(self._device))
        video, video_mask = self._parts.face.extract(faces.to(self._device), face_mask.to(self._device))
        return _Tokens(audio, audio_mask, video, video_mask)

    def _fuse(self, tokens: _Tokens) -> Fused:
        return self._parts.fusion.fuse(tokens.audio, tokens.audio_mask, tokens.video, tokens.video_mask)

    def _masked(self, tokens: _Tokens) -> tuple[_Tokens, ...]:
        """The same turns without their audio and without their video, where there is something to tell apart."""
        both = tokens.audio_mask.any(1) & tokens.video_mask.any(1)
        if not self._explain or not bool(both.any()):
            return ()
        return (
            replace(tokens, audio_mask=torch.zeros_like(tokens.audio_mask)),
            replace(tokens, video_mask=torch.zeros_like(tokens.video_mask)),
        )

    def _tallies(self, tokens: _Tokens) -> list[tuple[str, ...]]:
        """Of every turn, the counts of where its features fall among those of training."""
        if self._reference is None:
            return [()] * len(tokens.audio)
        return tallies(
            self._reference,
            {"audio": (tokens.audio, tokens.audio_mask), "video": (tokens.video, tokens.video_mask)},
        )

    def _estimates(self, logits: Tensor, tokens: _Tokens, fused: Fused) -> list[Estimate]:
        scores = torch.log_softmax(logits / self._parts.temperature, dim=2)
        weights = _weights(scores, tokens)
        return [
            self._estimate(
                scores[row, 0].exp(),
                weights[row],
                felt=None if fused.affect is None else fused.affect[row],
                gate={name: float(one[row]) for name, one in fused.gate.items()},
            )
            for row in range(len(logits))
        ]

    def _estimate(
        self, chances: Tensor, weights: Tensor, *, felt: Tensor | None, gate: Mapping[str, float]
    ) -> Estimate:
        affect = chances @ self._circumplex if felt is None else felt
        return Estimate(
            distribution=chances.cpu().numpy().astype(np.float32),
            confidence=float(chances.max()),
            valence=float(affect[0]),
            arousal=float(affect[1]),
            affect_source=self._affect_source,
            weight_audio=float(weights[0]),
            weight_video=float(weights[1]),
            gate=gate,
            abstained=self._abstained(chances),
        )

    def _revised(self, looked: Looked) -> tuple[Revised, ...]:
        chances = torch.softmax(looked.logits / self._parts.revised_temperature, dim=1)
        fusion = self._parts.fusion
        affect = fusion.felt(looked.u) if isinstance(fusion, WithAffect) else chances @ self._circumplex
        return tuple(
            Revised(
                number=number,
                distribution=one.cpu().numpy().astype(np.float32),
                confidence=float(one.max()),
                valence=float(felt[0]),
                arousal=float(felt[1]),
                affect_source=self._affect_source,
                abstained=self._abstained(one),
            )
            for number, one, felt in zip(looked.numbers, chances, affect, strict=True)
        )

    def _abstained(self, chances: Tensor) -> str | None:
        line = self._parts.abstain_below
        return f"confidence below {line:.2f}" if float(chances.max()) < line else None


def load_models(artifact: Artifact, *, explain: bool, device: str, revise: bool = True) -> LocalModels:
    """The parts of a checkpoint behind `infer`. Raises `CheckpointError` if its files do not fit each other.

    revise: look at turns again, where the checkpoint has learned to. What its training's turns looked like is read too,
    where that lies beside it.
    """
    parts = load(artifact, device=device)
    return LocalModels(
        model_id=artifact.model_id,
        parts=parts if revise else replace(parts, decision=at_once(parts.decision)),
        explain=explain,
        device=torch.device(device),
        reference=read_reference(artifact.folder, model_id=artifact.model_id),
    )


def _weights(scores: Tensor, tokens: _Tokens) -> Tensor:
    """How much audio and video counted in each turn, `[N, 2]`, each row summing to 1.

    The same measure for every fusion model: the drop in the decision's log-probability when that modality is masked.
    scores `[N, R, K]`: all of it, without audio, without video. With one modality, or none measured, presence counts.
    """
    present = torch.stack([tokens.audio_mask.any(1), tokens.video_mask.any(1)], dim=1).float()
    weights = present / present.sum(1, keepdim=True).clamp(min=1)
    if scores.shape[1] == 1:
        return weights
    decision = scores[:, 0].argmax(1)[:, None, None].expand(-1, scores.shape[1], 1)
    certainty = scores.gather(2, decision).squeeze(2)
    drops = (certainty[:, :1] - certainty[:, 1:]).clamp(min=0)
    total = drops.sum(1, keepdim=True)
    told = (present.sum(1, keepdim=True) == 2) & (total > 0)
    return torch.where(told, drops / total.clamp(min=torch.finfo(total.dtype).tiny), weights)


def _pad_audio(turns: Sequence[Utterance]) -> tuple[Tensor, Tensor]:
    longest = max((len(turn.audio) for turn in turns if turn.audio is not None), default=0)
    samples = torch.zeros(len(turns), max(longest, _SHORTEST))
    mask = torch.zeros(samples.shape, dtype=torch.bool)
    for row, turn in enumerate(turns):
        if turn.audio is not None:
            # Copied: arrays that came through shared memory are read-only.
            samples[row, : len(turn.audio)] = torch.from_numpy(turn.audio.copy())
            mask[row, : max(len(turn.audio), _SHORTEST)] = True
    return samples, mask


def _pad_faces(turns: Sequence[Utterance]) -> tuple[Tensor, Tensor]:
    most = max((len(turn.faces) for turn in turns if turn.faces is not None), default=1)
    crops = torch.zeros(len(turns), most, 3, FACE_SIZE, FACE_SIZE)
    mask = torch.zeros(len(turns), most, dtype=torch.bool)
    for row, turn in enumerate(turns):
        if turn.faces is not None:
            crops[row, : len(turn.faces)] = torch.from_numpy(turn.faces.copy()).permute(0, 3, 1, 2) / 255.0
            mask[row, : len(turn.faces)] = True
    return crops, mask
