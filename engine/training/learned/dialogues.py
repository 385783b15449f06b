"""The fusion's and the dialogue model's training on dialogues, over the tokens of frozen encoders."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.decision import Decision
from engine.fusion.base import Fused
from engine.fusion.builders import AnyFusion
from engine.fusion.losses import own_loss
from engine.training.corpora.base import Dialogue
from engine.training.fitting.fit import Following, fit
from engine.training.learned.encoders import class_weights
from engine.training.material.batches import Assembler, DialogueBatch
from engine.training.recipe import DialogueTraining

_AT_ONCE = 32
_OWN_HEAD = 0.5
"""Share of the fusion's own head in the loss: an utterance has to mean something by itself."""


def train_dialogues(
    fusion: AnyFusion,
    decision: Decision,
    dialogues: Sequence[Dialogue],
    assembler: Assembler,
    *,
    schedule: DialogueTraining,
    seed: int,
    following: Following,
) -> None:
    """Train both on dialogues as the stream will meet them: causal, modalities and participants missing.

    Where nothing but the fusion learns, its own loss is all there is. A fusion that says valence and arousal learns
    them in that loss, from the turns that people rated.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = np.array([turn.label for one in dialogues for turn in one])
    weights = class_weights(labels, balance=schedule.balance).to(following.device)

    def loss_of(chosen: Tensor) -> Tensor:
        batch = assembler.varied([dialogues[index] for index in chosen.tolist()], schedule, generator)
        batch = batch.on(following.device)
        fused, logits = forward(fusion, decision, batch)
        own = own_loss(
            fused,
            batch.labels,
            audio_present=batch.audio_mask.any(dim=1),
            video_present=batch.video_mask.any(dim=1),
            class_weights=weights,
            label_smoothing=schedule.label_smoothing,
            affect=None if fused.affect is None else batch.affect,
        )
        if not decision.modules:
            return own
        decided = F.cross_entropy(logits, batch.labels, weights, label_smoothing=schedule.label_smoothing)
        return decided + _OWN_HEAD * own

    fit(
        "dialogues",
        [fusion, *decision.modules.values()],
        loss_of,
        items=len(dialogues),
        schedule=schedule,
        generator=generator,
        following=following,
    )


def forward(fusion: AnyFusion, decision: Decision, batch: DialogueBatch) -> tuple[Fused, Tensor]:
    """What the fusion says, and the logits `[N, 7]` decided on, a row a real turn."""
    fused = fusion.fuse(batch.audio, batch.audio_mask, batch.video, batch.video_mask)
    logits = decision.whole(
        fused, real=batch.real, speakers=batch.speakers, lengths=batch.lengths, announced=batch.announced
    )
    return fused, logits


@torch.no_grad()
def predict(
    fusion: AnyFusion, decision: Decision, dialogues: Sequence[Dialogue], assembler: Assembler
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Logits of the fusion's own head, logits decided on (`[N, 7]` each) and labels `[N]`, in order."""
    own, decided, labels = [], [], []
    for start in range(0, len(dialogues), _AT_ONCE):
        batch = assembler.plain(dialogues[start : start + _AT_ONCE])
        fused, logits = forward(fusion, decision, batch)
        own.append(fused.logits.double().numpy())
        decided.append(logits.double().numpy())
        labels.append(batch.labels.numpy())
    return np.concatenate(own), np.concatenate(decided), np.concatenate(labels)


@torch.no_grad()
def predict_affect(
    fusion: AnyFusion, dialogues: Sequence[Dialogue], assembler: Assembler
) -> NDArray[np.float64] | None:
    """Valence and arousal `[N, 2]` as the fusion says them of each turn by itself; None: it says none."""
    said: list[NDArray[np.float64]] = []
    for start in range(0, len(dialogues), _AT_ONCE):
        batch = assembler.plain(dialogues[start : start + _AT_ONCE])
        felt = fusion.fuse(batch.audio, batch.audio_mask, batch.video, batch.video_mask).affect
        if felt is None:
            return None
        said.append(felt.double().numpy())
    return np.concatenate(said)
