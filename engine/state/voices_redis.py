"""Enrolled voices in Redis (or Valkey): a key each that the server itself deletes when it expires.

Keys: `turntone:voice:<name>` (JSON) and `turntone:voices` (sorted set of the names by the time at which they expire).
"""

from collections.abc import Sequence
from typing import Final, Self

from pydantic import ValidationError

from engine.clock import Clock
from engine.errors import SnapshotMismatch
from engine.state.redis import Client, connected, translated
from schemas.voice import EnrolledVoice

NAMES: Final = "turntone:voices"


class RedisVoices:
    """A `VoiceStore` behind one client, which may be shared by threads."""

    def __init__(self, *, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    @classmethod
    def connect(cls, url: str, *, clock: Clock) -> Self:
        """A store on the server at `url`. Nothing is retried here."""
        return cls(client=connected(url), clock=clock)

    def keep(self, voice: EnrolledVoice) -> None:
        """Write a voice until it expires."""
        expires_s = voice.expires_at.timestamp()
        left_ms = max(1, round((expires_s - self._clock.wall_s()) * 1000))
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.set(_key(voice.name), voice.model_dump_json().encode(), px=left_ms)
            pipeline.zadd(NAMES, {voice.name: expires_s})
            pipeline.execute()

    def voices(self) -> Sequence[EnrolledVoice]:
        """The voices that have not expired, by name; the names of those that have are cleared."""
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.zremrangebyscore(NAMES, "-inf", self._clock.wall_s())
            pipeline.zrange(NAMES, 0, -1)
            names = sorted(name.decode() for name in pipeline.execute()[1])
        if not names:
            return ()
        with translated():
            values = self._client.mget([_key(name) for name in names])
        return tuple(_decode(value) for value in values if value is not None)

    def delete(self, name: str) -> bool:
        """Erase a voice; says whether there was one."""
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(_key(name))
            pipeline.zrem(NAMES, name)
            return bool(pipeline.execute()[0])

    def close(self) -> None:
        """Free the connections."""
        self._client.close()


def _decode(value: bytes | str) -> EnrolledVoice:
    try:
        return EnrolledVoice.model_validate_json(value)
    except ValidationError:
        # The error itself would show what the value holds.
        raise SnapshotMismatch("the store holds an enrolled voice that cannot be read; enrol it again") from None


def _key(name: str) -> str:
    return f"turntone:voice:{name}"
