"""A source through to the broker: one thread listens, one cuts, the caller's publishes."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from threading import Event, Thread

from engine.errors import TurntoneError
from engine.ingest.base import Heard, Piece, Source
from engine.ingest.buffer import Buffer
from engine.ingest.delivery import Delivery
from engine.ingest.notices import Dropped, Notice, Sent
from engine.ingest.segmenter import Ready, Segmenter
from engine.ingest.wall import Wall
from engine.metrics import Metrics
from schemas.topics import SEGMENT_TYPE

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Room:
    """How much may wait between the threads."""

    sound_s: float = 30.0
    pictures: int = 50
    segment_bytes: int = 64 * 1024 * 1024


@dataclass(slots=True)
class Summary:
    """What became of a stream."""

    seconds: float = 0.0
    """Of the stream, as far as it was listened to."""
    segments: int = 0
    """Acknowledged by the broker."""
    dropped_sound_s: float = 0.0
    dropped_pictures: int = 0
    dropped_segments: int = 0


class Ingest:
    """One stream from its source to the broker; runs once.

    A live source is never held up: where a buffer is full the oldest goes, and is counted and reported. Any other
    source waits, and nothing is lost.

    Args:
        source: what is listened to.
        segmenter: makes segments of it.
        delivery: publishes them.
        wall: learns when pieces arrive.
        room: how much may wait.
        stop: set it, or call `stop`, and the stream ends: the open utterance is finished, everything is sent.
        metrics: counts `ingest_segments` and `ingest_dropped_{sound_ms,pictures,segments}`.
        report: is told what happens, from several threads.
        keep_open: the dialogue goes on after the stream.
    """

    def __init__(
        self,
        *,
        source: Source,
        segmenter: Segmenter,
        delivery: Delivery,
        wall: Wall,
        room: Room,
        stop: Event,
        metrics: Metrics,
        report: Callable[[Notice], None],
        keep_open: bool = False,
    ) -> None:
        self.summary = Summary()
        self._source = source
        self._segmenter = segmenter
        self._delivery = delivery
        self._wall = wall
        self._stop = stop
        self._metrics = metrics
        self._report = report
        self._keep_open = keep_open
        self._failure: BaseException | None = None
        self._pieces = Buffer[Piece](
            limits={"sound": room.sound_s, "picture": room.pictures},
            measure=_piece,
            waits=not source.live,
            dropped=self._drop_piece,
        )
        self._ready = Buffer[Ready](
            limits={"segment": room.segment_bytes, "word": float("inf")},
            measure=_segment,
            waits=not source.live,
            dropped=self._drop_segment,
        )

    def run(self) -> Summary:
        """Stream to the end of the source, or until it is stopped.

        Raises what the source or the publisher raised, after everything that had been heard was sent.
        """
        threads = [Thread(target=work, name=work.__name__, daemon=True) for work in (self._listen, self._cut)]
        for thread in threads:
            thread.start()
        try:
            while batch := self._ready.get(most=_BATCH):
                self._send(batch)
        finally:
            # The listener may wait for ever for a silent source: it ends with its next piece, or with the process.
            self.stop()
            self._ready.close()
            threads[1].join()
            while unsent := self._ready.get(most=_BATCH):
                self._lose(unsent)
        if self._failure is not None:
            raise self._failure
        return self.summary

    def stop(self) -> None:
        """End the stream in order. May be called from any thread and from a signal handler, more than once."""
        self._stop.set()
        self._pieces.close()

    def _listen(self) -> None:
        try:
            with closing(self._source.pieces()) as pieces:
                for piece in pieces:
                    self._wall.arrived(piece.end_s)
                    if self._stop.is_set() or not self._pieces.put(piece):
                        return
                    self.summary.seconds = max(self.summary.seconds, piece.end_s)
        except Exception as error:
            if not self._stop.is_set():
                self._failure = error
        finally:
            self._pieces.close()

    def _cut(self) -> None:
        try:
            if self._cut_pieces():
                self._offer(self._segmenter.finish())
                if not self._keep_open:
                    reason = "the stream ended" if self._failure is None else "the stream broke off"
                    self._ready.put(self._segmenter.ended(reason))
        except Exception as error:
            self._failure = error
        finally:
            self._ready.close()

    def _cut_pieces(self) -> bool:
        """Whether the dialogue has started. What cannot be cut ends the stream; what was said before it is kept."""
        started = False
        try:
            while pieces := self._pieces.get():
                found: Iterable[Ready] = self._segmenter.feed(pieces[0])
                # At once, so that a source whose channels are not as they were named starts no dialogue.
                self._offer(found if started else [self._segmenter.started(), *found])
                started = True
        except Exception as error:
            self._failure = error
            self._pieces.close()
        return started

    def _offer(self, found: Iterable[Ready]) -> None:
        for ready in found:
            if not self._ready.put(ready):
                self._lose([ready])

    def _send(self, batch: list[Ready]) -> None:
        try:
            self._delivery.send(batch)
        except (TurntoneError, KeyboardInterrupt):
            self._lose(batch)
            raise
        media = [ready for ready in batch if ready.segment.type == SEGMENT_TYPE]
        self.summary.segments += len(media)
        self._metrics.count("ingest_segments", len(media))
        for ready in media:
            self._report(Sent(ready.segment, len(ready.value)))

    def _lose(self, batch: list[Ready]) -> None:
        """What no broker took is dropped too."""
        for ready in batch:
            if ready.segment.type == SEGMENT_TYPE:
                self._drop_segment(ready)

    def _drop_piece(self, piece: Piece) -> None:
        if isinstance(piece, Heard):
            seconds = piece.end_s - piece.start_s
            self.summary.dropped_sound_s += seconds
            self._metrics.count("ingest_dropped_sound_ms", round(seconds * 1000))
            self._report(Dropped("sound", seconds))
        else:
            self.summary.dropped_pictures += 1
            self._metrics.count("ingest_dropped_pictures")
            self._report(Dropped("picture", 0.0))

    def _drop_segment(self, ready: Ready) -> None:
        self.summary.dropped_segments += 1
        self._metrics.count("ingest_dropped_segments")
        seconds = (ready.segment.endtime or 0.0) - (ready.segment.starttime or 0.0)
        self._report(Dropped("segment", seconds))


def _piece(piece: Piece) -> tuple[str, float]:
    return ("sound", piece.end_s - piece.start_s) if isinstance(piece, Heard) else ("picture", 1.0)


def _segment(ready: Ready) -> tuple[str, float]:
    """Word that a dialogue starts or ends is never dropped."""
    return ("segment", len(ready.value)) if ready.segment.type == SEGMENT_TYPE else ("word", 0.0)
