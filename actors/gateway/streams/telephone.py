"""`/v1/twilio`: the two sides of a telephone call as two speakers of one dialogue. Nothing is ever said to Twilio."""

from http import HTTPStatus

from starlette.websockets import WebSocket

from actors.gateway.problems import Problem, problem_response
from actors.gateway.streams.connection import Connection, HungUp
from actors.gateway.streams.lines import RATE_HZ, Lines
from actors.gateway.streams.messages import MULAW, Told
from actors.gateway.streams.proof import HEADER, TwilioProof
from actors.gateway.streams.refusal import DONE, POLICY, UNSUPPORTED, Refusal
from actors.gateway.streams.stream import carried
from actors.gateway.streams.streams import Opened, Streams, new_run
from actors.gateway.streams.twilio import TRACKS, Began, Over, Sound, TwilioCall
from engine.ingest.segmenter import Identity
from engine.ingest.voices import Voice, Voices

_REASON = "the call ended"


async def telephone(websocket: WebSocket, streams: Streams, proof: TwilioProof | None) -> None:
    """One socket of Twilio's, from `connected` to its close frame; with a proof, first whether it is Twilio's."""
    if proof is not None and not proof.holds(websocket.headers.get(HEADER)):
        refusal = Refusal(
            POLICY, "unauthorized", f"the header {HEADER} is not Twilio's signature of gateway.twilio.url"
        )
        streams.refused(refusal, run=None)
        await websocket.send_denial_response(problem_response(Problem(HTTPStatus.FORBIDDEN, "forbidden", str(refusal))))
        return
    await websocket.accept()
    connection, call, run = Connection(websocket), TwilioCall(), new_run()
    try:
        began = await _beginning(connection, call, within_s=streams.limits.opening_s)
        parameters = began.custom_parameters
        streams.admit(parameters.token)
        identity = Identity(began.call_sid, run, consent=parameters.consent)
        with streams.raw(
            identity,
            voices_of(began),
            format=MULAW,
            rate_hz=RATE_HZ,
            channels=len(began.tracks),
            offset_s=None,
            tell=_unsaid,
        ) as opened:
            reason = None if parameters.keep_open else _REASON
            lines = Lines(tracks=[track for track in TRACKS if track in began.tracks])
            listening = _listen(connection, call, opened, lines, silent_s=streams.limits.silent_s, reason=reason)
            try:
                summary = await carried(listening, opened.stream)
            finally:
                streams.dropped(lines.late / RATE_HZ)
        if summary.ended:
            streams.ended(began.call_sid)
        await connection.close(DONE)
    except HungUp:
        return
    except Refusal as refusal:
        streams.refused(refusal, run=run)
        await connection.close(refusal.code, refusal.reason)


def voices_of(began: Began) -> Voices:
    """Who speaks on which track: of two, inbound is channel "0" and outbound "1"; one alone has no number."""
    said = began.custom_parameters
    known = {
        "inbound": Voice(said.inbound_speaker, said.inbound_role),
        "outbound": Voice(said.outbound_speaker, said.outbound_role),
    }
    if len(began.tracks) == 1:
        alone = known[began.tracks[0]]
        return Voices(speaker=alone.speaker, role=alone.role)
    return Voices(apart=True, named={number: known[track] for number, track in enumerate(TRACKS)})


async def _beginning(connection: Connection, call: TwilioCall, *, within_s: float) -> Began:
    while True:
        said = call.take(await _text(connection, within_s=within_s))
        if isinstance(said, Began):
            return said


async def _listen(
    connection: Connection, call: TwilioCall, opened: Opened, lines: Lines, *, silent_s: float, reason: str | None
) -> None:
    """Media until `stop`; a connection that is lost ends no dialogue."""
    try:
        while True:
            text = await _text(connection, within_s=silent_s)
            opened.meter.received(len(text))
            said = call.take(text)
            if isinstance(said, Over):
                break
            if isinstance(said, Sound):
                await opened.stream.put(lines.put(said.track, said.data, stamp_s=said.stamp_s))
    except HungUp:
        reason = None
    await opened.stream.put(lines.finish())
    await opened.stream.end(reason=reason)


async def _text(connection: Connection, *, within_s: float) -> str:
    message = await connection.receive(within_s=within_s)
    if not isinstance(message, str):
        raise Refusal(UNSUPPORTED, "binary", "Twilio sends text")
    return message


async def _unsaid(told: Told) -> None:
    """What others are told Twilio would take for a command."""
