"""Where an utterance ends, told while the sound still comes: WebRTC's voice decisions under hysteresis and hangover."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from engine.errors import BadMedia, ConfigurationError
from engine.signals import SAMPLE_RATE_HZ

_BYTES = 2
_SMOOTH = 5
"""Frames a place must be quiet for, to be called the quietest."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How speech is told from silence. Times are rounded to whole frames.

    Raises `ConfigurationError` where the numbers contradict each other.
    """

    aggressiveness: int = 2
    """0 (lets most pass) to 3 (strictest)."""
    frame_ms: int = 30
    """10, 20 or 30."""
    window_s: float = 0.3
    """How much is looked at to enter or to leave speech."""
    enter: float = 0.7
    """Speech begins where at least this share of the window is voiced."""
    leave: float = 0.1
    """A voiced frame prolongs it only where more than this share of the window is voiced."""
    hangover_s: float = 0.5
    """Silence after the last such frame that ends the utterance."""
    padding_before_s: float = 0.5
    padding_after_s: float = 0.2
    """At most `hangover_s`: what follows has not come yet."""
    shortest_s: float = 0.25
    """Less speech than this, before padding, is none."""
    longest_s: float = 15.0
    """An utterance, padding included, is cut before it grows longer."""
    search_s: float = 3.0
    """The end of a too long utterance in which the quietest place is looked for."""
    floor_dbfs: float = -65.0
    """Quieter frames are never voice."""
    steady_db: float = 1.5
    """An utterance whose frames differ less than this in level (standard deviation) is a tone or a hum."""
    warm_up_s: float = 1.0
    """Sound before the first frame that counts, for the detector to learn the background from."""
    restart_s: float = 10.0
    """Silence of which no more than this is kept."""

    def __post_init__(self) -> None:
        if self.frame_ms not in (10, 20, 30) or self.aggressiveness not in (0, 1, 2, 3):
            raise ConfigurationError("endpointing: frame_ms is 10, 20 or 30 and aggressiveness 0 to 3")
        if not 0 <= self.leave < self.enter <= 1:
            raise ConfigurationError("endpointing: the shares have to be 0 <= leave < enter <= 1")
        if not 0 <= self.padding_after_s <= self.hangover_s:
            raise ConfigurationError("endpointing: padding_after_s has to be between 0 and hangover_s")
        if self.padding_before_s < 0 or self.warm_up_s < 0:
            raise ConfigurationError("endpointing: padding_before_s and warm_up_s cannot be negative")
        if self.longest_s <= self.window_s + self.padding_before_s + self.search_s:
            raise ConfigurationError("endpointing: longest_s has to exceed window_s + padding_before_s + search_s")
        if self.restart_s <= self.window_s + self.padding_before_s + self.warm_up_s:
            raise ConfigurationError("endpointing: restart_s has to exceed window_s + padding_before_s + warm_up_s")


@dataclass(frozen=True, slots=True)
class Cut:
    """One utterance of the stream, padding included."""

    start_s: float
    end_s: float
    samples: NDArray[np.int16]
    """`[N]` at `SAMPLE_RATE_HZ`: exactly that span."""
    reason: Literal["pause", "longest", "end"]


@dataclass(frozen=True, slots=True)
class EndpointState:
    """A stream's endpointing by value: what came since the detector was last started afresh."""

    origin_s: float
    anchor: int
    """Sample of the stream at which the detector started."""
    floor: int
    """Sample before which everything is dealt with; between the two the detector warms up."""
    carried: int | None
    """Where speech that a longest cut broke off went to, if it goes on."""
    samples: NDArray[np.int16]
    """`[N]`, from `anchor` on."""


class Endpointer:
    """The utterances of one channel of one stream.

    WebRTC's detector adapts to what it hears and cannot be copied, so a fresh one is started after every cut, and in
    silence every `restart_s`: what it has heard since is kept, and whoever hears that again decides the same. All
    positions follow from the stream alone, so cuts are the same however it is chunked.

    Args:
        settings: how speech is told from silence.
        origin_s: time of the stream's first sample.
    """

    def __init__(self, *, settings: EndpointSettings, origin_s: float = 0.0) -> None:
        def frames(seconds: float) -> int:
            return round(seconds * 1000 / settings.frame_ms)

        self._settings = settings
        self._origin_s = origin_s
        self._frame = SAMPLE_RATE_HZ * settings.frame_ms // 1000
        self._window = max(1, frames(settings.window_s))
        self._hangover = max(1, frames(settings.hangover_s))
        self._before = frames(settings.padding_before_s)
        self._after = frames(settings.padding_after_s)
        self._longest = frames(settings.longest_s)
        self._search = max(1, frames(settings.search_s))
        self._warm_up = frames(settings.warm_up_s)
        self._restart = frames(settings.restart_s)
        self._pcm = bytearray()
        self._begin(anchor=0, floor=0, carried=None)

    @classmethod
    def restore(cls, state: EndpointState, *, settings: EndpointSettings) -> "Endpointer":
        """One that goes on as the one whose `state` it was, under the same settings."""
        endpointer = cls(settings=settings, origin_s=state.origin_s)
        endpointer._begin(anchor=state.anchor, floor=state.floor, carried=state.carried)
        endpointer.feed(state.samples)
        return endpointer

    @property
    def state(self) -> EndpointState:
        """What `restore` needs."""
        samples = np.frombuffer(bytes(self._pcm), dtype="<i2").astype(np.int16)
        return EndpointState(self._origin_s, self._anchor, self._floor, self._carried, samples)

    def feed(self, samples: NDArray[np.int16]) -> tuple[Cut, ...]:
        """The utterances that end with the next samples `[N]`, of any number; raises `BadMedia` on another kind."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise BadMedia(f"endpointing takes [N] int16 samples of one channel, not {samples.ndim}-d {samples.dtype}")
        self._pcm += samples.astype("<i2").tobytes()
        cuts: list[Cut] = []
        while (len(self._voiced) + 1) * self._frame * _BYTES <= len(self._pcm):
            self._judge()
            cut = self._decide()
            if cut is not None:
                cuts.append(cut)
        return tuple(cuts)

    def finish(self) -> tuple[Cut, ...]:
        """The utterance that is open at the end of the stream."""
        end = min((self._tail + self._after) * self._frame, len(self._pcm) // _BYTES)
        cut = self._cut(end, "end") if self._start is not None else None
        total = self._anchor + len(self._pcm) // _BYTES
        self._pcm.clear()
        self._begin(anchor=total, floor=total, carried=None)
        return (cut,) if cut is not None else ()

    def _begin(self, *, anchor: int, floor: int, carried: int | None) -> None:
        """Start a fresh detector at a sample of the stream; frames count from there."""
        self._anchor, self._floor, self._carried = anchor, floor, carried
        self._detector = webrtcvad.Vad(self._settings.aggressiveness)
        self._voiced: list[bool] = []
        self._power: list[float] = []
        self._first = (floor - anchor) // self._frame
        # Frames [start, tail) are speech; no start: nobody speaks.
        self._start = None if carried is None else self._first
        self._tail = 0 if carried is None else (carried - anchor) // self._frame

    def _judge(self) -> None:
        index = len(self._voiced)
        frame = bytes(self._pcm[index * self._frame * _BYTES : (index + 1) * self._frame * _BYTES])
        power = float(np.mean(np.square(np.frombuffer(frame, dtype="<i2") / 32768.0))) + 1e-12
        voiced = self._detector.is_speech(frame, SAMPLE_RATE_HZ) and 10 * np.log10(power) >= self._settings.floor_dbfs
        self._voiced.append(voiced and index >= self._first)
        self._power.append(power)

    def _decide(self) -> Cut | None:
        """Enter, prolong or leave speech after the newest frame."""
        now = len(self._voiced)
        recent = self._voiced[-self._window :]
        share = sum(recent) / self._window
        if self._start is None:
            if share >= self._settings.enter:
                self._start, self._tail = now - len(recent) + recent.index(True), now
            elif now - self._first >= self._restart:
                self._let_go(now - self._window - self._before, carried=None)
            return None
        if recent[-1] and share > self._settings.leave:
            self._tail = max(self._tail, now)
        if now - self._tail >= self._hangover:
            return self._cut(min(self._tail + self._after, now) * self._frame, "pause")
        if now - max(self._first, self._start - self._before) >= self._longest:
            return self._cut(self._quietest(now) * self._frame, "longest")
        return None

    def _quietest(self, now: int) -> int:
        """The frame in the middle of the quietest stretch of the last `search_s`."""
        power = np.convolve(self._power[now - self._search :], np.ones(_SMOOTH), mode="valid")
        return now - self._search + int(power.argmin()) + _SMOOTH // 2

    def _cut(self, end: int, reason: Literal["pause", "longest", "end"]) -> Cut | None:
        """The open utterance up to a sample since the anchor, and a new beginning after it; None for no speech."""
        start = self._start if self._start is not None else self._first
        begin = max(self._first, start - self._before) * self._frame
        spoken = min(self._tail, end // self._frame)
        level_db = 10 * np.log10(self._power[start:spoken])
        is_speech = self._carried is not None or (
            (spoken - start) * self._settings.frame_ms / 1000 >= self._settings.shortest_s
            and float(level_db.std()) >= self._settings.steady_db
        )
        cut = None
        if is_speech:
            samples = np.frombuffer(bytes(self._pcm[begin * _BYTES : end * _BYTES]), dtype="<i2").astype(np.int16)
            first = self._anchor + begin
            cut = Cut(self._time_s(first), self._time_s(first + len(samples)), samples, reason)
        if reason != "end":
            goes_on = is_speech and self._tail * self._frame > end
            self._let_go(end // self._frame, carried=self._anchor + self._tail * self._frame if goes_on else None)
        return cut

    def _let_go(self, floor: int, *, carried: int | None) -> None:
        """Forget what lies before a frame, but for what the next detector warms up on."""
        kept = max(0, floor - self._warm_up) * self._frame
        anchor, floor_sample = self._anchor + kept, self._anchor + floor * self._frame
        del self._pcm[: kept * _BYTES]
        self._begin(anchor=anchor, floor=floor_sample, carried=carried)

    def _time_s(self, sample: int) -> float:
        return self._origin_s + sample / SAMPLE_RATE_HZ
