"""What the engine said of the two bundled conversations, as it stood in the topics (see `tests.browser.record`)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.transport.base import Outgoing

RECORDED: Final = Path(__file__).parent / "recorded.jsonl"


def recorded() -> Sequence[Outgoing]:
    """Every event, in the order in which it was said."""
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return [Outgoing(line["topic"], line["key"], json.dumps(line["value"]).encode()) for line in lines]
