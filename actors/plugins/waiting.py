"""Sound that waits to be sent: it never holds up who brings it, and the oldest goes where there is too much."""

import asyncio

from engine.errors import ConfigurationError


class Waiting:
    """One writer, one reader, one event loop.

    Args:
        room_bytes: how much may wait, whole frames.
        frame_bytes: of one sample of every channel; what goes is whole frames.
    """

    def __init__(self, *, room_bytes: int, frame_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._frame_bytes = frame_bytes
        self._held = bytearray()
        self._changed = asyncio.Event()
        self._over = asyncio.Event()
        self.dropped_bytes = 0

    @property
    def over(self) -> bool:
        """Nothing more comes."""
        return self._over.is_set()

    def put(self, samples: bytes) -> None:
        """Add whole frames; after `end` they are left out. Raises `ConfigurationError` for half a frame."""
        if len(samples) % self._frame_bytes:
            raise ConfigurationError(f"samples come in whole frames of {self._frame_bytes} bytes, not {len(samples)}")
        if self.over:
            return
        self._held += samples
        self.keep(self._room_bytes)
        self._changed.set()

    def keep(self, newest_bytes: int) -> None:
        """Drop what is older; whole frames."""
        excess = max(0, len(self._held) - newest_bytes)
        del self._held[:excess]
        self.dropped_bytes += excess

    def end(self) -> None:
        """Nothing more comes; what waits can still be taken."""
        self._over.set()
        self._changed.set()

    async def ended(self, *, within_s: float) -> bool:
        """Wait for `end`; False: it did not come in time."""
        try:
            async with asyncio.timeout(within_s):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def come(self) -> bool:
        """Wait for sound; False: none will come any more."""
        while not self._held and not self.over:
            self._changed.clear()
            await self._changed.wait()
        return bool(self._held)

    async def take(self, most_bytes: int, *, within_s: float) -> bytes:
        """The oldest that waits; nothing: none came in time, or it is over."""
        try:
            async with asyncio.timeout(within_s):
                await self.come()
        except TimeoutError:
            return b""
        taken = bytes(self._held[:most_bytes])
        del self._held[:most_bytes]
        return taken
