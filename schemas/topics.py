"""The topics, the types of their records, and the one size limit everything is derived from."""

import re
from typing import Final

SEGMENTS: Final = "turntone.segments"
TURNS: Final = "turntone.turns"
DIALOGUES: Final = "turntone.dialogues"
ALERTS: Final = "turntone.alerts"
DEAD_LETTERS: Final = "turntone.dead-letters"
STATES: Final = "turntone.states"

SEGMENT_TYPE: Final = "turntone.segment.v1"
STARTED_TYPE: Final = "turntone.dialogue.started.v1"
ENDED_TYPE: Final = "turntone.dialogue.ended.v1"
TURN_TYPE: Final = "turntone.turn.v1"
LIFECYCLE_TYPE: Final = "turntone.dialogue.v1"
ALERT_TYPE: Final = "turntone.alert.v1"
DEAD_LETTER_TYPE: Final = "turntone.dead-letter.v1"
STATE_TYPE: Final = "turntone.state.v1"

MIB: Final = 1024 * 1024
MAX_SEGMENT_BYTES: Final = 8 * MIB
"""Largest value of a segment record; larger media is passed by `dataref`."""
MAX_DEAD_LETTER_BYTES: Final = MAX_SEGMENT_BYTES + MIB
"""A dead letter is its segment and what went wrong."""
MAX_STATE_BYTES: Final = 2 * MAX_DEAD_LETTER_BYTES
"""A snapshot holds its outbox, and an outbox can hold a dead letter beside the record's own events."""

DIALOGUE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""What a dialogue id looks like, whole; it is the Kafka key and part of the Redis key."""
