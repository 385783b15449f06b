"""The four recurrent cells of AVAFN and the attentive context between them: one turn of a dialogue is one step.

Luo et al., "Mutual Cross-Attention in Dyadic Fusion Networks", eqs 8-12; the readings chosen are in README.md here.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from engine.dialogue.state import DialogueStates
from engine.errors import ConfigurationError
from engine.layers.pooling import masked_mean
from engine.layers.recurrent import gated_step

Ablation = Literal["no_acm", "no_acm_all", "no_ssm", "no_ilm", "single_turn"]
"""What is taken away: the attentive context of eq. 10; that and C itself; the speaker's cell; the listeners' cell;
or all history, so that every turn is the first of its dialogue (the control of every comparison)."""


class DialogueCells(nn.Module):
    """GRU_C, GRU_S, GRU_L, GRU_E and the scores of eq. 9, over states of one width d."""

    def __init__(self, *, width: int, ablation: Ablation | None = None) -> None:
        super().__init__()
        if width < 1:
            raise ConfigurationError(f"the width of the dialogue states is {width}; it has to be at least 1")
        if ablation is not None and ablation not in get_args(Ablation):
            raise ConfigurationError(
                f"there is no ablation {ablation!r}; choose one of {', '.join(get_args(Ablation))}"
            )
        self.width = width
        self.ablation = ablation
        self.context_cell = nn.GRUCell(2 * width, width)
        self.speaker_cell = nn.GRUCell(2 * width, width)
        self.listener_cell = nn.GRUCell(2 * width, width)
        self.emotion_cell = nn.GRUCell(3 * width, width)
        self.score = nn.Linear(width, 1)

    def step(
        self, states: DialogueStates, u: Tensor, v: Tensor, speaker: Tensor, active: Tensor
    ) -> tuple[DialogueStates, Tensor]:
        """One turn of every active dialogue: the states after it and E `[B, d]`.

        u, v `[B, d]`; speaker `[B]` the slot of who speaks; active `[B]`: a dialogue that is not active is returned as
        it came, bit for bit, whatever stands in its row. The cost does not depend on the turns before.
        """
        u, v = (part.masked_fill(~active[:, None], 0) for part in (u, v))
        speaker = speaker.masked_fill(~active, 0)
        turned = self._turn(self._history(states), u, v, speaker)
        states = turned.where(active, states)
        return states, states.emotion

    def run(
        self,
        u: Tensor,
        v: Tensor,
        speakers: Tensor,
        lengths: Tensor,
        announced: Tensor | None = None,
        *,
        reverse: bool = False,
    ) -> Tensor:
        """E of every turn of whole dialogues `[B, T, d]`, by the same step.

        u, v `[B, T, d]`; speakers `[B, T]` slots; lengths `[B]` turns; announced `[B, P]` the slots known from the
        start. `reverse` runs each dialogue from its last turn to its first. Rows after the end mean nothing.
        """
        turns = u.shape[1]
        real = torch.arange(turns, device=u.device) < lengths[:, None]
        slots = int(speakers.masked_fill(~real, 0).max()) + 1 if speakers.numel() else 1
        if announced is None:
            announced = real.new_zeros(len(u), slots)
        elif announced.shape[1] < slots:
            announced = torch.cat([announced, real.new_zeros(len(u), slots - announced.shape[1])], dim=1)
        states = DialogueStates.start(announced, width=self.width, like=u)
        emotions = [u] * turns
        for turn in reversed(range(turns)) if reverse else range(turns):
            states, emotions[turn] = self.step(states, u[:, turn], v[:, turn], speakers[:, turn], real[:, turn])
        return torch.stack(emotions, dim=1) if emotions else u

    def _history(self, states: DialogueStates) -> DialogueStates:
        if self.ablation != "single_turn":
            return states
        return DialogueStates.start(states.announced, width=self.width, like=states.context)

    def _turn(self, states: DialogueStates, u: Tensor, v: Tensor, speaker: Tensor) -> DialogueStates:
        speaks = one_hot(speaker, states.spoken.shape[1]).bool()
        before = states.speakers[torch.arange(len(u), device=u.device), speaker]
        nothing = torch.zeros_like(before)

        context, attention_sum, attention_weight = states.context, states.attention_sum, states.attention_weight
        if self.ablation != "no_acm_all":
            heard_of = nothing if self.ablation == "no_ssm" else before
            context = self.context_cell(torch.cat([u, heard_of], dim=1), context)  # eq. 8
        if self.ablation not in ("no_acm", "no_acm_all"):
            # Eq. 9 scores C_k by itself and within (-1, 1): its softmax over the whole past is a running mean.
            weight = torch.exp(torch.tanh(self.score(context))).squeeze(1)
            attention_weight = attention_weight + weight
            share = (weight / attention_weight)[:, None]
            attention_sum = attention_sum + share * (context - attention_sum)

        if self.ablation == "no_ssm":
            after, said = before, nothing
        else:
            after = self.speaker_cell(torch.cat([states.attention_sum, u], dim=1), before)  # eq. 10
            said = after

        others, silent, heard = states.speakers, states.silent, nothing
        if self.ablation != "no_ilm":
            listeners = torch.cat([others, silent[:, None]], dim=1)
            listeners = gated_step(self.listener_cell, torch.cat([v, u], dim=1)[:, None], listeners)  # eq. 11
            others, silent = listeners[:, :-1], listeners[:, -1]
            counted = (states.spoken | states.announced) & ~speaks
            counted = torch.cat([counted, ~counted.any(dim=1, keepdim=True)], dim=1)
            heard = masked_mean(listeners, counted)

        return DialogueStates(
            context=context,
            attention_sum=attention_sum,
            attention_weight=attention_weight,
            emotion=self.emotion_cell(torch.cat([context, said, heard], dim=1), states.emotion),  # eq. 12
            silent=silent,
            speakers=torch.where(speaks[..., None], after[:, None], others),
            spoken=states.spoken | speaks,
            announced=states.announced,
        )
