"""Batches of dialogues: which turns there are, which modality each has, and their tokens, padded."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from engine.training.corpora.base import Dialogue, Turn, ratings
from engine.training.material.tokens import TokenBank
from engine.training.recipe import DialogueTraining


@dataclass(frozen=True, slots=True)
class DialogueBatch:
    """B dialogues of at most T turns; the N real turns of all of them stand in one row after the other."""

    audio: Tensor
    """`[N, Ta, D]`"""
    audio_mask: Tensor
    video: Tensor
    """`[N, Tv, D]`"""
    video_mask: Tensor
    real: Tensor
    """`[B, T]` True: a turn; `x[real]` are the N turns."""
    labels: Tensor
    """`[N]`"""
    affect: Tensor
    """`[N, 2]` valence and arousal as people rated them, NaN where nobody did."""
    speakers: Tensor
    """`[B, T]` slots by first appearance."""
    lengths: Tensor
    """`[B]`"""
    announced: Tensor
    """`[B, P]`"""

    def on(self, device: torch.device) -> "DialogueBatch":
        """The same there."""
        return DialogueBatch(*(getattr(self, one.name).to(device) for one in fields(self)))


class Assembler:
    """Turns to padded tokens."""

    def __init__(self, *, bank: TokenBank, audio_width: int, video_width: int) -> None:
        self.bank = bank
        self.empty_audio = torch.zeros(0, audio_width)
        self.empty_video = torch.zeros(0, video_width)

    def plain(self, dialogues: Sequence[Dialogue]) -> DialogueBatch:
        """Every turn with what it has, as it is."""
        audio = [self._voice(turn, 0) for dialogue in dialogues for turn in dialogue]
        video = [self._face(turn, [0]) for dialogue in dialogues for turn in dialogue]
        return self._batch(dialogues, audio, video, announce=[False] * len(dialogues))

    def varied(self, dialogues: Sequence[Dialogue], chances: DialogueTraining, generator: Generator) -> DialogueBatch:
        """Turns whose versions, modalities and noise are drawn, of dialogues that may lack a participant."""
        dialogues = [without_one(dialogue, chances.participant_missing, generator) for dialogue in dialogues]
        dialogues = [without_modalities(dialogue, chances, generator) for dialogue in dialogues]
        audio, video = [], []
        for dialogue in dialogues:
            for turn in dialogue:
                versions = torch.randint(0, chances.versions, (3,), generator=generator).tolist()
                audio.append(self._voice(turn, versions[0]))
                video.append(self._face(turn, versions[1:]))
        announce = (torch.rand(len(dialogues), generator=generator) < 0.5).tolist()
        noisy = [[_noised(tokens, chances.token_noise, generator) for tokens in rows] for rows in (audio, video)]
        return self._batch(dialogues, noisy[0], noisy[1], announce=announce)

    def _voice(self, turn: Turn, version: int) -> Tensor:
        return self.empty_audio if turn.voice is None else self.bank.voices[turn.voice][version]

    def _face(self, turn: Turn, versions: Sequence[int]) -> Tensor:
        return self.empty_video if turn.face is None else self.bank.faces[turn.face][list(versions)].flatten(0, 1)

    def _batch(
        self, dialogues: Sequence[Dialogue], audio: list[Tensor], video: list[Tensor], *, announce: Sequence[bool]
    ) -> DialogueBatch:
        lengths = torch.tensor([len(dialogue) for dialogue in dialogues])
        real = torch.arange(int(lengths.max())) < lengths[:, None]
        speakers = torch.zeros(real.shape, dtype=torch.long)
        slots = [{name: slot for slot, name in enumerate(dict.fromkeys(t.speaker for t in d))} for d in dialogues]
        for row, dialogue in enumerate(dialogues):
            speakers[row, : len(dialogue)] = torch.tensor([slots[row][turn.speaker] for turn in dialogue])
        announced = torch.zeros(len(dialogues), max(len(names) for names in slots), dtype=torch.bool)
        for row, names in enumerate(slots):
            announced[row, : len(names)] = announce[row]
        audio_tokens, audio_mask = _padded(audio)
        video_tokens, video_mask = _padded(video)
        return DialogueBatch(
            audio=audio_tokens,
            audio_mask=audio_mask,
            video=video_tokens,
            video_mask=video_mask,
            real=real,
            labels=torch.tensor([turn.label for dialogue in dialogues for turn in dialogue]),
            affect=torch.from_numpy(ratings(dialogues)).float(),
            speakers=speakers,
            lengths=lengths,
            announced=announced,
        )


def without_one(dialogue: Dialogue, chance: float, generator: Generator) -> Dialogue:
    """The dialogue, or with `chance` without the turns of one of its speakers; one speaker always stays."""
    names = sorted({turn.speaker for turn in dialogue})
    if len(names) < 2 or torch.rand((), generator=generator) >= chance:
        return dialogue
    missing = names[int(torch.randint(0, len(names), (), generator=generator))]
    return tuple(turn for turn in dialogue if turn.speaker != missing)


def without_modalities(dialogue: Dialogue, chances: DialogueTraining, generator: Generator) -> Dialogue:
    """The dialogue with voices alone, faces alone, or some of either taken away, and of some turns both."""
    if chances.neither:
        absent = torch.rand(len(dialogue), generator=generator) < chances.neither
        dialogue = tuple(
            replace(turn, voice=None, face=None) if gone else turn
            for turn, gone in zip(dialogue, absent.tolist(), strict=True)
        )
    draw = torch.rand((), generator=generator).item()
    if draw < chances.one_modality:
        return tuple(only(turn, voice=draw < 0.6 * chances.one_modality) for turn in dialogue)
    turns = []
    for turn in dialogue:
        chance = torch.rand((), generator=generator).item()
        if chance < chances.audio_missing:
            turn = only(turn, voice=False)
        elif chance < chances.audio_missing + chances.video_missing:
            turn = only(turn, voice=True)
        turns.append(turn)
    return tuple(turns)


def only(turn: Turn, *, voice: bool) -> Turn:
    """The turn with its voice alone, or its face alone; as it is where that is not there."""
    if (turn.voice if voice else turn.face) is None:
        return turn
    return replace(turn, face=None) if voice else replace(turn, voice=None)


def _noised(tokens: Tensor, share: float, generator: Generator) -> Tensor:
    if not tokens.numel():
        return tokens
    # One draw a turn and feature: noise that differs from token to token would be gone after the mean.
    draw = torch.randn(1, tokens.shape[1], generator=generator)
    return tokens + share * tokens.std() * draw


def _padded(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(row) for row in rows])
    padded = pad_sequence(rows, batch_first=True)
    return padded, torch.arange(padded.shape[1]) < lengths[:, None]
