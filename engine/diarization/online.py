"""The online diarizer: a pipeline inside each segment, a registry across the segments of a dialogue."""

from collections.abc import Sequence, Set
from itertools import groupby

from engine.diarization.base import NOBODY, Assignment, Enrolled
from engine.diarization.local import Separator
from engine.diarization.merge import merge, renamed
from engine.diarization.registry import RegistrySettings, recognise, yardsticks
from engine.signals import Span, Tensors, VoiceTurn, Waveform


class OnlineDiarizer:
    """A `Diarizer` whose speaker ids last as long as the tensors it is given back. It keeps nothing itself.

    Args:
        pipeline: what separates the voices of a segment.
        registry: when a voice is one that is known.
    """

    def __init__(self, *, pipeline: Separator, registry: RegistrySettings) -> None:
        self._pipeline = pipeline
        self._registry = registry

    def assign(
        self,
        audio: Waveform,
        speech: Sequence[Span],
        tensors: Tensors,
        *,
        speaker: str | None = None,
        taken: Set[str] = frozenset(),
        enrolled: Enrolled = NOBODY,
        most: int | None = None,
    ) -> Assignment:
        """Split a segment `[N]` into turns; without speech there are none.

        What the pipeline hears outside of `speech` is left out. Where voices overlap the turn belongs to the one the
        pipeline is surer of, and is marked; the embedded pipeline does not see overlap.
        """
        if not speech:
            return Assignment((), tensors)
        if speaker is not None:
            return Assignment((VoiceTurn(speaker, Span(speech[0].start_s, speech[-1].end_s)),), tensors)
        known = yardsticks(tensors, enrolled=enrolled, settings=self._registry)
        voices = self._pipeline.separate(audio, speech, known=known)
        heard = voices.turns
        names: dict[int, str] = {}
        for turn in heard:
            if turn.voice not in names:
                seconds = sum(other.span.duration_s for other in heard if other.voice == turn.voice)
                recognition = recognise(
                    tensors,
                    voices.embeddings[turn.voice],
                    speech_s=seconds,
                    settings=self._registry,
                    taken=taken,
                    enrolled=enrolled,
                    most=most,
                )
                names[turn.voice], tensors = recognition.speaker, recognition.tensors
        merges, tensors = merge(tensors, settings=self._registry, enrolled=enrolled)
        stretches = [VoiceTurn(renamed(names[turn.voice], merges), turn.span, turn.overlap) for turn in heard]
        return Assignment(tuple(_joined(stretches)), tensors, merges)


def _joined(stretches: Sequence[VoiceTurn]) -> Sequence[VoiceTurn]:
    """A speaker's stretches that nobody else's interrupt are one turn."""
    runs = (list(run) for _, run in groupby(stretches, key=lambda stretch: stretch.speaker))
    return [
        VoiceTurn(
            run[0].speaker,
            Span(run[0].span.start_s, run[-1].span.end_s),
            overlap=any(stretch.overlap for stretch in run),
        )
        for run in runs
    ]
