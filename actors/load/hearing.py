"""Turns as a gateway tells them, put where a load looks for them."""

import time
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from actors.client import Client
from engine.errors import TurntoneError, Unavailable
from schemas.events import EmotionEvent
from simulators.load.line import Told

_OPENING_S: Final = 30.0


class Ears:
    """Listens to the turns of a gateway while the `with` block lasts, from its first line on; then closes the client.

    Raises `Refused`, and `Unavailable` where the gateway tells nothing.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: SimpleQueue[Told] = SimpleQueue()
        self._open = Event()
        self._failure: Exception | None = None
        # A stream of events ends only when its next line comes: nobody waits for that.
        self._thread = Thread(target=self._listen, name="events", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opened = self._open.wait(_OPENING_S)
        if opened and self._failure is None:
            return self
        self._client.close()
        raise self._failure or Unavailable(f"the gateway at {self._client.url} tells no events")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def hear(self, *, timeout_s: float) -> list[Told]:
        """What was told next; an empty list when nothing was within `timeout_s`."""
        try:
            told = [self._told.get(timeout=timeout_s)]
            while not self._told.empty():
                told.append(self._told.get_nowait())
        except Empty:
            return []
        return told

    def _listen(self) -> None:
        try:
            for heard in self._client.events(kinds=["turn"], alive=self._open.set):
                self._told.put(Told(EmotionEvent.model_validate(heard.event), time.time()))
        except (TurntoneError, RuntimeError) as error:
            # Refused, or closed at the end of the block, when nobody asks any more.
            self._failure = error
            self._open.set()
