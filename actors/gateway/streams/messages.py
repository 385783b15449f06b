"""What is said on `/v1/streams` beside the media: JSON both ways, each message with its `type`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from actors.gateway.streams.refusal import MALFORMED, Refusal
from schemas.segment import MOST_PARTICIPANTS, DialogueId, Name

WEBM = "webm"
MULAW = "mulaw"
_TELEPHONE_HZ = 8000


class _Said(BaseModel):
    """By a client; a field that nobody knows is a mistake it should hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Start(_Said):
    """The first message: whose sound it is and how it is coded."""

    type: Literal["start"]
    dialogue_id: DialogueId
    format: Literal["s16le", "mulaw", "webm"]
    rate_hz: Annotated[int, Field(ge=8000, le=96_000)] | None = None
    """Samples a second and channel: needed for s16le, 8000 for mulaw, not for webm."""
    channels: Annotated[int, Field(ge=1, le=2)] = 1
    """Interleaved samples; they are mixed."""
    speaker: Name | None = None
    """The one person who is heard; left out, voices are told apart."""
    speakers: Annotated[int, Field(ge=1, le=MOST_PARTICIPANTS)] | None = None
    """How many people speak, where that is known without their names."""
    role: Name | None = None
    consent: bool | None = None
    offset_s: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    """Where in the dialogue the stream begins; left out: now, counted from the dialogue's first stream."""
    end_dialogue: bool = False
    """The dialogue is over when the stream ends in order."""
    token: SecretStr | None = None
    """For a browser, which cannot set the header `Authorization`."""

    @model_validator(mode="after")
    def _complete(self) -> "Start":
        if self.format == WEBM and (self.rate_hz is not None or self.channels != 1):
            raise ValueError("webm says its rate and its channels itself: leave out rate_hz and channels")
        if self.format == "s16le" and self.rate_hz is None:
            raise ValueError("s16le needs rate_hz, the samples a second")
        if self.format == MULAW and self.rate_hz not in (None, _TELEPHONE_HZ):
            raise ValueError("mulaw comes at rate_hz 8000")
        return self

    @property
    def samples_hz(self) -> int:
        """Rate of samples without a header."""
        return self.rate_hz or _TELEPHONE_HZ


class Stop(_Said):
    """The last message: what was said so far is sent, answered and acknowledged by `ended`."""

    type: Literal["stop"]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Started(_Told):
    """The stream was taken."""

    type: Literal["started"] = "started"
    stream: str
    """The run's name; segments have the source `/turntone/stream/<stream>` and its own sequence."""
    dialogue_id: str
    offset_s: float
    """Where in the dialogue the stream begins; `start_s` and `end_s` of segments count from the dialogue's start."""


class Segmented(_Told):
    """An utterance is published and safe."""

    type: Literal["segment"] = "segment"
    sequence: int
    start_s: float
    end_s: float


class Warned(_Told):
    """The stream goes on, but not as it should."""

    type: Literal["warning"] = "warning"
    code: str
    message: str


class Failed(_Told):
    """The stream is closed, and why."""

    type: Literal["error"] = "error"
    code: str
    message: str


class Ended(_Told):
    """Everything that was heard is published."""

    type: Literal["ended"] = "ended"
    segments: int
    heard_s: float
    dialogue_ended: bool


Told = Started | Segmented | Warned | Failed | Ended


def read_start(text: str) -> Start:
    """The first message. Raises `Refusal` with a sentence that names the field."""
    try:
        return Start.model_validate_json(text)
    except ValidationError as error:
        raise malformed("the first message", error) from error


def read_stop(text: str) -> Stop:
    """A later one. Raises `Refusal`."""
    try:
        return Stop.model_validate_json(text)
    except ValidationError as error:
        raise malformed('after the first message come media (binary) and {"type": "stop"}; this', error) from error


def malformed(what: str, error: ValidationError) -> Refusal:
    """What is wrong with a message; nothing of what it holds is repeated, for it may hold a token."""
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    said = problem["msg"].removeprefix("Value error, ")
    return Refusal(MALFORMED, "malformed", f"{what}: {where + ': ' if where else ''}{said}")
