"""One speaker's side of a call as a telephone line carries it: sound, silence, and where the line breaks off."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.signals import SAMPLE_RATE_HZ
from simulators.load.plan import Call
from simulators.load.voices import Voices

GARBAGE: Final = "this is no message"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one connection carries, in seconds of the call."""

    start_s: float
    end_s: float
    breaks_off: bool
    garbage_s: tuple[float, ...]
    """When garbage is sent."""


def track(call: Call, speaker: str, voices: Voices) -> bytes:
    """All a speaker says in a call and the silence around it: 16-bit samples at `SAMPLE_RATE_HZ`."""
    samples = np.zeros(round(call.length_s * SAMPLE_RATE_HZ) + 1, dtype=np.float32)
    for said in call.said:
        if said.speaker == speaker:
            sound = voices.sound(said)
            begin = round(said.start_s * SAMPLE_RATE_HZ)
            samples[begin : begin + len(sound)] = sound[: len(samples) - begin]
    return np.rint(samples * 32767).clip(-32768, 32767).astype("<i2").tobytes()


def stretches(call: Call, speaker: str) -> tuple[Stretch, ...]:
    """The connections of a speaker: one, or two where the line is away in between."""
    garbage_s = tuple(
        said.start_s
        for said, fault in zip(call.said, call.faults, strict=True)
        if fault == "garbage" and said.speaker == speaker
    )

    def stretch(start_s: float, end_s: float, *, breaks_off: bool) -> Stretch:
        return Stretch(start_s, end_s, breaks_off, tuple(s for s in garbage_s if start_s <= s < end_s))

    if call.away is None:
        return (stretch(0.0, call.length_s, breaks_off=False),)
    cut_s, back_s = call.away
    return (
        stretch(0.0, cut_s, breaks_off=True),
        stretch(min(back_s, call.length_s), call.length_s, breaks_off=False),
    )
