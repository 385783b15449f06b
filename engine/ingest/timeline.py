"""The clock of one stream: time stamps as they come in, times that never fall out."""

_JITTER_S = 0.2
"""Stamps in the wild are this inexact."""
_LONGEST_GAP_S = 60.0
"""A clock that goes forward by more than this was set anew."""


class Timeline:
    """Places the pieces of one stream.

    A piece a little before the end of the last one follows it, one further on leaves a gap. A step back or a leap
    forward is a clock that was set anew: time goes on from where it was. A piece without a stamp follows the last one.

    Args:
        zero_s: stamp of the container's beginning.
        smallest_gap_s: what begins less than this after the last one ended follows it. Samples are counted more exactly
            than they are stamped; pictures have no length, so for them it is 0.
    """

    def __init__(self, *, zero_s: float, smallest_gap_s: float) -> None:
        self._shift_s = -zero_s
        self._smallest_gap_s = smallest_gap_s
        self._next_s = 0.0
        self._begun = False

    def place(self, stamp_s: float | None, *, lasts_s: float) -> float:
        """Where the next piece begins."""
        start_s = self._next_s if stamp_s is None else stamp_s + self._shift_s
        ahead_s = start_s - self._next_s
        if not -_JITTER_S <= ahead_s <= _LONGEST_GAP_S:
            self._shift_s -= ahead_s
            start_s = self._next_s
        elif ahead_s < (self._smallest_gap_s if self._begun else 0.0):
            start_s = self._next_s
        self._begun = True
        self._next_s = start_s + lasts_s
        return start_s


def sound_timeline(zero_s: float) -> Timeline:
    """For sound."""
    return Timeline(zero_s=zero_s, smallest_gap_s=_JITTER_S)


def picture_timeline(zero_s: float) -> Timeline:
    """For pictures."""
    return Timeline(zero_s=zero_s, smallest_gap_s=0.0)
