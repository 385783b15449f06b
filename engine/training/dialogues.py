"""The fusion's and the dialogue states' training on dialogues, over the tokens of frozen encoders."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.dialogue.causal import CausalDialogue
from engine.fusion.base import Fused
from engine.fusion.builders import AnyFusion
from engine.fusion.losses import own_loss
from engine.training.batches import Assembler, DialogueBatch
from engine.training.corpora.base import Dialogue
from engine.training.encoders import Progress, class_weights
from engine.training.recipe import DialogueTraining

_AT_ONCE = 32
_OWN_HEAD = 0.5
"""Share of the fusion's own head in the loss: an utterance has to mean something by itself."""


def train_dialogues(
    fusion: AnyFusion,
    dialogue: CausalDialogue,
    dialogues: Sequence[Dialogue],
    assembler: Assembler,
    *,
    schedule: DialogueTraining,
    seed: int,
    progress: Progress,
) -> None:
    """Train both on dialogues as the stream will meet them: causal, modalities and participants missing."""
    generator = torch.Generator().manual_seed(seed)
    weights = class_weights(np.array([turn.label for one in dialogues for turn in one]))
    parameters = [*fusion.parameters(), *dialogue.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    steps = schedule.epochs * (len(dialogues) // schedule.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.15)
    fusion.train()
    dialogue.train()
    done = 0
    for _ in range(schedule.epochs):
        order = torch.randperm(len(dialogues), generator=generator)
        for chosen in order[: len(order) // schedule.batch * schedule.batch].view(-1, schedule.batch):
            batch = assembler.varied([dialogues[index] for index in chosen.tolist()], schedule, generator)
            fused, contextual = forward(fusion, dialogue, batch)
            loss = F.cross_entropy(contextual, batch.labels, weights, label_smoothing=schedule.label_smoothing)
            loss = loss + _OWN_HEAD * own_loss(
                fused,
                batch.labels,
                audio_present=batch.audio_mask.any(dim=1),
                video_present=batch.video_mask.any(dim=1),
                class_weights=weights,
                label_smoothing=schedule.label_smoothing,
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            rates.step()
            done += 1
            progress("dialogues", done, steps, loss.item())
    fusion.eval()
    dialogue.eval()


def forward(fusion: AnyFusion, dialogue: CausalDialogue, batch: DialogueBatch) -> tuple[Fused, Tensor]:
    """What the fusion says, and logits `[N, 7]` of the causal dialogue, a row a real turn."""
    fused = fusion.fuse(batch.audio, batch.audio_mask, batch.video, batch.video_mask)
    u = fused.u.new_zeros(*batch.real.shape, fused.u.shape[1])
    v = torch.zeros_like(u)
    u[batch.real], v[batch.real] = fused.u, fused.v
    logits, _ = dialogue(u, v, batch.speakers, batch.lengths, batch.announced)
    return fused, logits[batch.real]


@torch.no_grad()
def predict(
    fusion: AnyFusion,
    dialogue: CausalDialogue,
    dialogues: Sequence[Dialogue],
    assembler: Assembler,
    *,
    at_once: int = 32,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Logits of the fusion's own head, logits of the causal dialogue (`[N, 7]` each) and labels `[N]`, in order."""
    singles, contextuals, labels = [], [], []
    for start in range(0, len(dialogues), _AT_ONCE):
        batch = assembler.plain(dialogues[start : start + _AT_ONCE])
        fused, contextual = forward(fusion, dialogue, batch)
        singles.append(fused.logits.double().numpy())
        contextuals.append(contextual.double().numpy())
        labels.append(batch.labels.numpy())
    return np.concatenate(singles), np.concatenate(contextuals), np.concatenate(labels)
