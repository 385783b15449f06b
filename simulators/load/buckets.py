"""Percentiles out of a histogram's buckets, for where nothing finer is told."""

from collections.abc import Mapping

from simulators.load.report import PERCENTILES, Row

Buckets = Mapping[float, float]
"""How many were at or below each upper bound, in seconds; the last bound is infinite."""


def since(before: Buckets, after: Buckets) -> Buckets:
    """What was added; a part that was started anew in between counts from nothing."""
    grown = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    return after if any(count < 0 for count in grown.values()) else grown


def bucket_row(buckets: Buckets) -> Row | None:
    """Percentiles in milliseconds, on a straight line inside a bucket, as Prometheus draws it; none of nothing.

    What lies above the last finite bound is told as that bound.
    """
    total = max(buckets.values(), default=0.0)
    if total <= 0:
        return None
    p50, p95, p99 = (round(_at(buckets, total * percent / 100) * 1000, 1) for percent in PERCENTILES)
    return Row(int(total), p50, p95, p99)


def _at(buckets: Buckets, rank: float) -> float:
    below_s = below = 0.0
    for bound_s, count in sorted(buckets.items()):
        if count >= rank:
            if bound_s == float("inf"):
                return below_s
            return below_s + (bound_s - below_s) * (rank - below) / (count - below)
        below_s, below = bound_s, count
    return below_s
