"""`python -m tests.browser.record`: the bundled call and meeting through the engine, and all its events to a file."""

import json
from pathlib import Path

from engine.build import build_in_process
from engine.config import AlertSettings, Config
from engine.metrics import Figures
from engine.transport.base import Incoming
from simulators.corpus import Corpus
from simulators.folder import open_corpus
from simulators.offline import play_through
from simulators.replay import PERFORMER
from simulators.samples import CALL, MEETING
from tests.browser.recorded import RECORDED

RULES = AlertSettings(presets=("rising-anger", "distress", "recovery"))


def record(path: Path) -> None:
    """Events in the order in which the engine said them, a line each: topic, key and value."""
    engine = build_in_process(Config(alerts=RULES), metrics=Figures())
    corpus = Corpus("samples", (*open_corpus(CALL).dialogues, *open_corpus(MEETING).dialogues))
    lines: list[str] = []

    def hear(event: Incoming) -> None:
        value = json.loads(event.value or b"null")
        lines.append(json.dumps({"topic": event.position.topic, "key": event.key, "value": value}))

    play_through(engine, corpus, run="sample", role=PERFORMER, report=lambda _: None, hear=hear)
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    record(RECORDED)
