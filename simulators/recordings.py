"""Recordings of one conversation as its segments: cut into utterances as a live stream is, a little at a time."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.base import Piece, Source
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.segmenter import Identity, Segmenter, segments
from engine.ingest.streamed import StreamedSource
from engine.ingest.voices import Voices
from engine.media.decode import probe
from engine.transport.base import Outgoing
from simulators.corpus import Skipped

_PAUSE_S = 0.3
"""Between one file of a conversation and the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Files that are one conversation, one after the other."""

    dialogue_id: str
    files: tuple[Path, ...]
    voices: Voices
    """Whose sound the channels carry."""
    speakers: int | None = None
    """How many people speak, where that is known."""
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)

    def duration_s(self) -> float | None:
        """Seconds of all files by their headers; None: one of them does not say."""
        total_s = 0.0
        for path in self.files:
            try:
                lasts_s = probe(path).duration_s
            except (BadMedia, OSError):
                continue
            if lasts_s is None:
                return None
            total_s += lasts_s
        return total_s


def records(
    conversation: Conversation, *, run: str, listened: Callable[[float], None], report: Callable[[Skipped], None]
) -> Iterator[Outgoing]:
    """The conversation's records in order: that it starts, its segments, that it ends.

    Everybody in it is taken to have consented: who analyses a recording answers for that. A file that cannot be read,
    or not to its end, is reported, and the next goes on.

    Args:
        conversation: what is read.
        run: a name no run had before.
        listened: is told how many seconds of all files have been read.
        report: is told what is left out.
    """
    origin_s = 0.0
    last: Segmenter | None = None
    for number, path in enumerate(conversation.files):
        source = _Followed(StreamedSource(address=str(path), live=False), origin_s=origin_s, listened=listened)
        last = Segmenter(
            identity=Identity(
                dialogue_id=conversation.dialogue_id,
                run=f"{run}.{number}",
                consent=True,
                speakers=conversation.speakers,
            ),
            voices=conversation.voices,
            endpoint=conversation.endpoint,
            wall=lambda _: datetime.now(tz=UTC),
            origin_s=origin_s,
        )
        if number == 0:
            yield last.started().record
        try:
            for ready in segments(source, last):
                yield ready.record
        except (BadMedia, ConfigurationError, SourceUnavailable) as error:
            yield from (ready.record for ready in last.finish())
            report(Skipped(path.name, str(error)))
        origin_s = source.reached_s + _PAUSE_S
    if last is not None:
        yield last.ended("the recording ended").record


class _Followed:
    """A source that says how far it has been read."""

    live = False
    resumes = False

    def __init__(self, source: Source, *, origin_s: float, listened: Callable[[float], None]) -> None:
        self._source = source
        self._origin_s = origin_s
        self._listened = listened
        self.reached_s = origin_s

    def pieces(self) -> Generator[Piece, None, None]:
        """See `Source.pieces`."""
        for piece in self._source.pieces():
            self.reached_s = max(self.reached_s, self._origin_s + piece.end_s)
            self._listened(self.reached_s)
            yield piece
