"""What a stream shows of itself while it runs, and what it says at the end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from engine.ingest.ingest import Ingest, Summary
    from engine.ingest.notices import Notice

_SLOW = {
    "sound": "the oldest sound that waits to be cut is dropped",
    "picture": "the oldest pictures that wait are dropped",
    "segment": "the oldest segments that wait for the broker are dropped",
}


class Streaming:
    """Tells of a stream on the error stream; with `json`, of each segment as a line on standard output.

    May be called from any thread.
    """

    def __init__(self, *, json: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._json = json
        self._lock = Lock()
        self._told: set[str] = set()

    def __call__(self, notice: "Notice") -> None:
        """Hear of what happened."""
        from engine.ingest.notices import Again, Sent

        with self._lock:
            if isinstance(notice, Sent):
                if self._json:
                    fields = notice.segment.model_dump(mode="json", exclude_none=True)
                    typer.echo(json.dumps({**fields, "bytes": notice.bytes}))
            elif isinstance(notice, Again):
                self._say(f"{notice.reason}; attempt {notice.attempt} in {notice.wait_s:.1f} s", style="yellow")
            elif notice.what not in self._told:
                self._told.add(notice.what)
                self._say(f"slower than the source: {_SLOW[notice.what]}", style="yellow")

    @contextmanager
    def progress(self, ingest: "Ingest") -> Iterator[None]:
        """One line that is written over while the stream runs, on a terminal; then the summary, however it ended."""
        from rich.live import Live
        from rich.text import Text

        try:
            with Live(
                console=self._console,
                get_renderable=lambda: Text(line_of(ingest.summary), style="dim"),
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            ):
                yield
        finally:
            self._say(line_of(ingest.summary))

    def _say(self, sentence: str, *, style: str | None = None) -> None:
        self._console.print(sentence, style=style, markup=False, soft_wrap=True)


def line_of(summary: "Summary") -> str:
    """The figures of a stream as one line."""
    minutes, seconds = divmod(round(summary.seconds, 1), 60)
    dropped = [
        f"{summary.dropped_sound_s:.1f} s of sound" if summary.dropped_sound_s else "",
        f"{summary.dropped_pictures} picture(s)" if summary.dropped_pictures else "",
        f"{summary.dropped_segments} segment(s)" if summary.dropped_segments else "",
    ]
    lost = ", ".join(each for each in dropped if each) or "nothing"
    return f"{minutes:.0f}:{seconds:04.1f} heard, {summary.segments} segment(s) sent, dropped: {lost}"
