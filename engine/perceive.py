"""From a decoded segment to the utterances in it: speech, then speakers, then faces."""

import math
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

from engine.diarization.base import NOBODY, Diarizer, Enrolled, Merge
from engine.faces.base import FaceLocator
from engine.signals import SAMPLE_RATE_HZ, FaceTrack, Media, Span, Tensors, Utterance, VoiceTurn, Waveform
from engine.vad.base import VoiceActivityDetector

UNHEARD = "unheard"
"""Who is seen where nothing is heard and the producer names nobody."""

SpeakingFace = Callable[[tuple[FaceTrack, ...], Waveform | None, Span], FaceTrack | str]
"""What may be read of the face that speaks in a span of the segment's audio, or why no face is taken."""


@dataclass(frozen=True, slots=True)
class Listened:
    """Who speaks in a segment, before anybody is looked at. No turns: nobody spoke."""

    turns: tuple[VoiceTurn, ...]
    tensors: Tensors
    """The dialogue's state with what the diarizer learned."""
    merges: tuple[Merge, ...]
    """Ids that turned out to be one voice."""
    seconds: dict[str, float]
    """Time spent, by stage."""


@dataclass(frozen=True, slots=True)
class Perceived:
    """One turn and what of it reaches the models."""

    turn: VoiceTurn
    utterance: Utterance | None
    """None: neither a voice nor a face, or withheld: nothing to infer from."""
    audio_missing: str | None = None
    video_missing: str | None = None


@dataclass(frozen=True, slots=True)
class Perception:
    """What was found in a segment. No turns: nobody spoke."""

    turns: tuple[Perceived, ...]
    seconds: dict[str, float]
    """Time spent, by stage."""


class Perceiver:
    """The stages before the models, in the order in which they need each other.

    room_s: how much the encoders hear around a turn, where nobody else has a turn.
    """

    def __init__(
        self,
        *,
        vad: VoiceActivityDetector,
        diarizer: Diarizer,
        faces: FaceLocator,
        speaking_face: SpeakingFace,
        longest_turn_s: float,
        room_s: float = 0.0,
    ) -> None:
        self._vad = vad
        self._diarizer = diarizer
        self._faces = faces
        self._speaking_face = speaking_face
        self._longest_turn_s = longest_turn_s
        self._room_s = room_s

    def listen(
        self,
        media: Media,
        tensors: Tensors,
        *,
        speaker: str | None,
        taken: Set[str] = frozenset(),
        enrolled: Enrolled = NOBODY,
        most: int | None = None,
    ) -> Listened:
        """Find who speaks when: speech, then speakers.

        `speaker` is the producer's word; `taken` are names that no new voice may get; `enrolled` are the voices known
        by name; `most` is how many voices there are at the most, where that is known.
        """
        started = time.perf_counter()
        speech = self._vad.detect(media.audio) if media.audio is not None else ()
        heard = time.perf_counter()
        merges: tuple[Merge, ...] = ()
        if media.audio is None:
            turns: tuple[VoiceTurn, ...] = (VoiceTurn(speaker=speaker or UNHEARD, span=Span(0.0, media.duration_s)),)
        elif not speech:
            turns = ()
        else:
            assigned = self._diarizer.assign(
                media.audio, speech, tensors, speaker=speaker, taken=taken, enrolled=enrolled, most=most
            )
            turns, tensors, merges = assigned.turns, assigned.tensors, assigned.merges
        seconds = {"vad": heard - started, "diarization": time.perf_counter() - heard}
        return Listened(turns=turns, tensors=tensors, merges=merges, seconds=seconds)

    def look(
        self, media: Media, listened: Listened, *, withheld: Set[str] = frozenset(), alone_in_view: bool
    ) -> Perception:
        """Give every turn the face that speaks it.

        Of the speakers in `withheld` nothing reaches the models. `alone_in_view`: use a face only where it is the only
        one, because somebody takes part whose face must not be analysed.
        """
        started = time.perf_counter()
        tracks: tuple[FaceTrack, ...] = ()
        seen = [turn for turn in listened.turns if turn.speaker not in withheld]
        if seen and media.frames is not None:
            tracks = tuple(self._faces.locate(media))
        seconds = {**listened.seconds, "faces": time.perf_counter() - started}
        pieces = [piece for turn in listened.turns for piece in split(turn, longest_s=self._longest_turn_s)]
        found = tuple(
            Perceived(piece, None, audio_missing="withheld", video_missing="withheld")
            if piece.speaker in withheld
            else self._perceive_turn(
                piece, with_room(piece, pieces, room_s=self._room_s), media, tracks, alone_in_view=alone_in_view
            )
            for piece in pieces
        )
        return Perception(turns=found, seconds=seconds)

    def _perceive_turn(
        self, turn: VoiceTurn, heard: Span, media: Media, tracks: tuple[FaceTrack, ...], *, alone_in_view: bool
    ) -> Perceived:
        audio = None
        if media.audio is not None:
            audio = media.audio[_sample(heard.start_s) : _sample(heard.end_s)]
        face = self._face_of(turn, media, tracks, alone_in_view=alone_in_view)
        faces, video_missing = (None, face) if isinstance(face, str) else (face.crops, None)
        utterance = None
        if audio is not None or faces is not None:
            utterance = Utterance(speaker=turn.speaker, audio=audio, faces=faces)
        return Perceived(turn=turn, utterance=utterance, audio_missing=media.audio_missing, video_missing=video_missing)

    def _face_of(
        self, turn: VoiceTurn, media: Media, tracks: tuple[FaceTrack, ...], *, alone_in_view: bool
    ) -> FaceTrack | str:
        if media.frames is None:
            return media.video_missing or "no video"
        if alone_in_view and len(tracks) > 1:
            return "several faces, of which one may be of somebody who is not inferred"
        return self._speaking_face(tracks, media.audio, turn.span)


def split(turn: VoiceTurn, *, longest_s: float) -> tuple[VoiceTurn, ...]:
    """A turn in equal pieces none of which is longer than `longest_s`."""
    pieces = max(1, math.ceil(turn.span.duration_s / longest_s))
    step = turn.span.duration_s / pieces
    return tuple(
        replace(turn, span=Span(turn.span.start_s + i * step, turn.span.start_s + (i + 1) * step))
        for i in range(pieces)
    )


def with_room(turn: VoiceTurn, turns: Sequence[VoiceTurn], *, room_s: float) -> Span:
    """A turn's span and up to `room_s` on either side, but nothing of any other turn in the segment's `turns`."""
    start_s, end_s = turn.span.start_s, turn.span.end_s
    before = [min(other.span.end_s, start_s) for other in turns if other.span.start_s < start_s]
    after = [max(other.span.start_s, end_s) for other in turns if other.span.end_s > end_s]
    return Span(max(0.0, start_s - room_s, *before), min(end_s + room_s, *after, math.inf))


def _sample(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
