"""Everything that may be wrong with what a producer sends, and what the answer to it has to say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from schemas.cloudevents import JSON, segment_headers
from schemas.events import EmotionEvent
from schemas.segment import Segment
from schemas.topics import MAX_SEGMENT_BYTES, SEGMENT_TYPE, STARTED_TYPE
from tests.stack.media import CLIP, VOICE, encoded, memory_bomb, silence, voice, without_sound

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Sent:
    """A record as a producer of any make would send it."""

    key: str | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class Case:
    """Records of one dialogue and what has to come back."""

    name: str
    records: tuple[Sent, ...]
    letters: tuple[str, ...] = ()
    """A dead letter each, and what its error says."""
    events: Callable[[list[EmotionEvent]], bool] | None = None
    """What holds for the turns; None: there are none."""
    at_once: int = field(default=1, kw_only=True)
    """Answers there have to be before the rest is looked at."""


def segment(
    key: str | None,
    value: bytes | None,
    *,
    content_type: str | None = "audio/flac",
    sequence: int = 1,
    replaced: Mapping[str, bytes | None] | None = None,
    dataref: str | None = None,
    lasts_s: float = 2.0,
    identity: str | None = None,
) -> Sent:
    """A good segment, but for its value and for the headers in `replaced`; None takes a header away."""
    good = Segment(
        dialogue_id="any",
        id=identity or f"id-{sequence}",
        source="/stranger",
        type=SEGMENT_TYPE,
        time=datetime.now(UTC),
        datacontenttype=content_type,
        sequence=sequence,
        starttime=0.0,
        endtime=lasts_s,
        speaker="ann",
        role="performer",
        consent=True,
        dataref=dataref,
    )
    headers: dict[str, bytes | None] = {**dict(segment_headers(good)), **(replaced or {})}
    return Sent(key, value, tuple((name, raw) for name, raw in headers.items() if raw is not None))


def cases(allowed: Path) -> Iterator[Case]:
    """All of them. `allowed`: a folder on the allow-list."""
    flac = VOICE.read_bytes()
    yield from _values(flac)
    yield from _sounds()
    yield from _headers(flac)
    yield from _orders(flac)
    (allowed / "sentence.flac").write_bytes(flac)
    here = (allowed / "sentence.flac").as_uri()
    yield Case("dataref-inside", (segment("dataref-inside", None, dataref=here),), events=_heard)
    outside = segment("dataref-outside", None, dataref=VOICE.as_uri())
    yield Case("dataref-outside", (outside,), ("outside the allow-list",))
    climbing = segment("dataref-climbing", None, dataref=f"{allowed.as_uri()}/../{allowed.name}.flac")
    yield Case("dataref-climbing", (climbing,), ("outside the allow-list",))


def _values(flac: bytes) -> Iterator[Case]:
    yield Case("empty", (segment("empty", b""),), ("value is empty",))
    yield Case("null", (segment("null", None),), ("value is empty",))
    yield Case("text", (segment("text", b"Good morning! " * 400),), ("no media that can be opened",))
    clip = CLIP.read_bytes()
    half = segment("half-a-clip", clip[: len(clip) // 2], content_type="video/mp4")
    yield Case("half-a-clip", (half,), ("BadMedia",))
    half = segment("half-a-flac", flac[: len(flac) // 2])
    yield Case("half-a-flac", (half,), events=_heard)
    mute = segment("no-sound", without_sound(), content_type="video/mp4")
    yield Case("no-sound", (mute,), events=_seen_only)
    yield Case("no-picture", (segment("no-picture", flac),), events=_heard)
    bomb = segment("bomb", memory_bomb(), content_type="video/x-matroska")
    yield Case("bomb", (bomb,), ("DecoderDied",))
    large = segment("too-large", b"\0" * (MAX_SEGMENT_BYTES + 1024))
    yield Case("too-large", (large,), ("BadMedia",))


def _sounds() -> Iterator[Case]:
    quiet = encoded(silence(duration_s=2.0), container="flac", codec="flac")
    yield Case("silence", (segment("silence", quiet),), events=_nobody_spoke)
    blink = encoded(voice()[:160], container="wav", codec="pcm_s16le")
    short = segment("ten-milliseconds", blink, content_type="audio/wav", lasts_s=0.01)
    yield Case("ten-milliseconds", (short,), events=_nobody_spoke)
    talk = np.resize(voice(), 600 * 16_000)
    long = encoded(talk, container="wav", codec="pcm_mulaw", rate_hz=8000)
    ten_minutes = segment("ten-minutes", long, content_type="audio/wav", lasts_s=600.0)
    yield Case("ten-minutes", (ten_minutes,), events=lambda turns: len(turns) >= 20 and _heard(turns))
    for name, container, codec, rate_hz, layout, content_type in (
        ("telephone-raw", "mulaw", "pcm_mulaw", 8000, "mono", "audio/basic"),
        ("telephone-wav", "wav", "pcm_s16le", 8000, "mono", "audio/wav"),
        ("cinema", "wav", "pcm_s16le", 48_000, "5.1", "audio/wav"),
    ):
        sound = encoded(voice(), container=container, codec=codec, rate_hz=rate_hz, layout=layout)
        yield Case(name, (segment(name, sound, content_type=content_type),), events=_heard)


def _headers(flac: bytes) -> Iterator[Case]:
    yield Case("no-headers", (Sent("no-headers", flac, ()),), ("ce_specversion",))
    yield Case("", (segment(None, flac),), ("no key",))
    yield Case("not a name", (segment("not a name", flac),), ("key:",))
    for name, header, value, said in (
        ("no-source", "ce_source", None, "ce_source"),
        ("no-sequence", "ce_sequence", None, "ce_sequence"),
        ("no-times", "ce_endtime", None, "starttime and endtime"),
        ("other-version", "ce_specversion", b"0.3", "0.3"),
        ("sequence-of-letters", "ce_sequence", b"first", "ce_sequence"),
        ("sequence-below-zero", "ce_sequence", b"-4", "ce_sequence"),
        ("time-is-no-number", "ce_starttime", b"nan", "ce_starttime"),
        ("time-backwards", "ce_starttime", b"7", "not after starttime"),
        ("consent-perhaps", "ce_consent", b"perhaps", "ce_consent"),
        ("not-utf-8", "ce_speaker", b"\xff\xfe", "not UTF-8"),
        ("other-subject", "ce_subject", b"somebody", "ce_subject"),
        ("unknown-type", "ce_type", b"turntone.segment.v9", "ce_type"),
    ):
        yield Case(name, (segment(name, flac, replaced={header: value}),), (said,))
    started = {"ce_type": STARTED_TYPE.encode(), "content-type": JSON.encode()}
    yield Case("started-badly", (segment("started-badly", b"{'no': json", replaced=started),), ("BadSegment",))


def _orders(flac: bytes) -> Iterator[Case]:
    fifth, third = segment("backwards", flac, sequence=5), segment("backwards", flac, sequence=3)
    yield Case("backwards", (fifth, third), ("goes back",), events=_heard, at_once=2)
    first, second = segment("twice", flac, sequence=1), segment("twice", flac, sequence=2)
    turns = (first, first, second, first)
    yield Case("twice", turns, events=lambda found: [turn.turn for turn in found] == [0, 1], at_once=2)


def _heard(turns: list[EmotionEvent]) -> bool:
    return all(turn.distribution is not None and turn.modalities.audio for turn in turns)


def _seen_only(turns: list[EmotionEvent]) -> bool:
    return all(not turn.modalities.audio and turn.modalities.audio_missing == "no audio stream" for turn in turns)


def _nobody_spoke(turns: list[EmotionEvent]) -> bool:
    return [turn.abstained for turn in turns] == ["no_speech"]
