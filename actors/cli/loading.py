"""What a load shows of itself while it runs, and its report at the end."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from simulators.load.plan import until
from simulators.load.report import LoadReport, Machine, call_counts, latencies, row

if TYPE_CHECKING:
    from simulators.load.account import Account
    from simulators.load.drive import Driven, Progress
    from simulators.load.plan import Call, LoadSettings
    from simulators.load.report import Row

_EVERY_S: Final = 1.0
_COUNTS: Final = (
    "sent",
    "answered",
    "lost",
    "twice",
    "out_of_order",
    "given_up",
    "unexpected",
    "unacknowledged",
    "unheard",
)


class Loading:
    """One load on a terminal: what is planned, a line that is written over, the report."""

    def __init__(self, *, settings: "LoadSettings", calls: "Sequence[Call]", run: str) -> None:
        from simulators.load.plan import digest

        self.run = run
        self._settings = settings
        self._calls = calls
        self._plan = digest(calls)
        self._terminal = Console(stderr=True).is_terminal
        self._load_before = os.getloadavg()[0]
        self._shown_s = float("-inf")

    def begin(self, account: "Account", *, through: "Literal['topics', 'gateway', 'live streams']") -> None:
        """Say what will happen."""
        self._account, self._through = account, through
        said = sum(len(call.said) for call in self._calls)
        typer.echo(
            f"Run {self.run}, plan {self._plan} of seed {self._settings.seed}: {len(self._calls)} call(s), "
            f"{said} utterance(s) in {self._settings.seconds:g} s, through {through}. Ctrl-C hangs up and reports.",
            err=True,
        )

    def progress(self, progress: "Progress") -> None:
        """Hear where the load is."""
        if not self._terminal or time.monotonic() - self._shown_s < _EVERY_S:
            return
        self._shown_s = time.monotonic()
        now = self._account.balance()
        typer.echo(
            f"\r{progress.now_s:.0f} of {self._settings.seconds:.0f} s, {progress.open_calls} call(s) open, "
            f"{now.sent} sent, {now.answered} answered, {self._account.waiting} waited for\x1b[K",
            err=True,
            nl=False,
        )

    def finish(self, driven: "Driven", *, stages: "Mapping[str, Row] | None", json: Path | None) -> LoadReport:
        """Print the report, and write it where asked.

        stages: of all that the stack did meanwhile, where its figures tell them and not its events.
        """
        if self._terminal:
            typer.echo(err=True)
        begun = until(self._calls, driven.took_s) if driven.interrupted else self._calls
        report = LoadReport(
            run=self.run,
            plan=self._plan,
            through=self._through,
            settings=self._settings,
            interrupted=driven.interrupted,
            took_s=driven.took_s,
            calls=call_counts(begun),
            balance=self._account.balance(heard_out=driven.heard_out),
            latency_ms={**latencies(self._account.answers), **({"stack": stages} if stages else {})},
            behind_ms=row(driven.behind_ms),
            machine=Machine(
                cores=len(os.sched_getaffinity(0)),
                load_before=round(self._load_before, 1),
                load_after=round(os.getloadavg()[0], 1),
            ),
        )
        show(Console(), report)
        if json is not None:
            json.write_text(dumps(report.as_json(), indent=2) + "\n")
        return report


def show(console: Console, report: LoadReport) -> None:
    """Print a report."""
    calls, machine = report.calls, report.machine
    console.print(
        f"{calls['begun']} call(s) in {report.took_s:g} s, at most {calls['most_at_once']} at once: "
        f"{calls['finished']} finished, {calls['hung_up']} hung up, {calls['cut_short']} cut short at the end; "
        f"{calls['broke_off']} broke off and came again.{' Interrupted.' if report.interrupted else ''}",
        highlight=False,
        soft_wrap=True,
    )
    balance = asdict(report.balance)
    counts = ", ".join(
        f"{balance[name]} {name.replace('_', ' ')}" for name in _COUNTS if name in _COUNTS[:5] or balance[name]
    )
    console.print(f"Utterances: {counts}.", highlight=False, soft_wrap=True)
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(report.balance.outcomes.items()))
    console.print(f"Turns: {told or 'none'}.", highlight=False, soft_wrap=True)
    for fault, found in report.balance.faults.items():
        console.print(
            f"Fault {fault}: {found['sent']} sent, {found['answered']} answered with a turn, "
            f"{found['dead_letters']} dead letter(s).",
            highlight=False,
            soft_wrap=True,
        )
    table = Table("milliseconds", "turns", "p50", "p95", "p99", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, rows in report.latency_ms.items():
        for name, one in rows.items():
            table.add_row(f"{kind}: {name}", str(one.turns), f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.p99:.1f}")
    if (behind := report.behind_ms) is not None:
        figures = (f"{behind.p50:.1f}", f"{behind.p95:.1f}", f"{behind.p99:.1f}")
        table.add_row("the load behind its plan", str(behind.turns), *figures)
    console.print(table)
    console.print(
        f"{machine.cores} cores, load {machine.load_before} before and {machine.load_after} after.", highlight=False
    )
