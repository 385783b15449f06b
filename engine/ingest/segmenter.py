"""From sound and pictures to the segments of one dialogue: utterances, encoded, with all their attributes."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.ingest.base import Heard, Piece, Source
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.film import Film
from engine.ingest.tracks import Spoken, Tracks
from engine.ingest.voices import Voice, Voices
from engine.media.encode import Sound, encode_flac
from engine.signals import SAMPLE_RATE_HZ
from engine.transport.base import Outgoing
from schemas.cloudevents import JSON, segment_headers
from schemas.segment import DialogueEnded, DialogueStarted, Participant, Segment, SegmentType
from schemas.topics import ENDED_TYPE, MAX_SEGMENT_BYTES, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE

_PICTURE_LATE_S = 1.0
"""An utterance waits for its pictures until its sound is this far behind."""
_FRAME_S = 0.04
_VIDEO_BITS_PER_S = 1_200_000
_SPARE_BYTES = MAX_SEGMENT_BYTES // 8


@dataclass(frozen=True, slots=True)
class Ready:
    """A segment and its media."""

    segment: Segment
    value: bytes

    @property
    def record(self) -> Outgoing:
        """What is published."""
        return Outgoing(SEGMENTS, self.segment.dialogue_id, self.value, segment_headers(self.segment))


@dataclass(frozen=True, slots=True)
class Identity:
    """What all segments of one run have in common."""

    dialogue_id: str
    run: str
    """A name no run had before: sequences begin anew with each."""
    consent: bool | None = None
    speakers: int | None = None
    """How many people speak, where that is known."""

    @property
    def source(self) -> str:
        """Who produces."""
        return f"/turntone/stream/{self.run}"


class Segmenter:
    """One stream of one dialogue. Used from one thread.

    Where there is no sound for `unheard_s`, the pictures alone are a segment every so often. With several tracks nobody
    says whose picture it is, so it is left out.

    Args:
        identity: whose segments they are.
        voices: how channels become tracks.
        endpoint: where an utterance ends.
        wall: the wall time of a moment of the stream.
        unheard_s: length of segments without sound.
        origin_s: where in the dialogue the stream begins.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        voices: Voices,
        endpoint: EndpointSettings,
        wall: Callable[[float], datetime],
        unheard_s: float = 5.0,
        origin_s: float = 0.0,
    ) -> None:
        self._identity = identity
        self._voices = voices
        self._wall = wall
        self._unheard_s = unheard_s
        self._origin_s = origin_s
        self._tracks = Tracks(voices=voices, settings=endpoint)
        longest_s = max(endpoint.longest_s, unheard_s)
        self._film = Film(keep_s=longest_s + 2 * _PICTURE_LATE_S, bits_per_s=_bits_per_s(longest_s))
        self._waiting: deque[Spoken] = deque()
        self._covered_s: float | None = None
        self._sequence = -1

    def started(self) -> Ready:
        """Word that the dialogue starts, and who takes part as far as is known."""
        people = tuple(
            Participant(speaker=voice.speaker, role=voice.role, consent=self._identity.consent)
            for voice in self._voices.announced()
            if voice.speaker is not None
        )
        started = DialogueStarted(participants=people, speakers=self._identity.speakers)
        return self._word(STARTED_TYPE, started.model_dump_json().encode())

    def ended(self, reason: str) -> Ready:
        """Word that the dialogue is over."""
        return self._word(ENDED_TYPE, DialogueEnded(reason=reason).model_dump_json().encode())

    def feed(self, piece: Piece) -> Iterator[Ready]:
        """The segments that are complete with the next piece."""
        if isinstance(piece, Heard):
            self._waiting.extend(self._tracks.feed(piece))
            self._covered_s = max(self._covered_s or 0.0, piece.end_s)
        elif not self._voices.apart:
            self._film.add(piece)
            self._covered_s = piece.start_s if self._covered_s is None else self._covered_s
            if piece.start_s - self._covered_s >= self._unheard_s:
                self._waiting.extend(self._tracks.finish())
                yield from self._due(everything=True)
                yield from self._unheard(self._covered_s, self._covered_s + self._unheard_s)
        yield from self._due(everything=False)

    def finish(self) -> Iterator[Ready]:
        """The segments that are open when the stream ends."""
        self._waiting.extend(self._tracks.finish())
        yield from self._due(everything=True)
        if self._tracks.end_s is None and self._covered_s is not None and self._film.end_s is not None:
            yield from self._unheard(self._covered_s, self._film.end_s + _FRAME_S)

    def _due(self, *, everything: bool) -> Iterator[Ready]:
        """Those of the waiting whose pictures have come, in order."""
        while self._waiting:
            cut, voice = self._waiting[0]
            seen_s, heard_s = self._film.end_s, self._tracks.end_s or 0.0
            pictures_came = seen_s is None or seen_s >= cut.end_s or heard_s >= cut.end_s + _PICTURE_LATE_S
            if not everything and not pictures_came:
                return
            self._waiting.popleft()
            yield self._segment(cut.start_s, cut.end_s, voice, cut.samples)

    def _unheard(self, start_s: float, end_s: float) -> Iterator[Ready]:
        self._covered_s = end_s
        picture = self._film.cut(start_s, end_s, sound=None)
        if picture is not None:
            yield self._media(start_s, end_s, self._voices.mixed, picture, "video/x-matroska")

    def _segment(self, start_s: float, end_s: float, voice: Voice, samples: NDArray[np.int16]) -> Ready:
        sound = Sound(samples[None].astype(np.float32) / 32768.0, SAMPLE_RATE_HZ)
        picture = self._film.cut(start_s, end_s, sound=sound)
        if picture is not None and len(picture) <= MAX_SEGMENT_BYTES:
            return self._media(start_s, end_s, voice, picture, "video/x-matroska")
        return self._media(start_s, end_s, voice, encode_flac(sound), "audio/flac")

    def _media(self, start_s: float, end_s: float, voice: Voice, value: bytes, content_type: str) -> Ready:
        self._sequence += 1
        segment = Segment(
            dialogue_id=self._identity.dialogue_id,
            id=f"{self._identity.run}.{self._sequence}",
            source=self._identity.source,
            type=SEGMENT_TYPE,
            time=self._wall(end_s),
            datacontenttype=content_type,
            sequence=self._sequence,
            starttime=round(self._origin_s + start_s, 3),
            endtime=round(self._origin_s + end_s, 3),
            speaker=voice.speaker,
            role=voice.role,
            channel=voice.channel,
            consent=self._identity.consent,
        )
        return Ready(segment, value)

    def _word(self, type_: SegmentType, value: bytes) -> Ready:
        self._sequence += 1
        segment = Segment(
            dialogue_id=self._identity.dialogue_id,
            id=f"{self._identity.run}.{self._sequence}",
            source=self._identity.source,
            type=type_,
            datacontenttype=JSON,
            sequence=self._sequence,
        )
        return Ready(segment, value)


def segments(source: Source, segmenter: Segmenter) -> Iterator[Ready]:
    """A whole source as segments, in this thread, as fast as they are taken; see `Source.pieces` for what it raises."""
    for piece in source.pieces():
        yield from segmenter.feed(piece)
    yield from segmenter.finish()


def _bits_per_s(longest_s: float) -> int:
    """What pictures may take so that the longest segment fits into a record beside its sound."""
    sound_bytes = longest_s * SAMPLE_RATE_HZ * 2
    return max(100_000, min(_VIDEO_BITS_PER_S, int((MAX_SEGMENT_BYTES - _SPARE_BYTES - sound_bytes) * 8 / longest_s)))
