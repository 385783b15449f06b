"""What the models are asked, by name: corpora, schedule, who takes part, and what simple classifiers reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.training.comparison import one_token, scripted
from engine.training.comparison.contenders import GATED, LINEAR, MODELS
from engine.training.comparison.fit import Schedule
from engine.training.comparison.synthetic import both_needed, noisy_modality
from engine.training.comparison.task import Task
from engine.training.corpora import fer2013, meld_six, mosi, quechua, ravdess, ravdess_units
from engine.training.corpora import scripted as dialogues
from engine.training.corpora.base import Card


@dataclass(frozen=True, slots=True)
class Asked:
    """A task with its protocol."""

    load: Callable[[Path], Task]
    """From the folder of the corpora."""
    files: tuple[str, ...]
    """Under that folder."""
    schedule: Schedule
    cards: tuple[Card, ...]
    models: tuple[str, ...] = MODELS
    references: Mapping[str, float] = field(default_factory=dict)
    """What simple classifiers with hand-made features reached on the same corpus, by what they were given."""
    judged_by: Literal["both", "audio"] = "both"
    """What of a model is held against the references."""
    masked: bool = False
    """Whether the masking table is measured on it."""


_SCRIPTED = ("scripted", "ravdess_speech_16k.tar", "fer2013.npz")
_SCRIPTED_CARDS = (dialogues.CARD, ravdess.CARD, fer2013.CARD)

TASKS: Mapping[str, Asked] = {
    "scripted": Asked(
        load=scripted.clean,
        files=_SCRIPTED,
        schedule=Schedule(epochs=8, missing=0.1),
        cards=_SCRIPTED_CARDS,
        references={"two small CNNs, voice": 0.737, "two small CNNs, face": 0.682, "two small CNNs, both": 0.858},
        masked=True,
    ),
    "scripted-corrupted": Asked(
        load=lambda data: scripted.corrupted(scripted.clean(data)),
        files=_SCRIPTED,
        schedule=Schedule(epochs=8, missing=0.1),
        cards=_SCRIPTED_CARDS,
        models=(LINEAR, *GATED),
    ),
    "ravdess-units": Asked(
        load=lambda data: one_token.ravdess(data / "ravdess_av_features.npz"),
        files=("ravdess_av_features.npz",),
        schedule=Schedule(epochs=12, missing=0.1),
        cards=(ravdess_units.CARD,),
        references={"SVM, voice": 0.306, "SVM, action units": 0.546, "SVM, both": 0.572},
    ),
    "meld-six": Asked(
        load=lambda data: one_token.meld(data / "meld_six_speakers_av.npz"),
        files=("meld_six_speakers_av.npz",),
        schedule=Schedule(epochs=10, missing=0.1),
        cards=(meld_six.CARD,),
        references={"SVM, voice": 0.341, "SVM, face": 0.284, "SVM, both": 0.324, "linear, train to dev": 0.325},
    ),
    "mosi": Asked(
        load=lambda data: one_token.sentiment(data / "mosi_train.npz"),
        files=("mosi_train.npz",),
        schedule=Schedule(epochs=10, missing=0.1),
        cards=(mosi.CARD,),
        references={"SVM, voice": 0.556, "SVM, picture": 0.530},
        # The picture's features were made with the labels at hand.
        judged_by="audio",
    ),
    "quechua": Asked(
        load=lambda data: one_token.voice_only(data / "quechua_dimensional.npz"),
        files=("quechua_dimensional.npz",),
        schedule=Schedule(epochs=10, batch=128),
        cards=(quechua.CARD,),
        references={"ridge, mean of .365, .594 and .636": 0.532},
    ),
    "both-needed": Asked(
        load=lambda _: both_needed(utterances=1800),
        files=(),
        schedule=Schedule(epochs=10),
        cards=(),
    ),
    "noisy-modality": Asked(
        load=lambda _: noisy_modality(),
        files=(),
        schedule=Schedule(epochs=20),
        cards=(),
        models=(LINEAR, *GATED),
    ),
}
