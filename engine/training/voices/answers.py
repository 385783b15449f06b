"""What a trained classifier says of the voices that were held out, kept as CSV."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from engine.features.voice import standardise
from engine.training.corpora.base import Voice
from engine.training.scoring.scores import Scores, score
from engine.training.voices.classifier import VoiceClassifier
from engine.training.voices.conditions import CONDITIONS
from engine.training.voices.folds import Part
from engine.training.voices.material import Corpus
from schemas.labels import EMOTIONS

_AT_ONCE = 16
_HEAD = ("condition", "corpus", "voice", "speaker", "sex", "label", "chances")
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """One voice under one condition."""

    condition: str
    corpus: str
    voice: str
    speaker: str
    sex: str
    label: int
    chances: NDArray[np.float64]
    """`[K]` over the classes of its corpus."""


def as_emotions(classifier: VoiceClassifier, held: Sequence[Corpus], among: Sequence[Corpus]) -> Scores:
    """How well it does on recordings as they are, in the seven emotions, whatever the classes of their corpora.

    among: the corpora that it has heads for, in their order; `held` are voices of some of them.
    """
    names = [corpus.name for corpus in among]
    emotions = np.array([emotion for corpus in among for emotion in corpus.emotions])
    chances, labels = [], []
    for corpus in held:
        said = probabilities(classifier, corpus.voices, corpus=names.index(corpus.name))
        chances.append(said @ np.eye(len(EMOTIONS))[emotions])
        labels.append(np.array(corpus.emotions)[[voice.label for voice in corpus.voices]])
    return score(np.concatenate(labels), np.concatenate(chances))


def ask(classifier: VoiceClassifier, parts: Sequence[Part]) -> Iterator[Answer]:
    """What it says of every test voice of a fold under every condition."""
    first = 0
    for number, part in enumerate(parts):
        classes = slice(first, first + len(part.corpus.classes))
        first = classes.stop
        for condition, heard_as in CONDITIONS.items():
            voices = list(heard_as(part.test, part.corpus.voices))
            for voice, said in zip(voices, probabilities(classifier, voices, corpus=number), strict=True):
                chances = said[classes].round(_DIGITS)
                sex = voice.sex or ""
                yield Answer(condition, part.corpus.name, voice.name, voice.speaker, sex, voice.label, chances)


@torch.no_grad()
def probabilities(classifier: VoiceClassifier, voices: Sequence[Voice], *, corpus: int) -> NDArray[np.float64]:
    """Probabilities `[N, K]` of whole recordings of one corpus, over the classes of all."""
    classifier.eval()
    order = sorted(range(len(voices)), key=lambda row: len(voices[row].audio))
    said = np.empty((len(voices), classifier.belongs.shape[1]))
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        waves = [torch.from_numpy(voices[row].audio) for row in rows]
        lengths = torch.tensor([len(wave) for wave in waves])
        padded = pad_sequence(waves, batch_first=True)
        mask = torch.arange(padded.shape[1]) < lengths[:, None]
        decibels, frames = classifier.encoder.spectrum.extract(padded, mask)
        own = torch.full((len(rows),), corpus)
        said[rows] = classifier(standardise(decibels, frames), frames, own).double().exp().numpy()
    return said


def write(path: Path, answers: Iterable[Answer]) -> None:
    """Keep them; the file appears whole or not at all."""
    beside = path.with_suffix(".part")
    with beside.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_HEAD)
        for one in answers:
            chances = " ".join(f"{chance:.{_DIGITS}f}" for chance in one.chances)
            writer.writerow((one.condition, one.corpus, one.voice, one.speaker, one.sex, one.label, chances))
    beside.replace(path)


def read(path: Path) -> list[Answer]:
    """What `write` kept."""
    with path.open(newline="") as lines:
        return [
            Answer(
                condition=row["condition"],
                corpus=row["corpus"],
                voice=row["voice"],
                speaker=row["speaker"],
                sex=row["sex"],
                label=int(row["label"]),
                chances=np.array(row["chances"].split(), dtype=np.float64),
            )
            for row in csv.DictReader(lines)
        ]
