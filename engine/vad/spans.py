"""From stretches of voiced frames to spans of speech: pauses bridged, blips dropped, edges padded."""

from collections.abc import Sequence

from engine.signals import Span


def bridge(spans: Sequence[Span], *, gap_s: float) -> list[Span]:
    """Spans in order, those less than `gap_s` apart made one."""
    bridged: list[Span] = []
    for span in spans:
        if bridged and span.start_s - bridged[-1].end_s < gap_s:
            bridged[-1] = Span(bridged[-1].start_s, span.end_s)
        else:
            bridged.append(span)
    return bridged


def pad(spans: Sequence[Span], *, padding_s: float, duration_s: float) -> list[Span]:
    """Spans widened on both sides, never beyond the waveform nor into each other."""
    padded: list[Span] = []
    for span in spans:
        start_s, end_s = max(0.0, span.start_s - padding_s), min(duration_s, span.end_s + padding_s)
        if padded and start_s < padded[-1].end_s:
            start_s = padded[-1].end_s
        padded.append(Span(start_s, end_s))
    return padded
