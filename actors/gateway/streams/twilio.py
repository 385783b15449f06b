"""Twilio Media Streams: what Twilio says on one socket, in its order, and nothing else.

Source: Twilio, "Media Streams - WebSocket Messages" (connected, start, media, stop, mark, dtmf).
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from actors.gateway.streams.messages import malformed
from actors.gateway.streams.refusal import MALFORMED, POLICY, UNSUPPORTED, Refusal
from schemas.segment import DialogueId, Name

Track = Literal["inbound", "outbound"]
TRACKS: tuple[Track, Track] = ("inbound", "outbound")
_STATES = {"connected": "connected", "start": "started", "stop": "stopped"}
_ALLOWED = {
    "new": {"connected"},
    "connected": {"start"},
    "started": {"media", "mark", "dtmf", "stop"},
    "stopped": set[str](),
}


class _Twilio(BaseModel):
    """Twilio adds fields; those that are not used are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Event(_Twilio):
    event: str
    sequence_number: Annotated[int, Field(ge=0)] | None = None
    stream_sid: str | None = None


class _Format(_Twilio):
    encoding: str
    sample_rate: int
    channels: int


class Parameters(_Twilio):
    """What the TwiML gives to the stream as `<Parameter>`s; its names are ours."""

    model_config = ConfigDict(alias_generator=None, hide_input_in_errors=True)

    token: str | None = None
    consent: bool | None = None
    inbound_role: Name | None = None
    outbound_role: Name | None = None
    inbound_speaker: Name = "inbound"
    outbound_speaker: Name = "outbound"
    keep_open: bool = False
    """The dialogue goes on after the stream: another will follow in the same call."""


class Began(_Twilio):
    """The stream begins."""

    stream_sid: str
    call_sid: DialogueId
    tracks: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    media_format: _Format
    custom_parameters: Parameters = Parameters()


class _Media(_Twilio):
    track: str
    timestamp: Annotated[int, Field(ge=0, le=10**12)]
    """Milliseconds from the beginning of the stream."""
    payload: str


class _Mark(_Twilio):
    name: str


class _Dtmf(_Twilio):
    digit: str


class _StartEvent(_Twilio):
    start: Began


class _MediaEvent(_Twilio):
    media: _Media


class _MarkEvent(_Twilio):
    mark: _Mark


class _DtmfEvent(_Twilio):
    dtmf: _Dtmf


@dataclass(frozen=True, slots=True)
class Sound:
    """Some of a track."""

    track: Track
    stamp_s: float
    data: bytes
    """Mu-law, 8 kHz."""


@dataclass(frozen=True, slots=True)
class Over:
    """The stream is over, in order."""


class TwilioCall:
    """One socket's state. Raises `Refusal`: 1007 what cannot be read, 1003 what is not taken, 1008 wrong order.

    A mark is Twilio's echo of one that was sent to it, and nothing is; it and a key that was pressed change nothing.
    An event that nobody knows yet is passed over once the stream has begun.
    """

    def __init__(self) -> None:
        self._state = "new"
        self._number = -1
        self._stream_sid: str | None = None
        self._tracks: frozenset[str] = frozenset()

    def take(self, text: str) -> Began | Sound | Over | None:
        """What the next message means for the stream; None: nothing."""
        try:
            event = _Event.model_validate_json(text)
            self._follow(event)
            return self._read(event.event, text)
        except ValidationError as error:
            raise malformed("Twilio's message", error) from error

    def _follow(self, event: _Event) -> None:
        """Whether it may come now."""
        known = any(event.event in allowed for allowed in _ALLOWED.values())
        if event.event not in _ALLOWED[self._state] and (known or self._state != "started"):
            said = event.event if known else "an unknown event"
            raise Refusal(POLICY, "order", f"{said} cannot come now: the stream is {self._state}")
        if event.sequence_number is not None:
            if event.sequence_number <= self._number:
                raise Refusal(POLICY, "order", f"sequenceNumber {event.sequence_number} came after {self._number}")
            self._number = event.sequence_number
        if self._stream_sid is not None and event.stream_sid not in (None, self._stream_sid):
            raise Refusal(POLICY, "order", "the message is of another stream")

    def _read(self, event: str, text: str) -> Began | Sound | Over | None:
        self._state = _STATES.get(event, self._state)
        if event == "start":
            return self._begin(_StartEvent.model_validate_json(text).start)
        if event == "media":
            return self._sound(_MediaEvent.model_validate_json(text).media)
        if event == "mark":
            _MarkEvent.model_validate_json(text)
        if event == "dtmf":
            _DtmfEvent.model_validate_json(text)
        return Over() if event == "stop" else None

    def _begin(self, began: Began) -> Began:
        said = began.media_format
        if (said.encoding, said.sample_rate, said.channels) != ("audio/x-mulaw", 8000, 1):
            raise Refusal(UNSUPPORTED, "format", "what is taken is audio/x-mulaw at 8000 Hz, one channel a track")
        if not set(began.tracks) <= set(TRACKS) or len(set(began.tracks)) != len(began.tracks):
            raise Refusal(UNSUPPORTED, "track", "tracks are inbound and outbound, each once")
        parameters = began.custom_parameters
        if parameters.inbound_speaker == parameters.outbound_speaker:
            raise Refusal(MALFORMED, "malformed", "inbound_speaker and outbound_speaker are the same")
        self._stream_sid, self._tracks = began.stream_sid, frozenset(began.tracks)
        return began

    def _sound(self, media: _Media) -> Sound:
        track = next((name for name in TRACKS if name == media.track and name in self._tracks), None)
        if track is None:
            raise Refusal(UNSUPPORTED, "track", "media of a track that start has not named")
        try:
            data = base64.b64decode(media.payload, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(MALFORMED, "malformed", "media.payload is not base64") from error
        return Sound(track, media.timestamp / 1000, data)
