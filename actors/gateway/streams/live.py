"""`/v1/streams`: a microphone, a camera or a telephone line of anybody who speaks this protocol."""

from starlette.websockets import WebSocket

from actors.gateway.streams.connection import Connection, HungUp
from actors.gateway.streams.messages import WEBM, Ended, Failed, Start, Started, read_start, read_stop
from actors.gateway.streams.refusal import DONE, UNSUPPORTED, Refusal
from actors.gateway.streams.stream import carried
from actors.gateway.streams.streams import Opened, Streams, new_run
from engine.ingest.segmenter import Identity
from engine.ingest.voices import Voices

_REASON = "the stream ended"


async def live(websocket: WebSocket, streams: Streams) -> None:
    """One socket, from its first message to its close frame."""
    await websocket.accept()
    connection, run = Connection(websocket), new_run()
    try:
        first = await connection.receive(within_s=streams.limits.opening_s)
        if not isinstance(first, str):
            raise Refusal(UNSUPPORTED, "order", 'the first message is JSON: {"type": "start", ...}; media follows')
        start = read_start(first)
        streams.admit(_bearer(websocket) if start.token is None else start.token.get_secret_value())
        await _carry(connection, streams, start, run)
        await connection.close(DONE)
    except HungUp:
        return
    except Refusal as refusal:
        streams.refused(refusal, run=run)
        await connection.tell(Failed(code=refusal.error, message=str(refusal)))
        await connection.close(refusal.code, refusal.reason)


async def _carry(connection: Connection, streams: Streams, start: Start, run: str) -> None:
    identity = Identity(start.dialogue_id, run, consent=start.consent, speakers=start.speakers)
    voices = Voices(speaker=start.speaker, role=start.role)
    taken = (
        streams.container(identity, voices, offset_s=start.offset_s, tell=connection.tell)
        if start.format == WEBM
        else streams.raw(
            identity,
            voices,
            format=start.format,
            rate_hz=start.samples_hz,
            channels=start.channels,
            offset_s=start.offset_s,
            tell=connection.tell,
        )
    )
    with taken as opened:
        await connection.tell(Started(stream=run, dialogue_id=start.dialogue_id, offset_s=opened.offset_s))
        reason = _REASON if start.end_dialogue else None
        summary = await carried(
            _listen(connection, opened, silent_s=streams.limits.silent_s, reason=reason), opened.stream
        )
    if summary.ended:
        streams.ended(start.dialogue_id)
    await connection.tell(Ended(segments=summary.segments, heard_s=summary.heard_s, dialogue_ended=summary.ended))


async def _listen(connection: Connection, opened: Opened, *, silent_s: float, reason: str | None) -> None:
    """Media until `stop` or the end of the socket; one that is lost ends no dialogue."""
    try:
        while True:
            message = await connection.receive(within_s=silent_s)
            opened.meter.received(len(message))
            if isinstance(message, str):
                read_stop(message)
                break
            await opened.stream.put(message)
    except HungUp as gone:
        reason = reason if gone.in_order else None
    await opened.stream.end(reason=reason)


def _bearer(websocket: WebSocket) -> str | None:
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
