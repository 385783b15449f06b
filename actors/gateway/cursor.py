"""Where a subscriber is in the topics, as a text that can be handed out and given back."""

import re
from collections.abc import Mapping

from engine.transport.base import Partition

Offsets = Mapping[Partition, int]
"""By topic and partition, the offset of the next record."""

_PREFIX = "turntone."
_TOPIC = re.compile(r"[a-z0-9.-]{1,64}=\d{1,19}(,\d{1,19}){0,9999}")


def cursor(offsets: Offsets) -> str:
    """`alerts=0,3;dialogues=2,0;turns=15,20`: the next offset of every partition, from partition 0 on."""
    topics: dict[str, list[str]] = {}
    for (topic, _), offset in sorted(offsets.items()):
        topics.setdefault(topic.removeprefix(_PREFIX), []).append(str(offset))
    return ";".join(f"{topic}={','.join(told)}" for topic, told in topics.items())


def read_cursor(text: str) -> Offsets:
    """The offsets a cursor tells. Raises `ValueError` for a text that is none."""
    offsets: dict[Partition, int] = {}
    for part in text.strip().split(";"):
        if not _TOPIC.fullmatch(part):
            raise ValueError("is not an id that was given out here")
        topic, _, told = part.partition("=")
        offsets |= {(_PREFIX + topic, number): int(offset) for number, offset in enumerate(told.split(","))}
    return offsets
