"""What one live stream may cost, and the meter that holds it to that."""

from dataclasses import dataclass

from actors.gateway.streams.messages import Warned
from actors.gateway.streams.refusal import POLICY, TOO_BIG, Refusal
from engine.clock import Clock

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of a stream, and of all of them together."""

    at_once: int = 100
    """Streams of the gateway."""
    decoders: int = 50
    """Of those, how many whose media needs a decoding process of its own (40 MB each)."""
    opening_s: float = 10.0
    """The first message has to come within this."""
    silent_s: float = 120.0
    """Without a message for so long a stream is given up."""
    duration_most_s: float = 4 * 3600.0
    bytes_most: int = 4096 * _MIB
    message_bytes_most: int = _MIB
    buffer_bytes: int = 2 * _MIB
    """Media that waits to be cut; when it is full nothing more is read from the socket ..."""
    stalled_s: float = 15.0
    """... for so long at the most."""
    pong_s: float = 120.0
    """The server hangs up on who does not answer its ping in this time. Longer than its own 20 s: a pong stands in line
    behind media that is not read yet."""
    ahead_warned_s: float = 10.0
    """A stream that is so much ahead of the clock hears of it: it is no live stream ..."""
    ahead_most_s: float = 30.0
    """... and here it ends."""
    memory_bytes: int = 1024 * _MIB
    """Address space of a decoding process."""
    decode_s: float = 30.0
    """Processor time a decoding process may take for what it is handed at once."""
    starting_s: float = 120.0
    """Wall time until it is ready ..."""
    answer_s: float = 120.0
    """... and until it answers: for one that sleeps. One that only gets little of the processor is not ended."""


class Meter:
    """How much of its limits one stream has used; its clock starts when it is made."""

    def __init__(self, *, limits: StreamLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._bytes = 0
        self._warned = False

    def received(self, size: int) -> None:
        """A message of so many bytes came. Raises `Refusal`."""
        limits = self._limits
        self._bytes += size
        if size > limits.message_bytes_most:
            raise Refusal(TOO_BIG, "too-big", f"a message holds at most {limits.message_bytes_most} bytes, not {size}")
        if self._bytes > limits.bytes_most:
            raise Refusal(POLICY, "too-many-bytes", f"a stream has at most {limits.bytes_most} bytes; begin another")
        if self._clock.monotonic_s() - self._began_s > limits.duration_most_s:
            raise self._too_long()

    def heard(self, media_s: float) -> Warned | None:
        """The stream's media lasts so long by now: what is to be said about it, once. Raises `Refusal`."""
        limits = self._limits
        ahead_s = media_s - (self._clock.monotonic_s() - self._began_s)
        if ahead_s > limits.ahead_most_s:
            raise Refusal(
                POLICY,
                "too-fast",
                f"the stream is {ahead_s:.0f} s ahead of the clock, and a live one is at most {limits.ahead_most_s:g}; "
                "send a recording by `turntone stream` or in segments",
            )
        if media_s > limits.duration_most_s:
            raise self._too_long()
        if ahead_s <= limits.ahead_warned_s or self._warned:
            return None
        self._warned = True
        return Warned(
            code="ahead",
            message=f"the stream is {ahead_s:.0f} s ahead of the clock; at {limits.ahead_most_s:g} s it is closed",
        )

    def _too_long(self) -> Refusal:
        return Refusal(
            POLICY, "too-long", f"a stream lasts at most {self._limits.duration_most_s:g} s; begin another to go on"
        )
