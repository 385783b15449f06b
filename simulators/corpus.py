"""A corpus as the simulators see it: dialogues of utterances, and what had to be left out."""

from dataclasses import dataclass
from pathlib import Path

from schemas.labels import Emotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One labelled stretch of media of one speaker."""

    utterance_id: str
    speaker: str | None = None
    media: Path | None = None
    start_s: float | None = None
    """Where it begins in `media`; None: at the file's beginning."""
    end_s: float | None = None
    begin_s: float | None = None
    """Where it begins in its dialogue; None: a short pause after the one before."""
    emotion: Emotion | None = None
    face: Path | None = None
    """A still image of the speaker, for media without a picture."""
    valence: float | None = None
    arousal: float | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class CorpusDialogue:
    """One conversation, its utterances in the order in which they end."""

    dialogue_id: str
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is named by the corpus and not played."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a source holds."""

    name: str
    dialogues: tuple[CorpusDialogue, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def has_stills(self) -> bool:
        """Whether faces are still images: `[faces] still = "use"` makes the engine read them."""
        return any(turn.face is not None for dialogue in self.dialogues for turn in dialogue.utterances)
