"""One WebSocket: what comes on it within a time, what is said on it as long as somebody is there."""

import asyncio

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from actors.gateway.streams.messages import Told
from actors.gateway.streams.refusal import POLICY, Refusal

_NORMAL, _NO_CODE = 1000, 1005


class HungUp(Exception):
    """The other side is gone.

    in_order: it said so, and did not just vanish.
    """

    def __init__(self, *, in_order: bool) -> None:
        super().__init__("closed in order" if in_order else "lost")
        self.in_order = in_order


class Connection:
    """Wraps an accepted socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._gone = False

    async def receive(self, *, within_s: float) -> str | bytes:
        """The next message. Raises `HungUp`, and `Refusal` where none comes in time."""
        try:
            async with asyncio.timeout(within_s):
                message = await self._websocket.receive()
        except TimeoutError as error:
            raise Refusal(POLICY, "silent", f"nothing came for {within_s:g} s") from error
        if message["type"] == "websocket.disconnect":
            self._gone = True
            raise HungUp(in_order=_on_purpose(message))
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def tell(self, told: Told) -> None:
        """Say something; nothing happens where nobody is there any more."""
        if not self._gone:
            try:
                await self._websocket.send_text(told.model_dump_json())
            except (WebSocketDisconnect, RuntimeError):
                self._gone = True

    async def close(self, code: int, reason: str = "") -> None:
        """Close it, if it is still open."""
        if not self._gone:
            self._gone = True
            try:
                await self._websocket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError):
                return


def _on_purpose(message: Message) -> bool:
    """A close frame with code 1000, or with none. A lost connection is told as 1005 too, but gives no reason."""
    code = message.get("code")
    return code == _NORMAL or (code == _NO_CODE and "reason" in message)
