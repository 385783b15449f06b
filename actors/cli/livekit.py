"""`turntone livekit`: a LiveKit room as a dialogue, each participant a speaker."""

import json as json_text
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import AsJson, name_of

if TYPE_CHECKING:
    from actors.gateway.streams.messages import Segmented
    from schemas.segment import Participant

EXAMPLES = """
Examples:

  export LIVEKIT_URL=wss://meet.example.org LIVEKIT_TOKEN=... TURNTONE_GATEWAY__TOKEN=...

  turntone livekit --dialogue monday --role customer --consent

  turntone livekit --dialogue call-7 --participant ann=customer --participant bob=agent

The token lets this command join the room and subscribe; make it for a hidden participant. A participant's attributes
turntone.role and turntone.consent (true or false) go before the options; who refuses is not listened to. It ends when
everybody has left, when the room closes, or at Ctrl-C, and the dialogue with it.
"""
_ALONE_S = 30.0


def livekit(
    dialogue: Annotated[str, typer.Option(metavar="ID", help="The conversation.")],
    url: Annotated[str, typer.Option(envvar="LIVEKIT_URL", metavar="URL", help="The LiveKit server: wss://...")],
    token: Annotated[
        str, typer.Option(envvar="LIVEKIT_TOKEN", help="A participant's token; better in the environment.")
    ],
    gateway_token: Annotated[
        str, typer.Option(envvar="TURNTONE_GATEWAY__TOKEN", help="The gateway's, with the scope segments:write.")
    ],
    gateway: Annotated[str, typer.Option(metavar="URL", help="Where Turntone's gateway is.")] = "http://127.0.0.1:8477",
    role: Annotated[str | None, typer.Option(callback=name_of, help="Role of everybody who has no other.")] = None,
    consent: Annotated[
        bool | None,
        typer.Option(help="What those said whose attributes do not say it; unsaid by default."),
    ] = None,
    participant: Annotated[
        list[str] | None, typer.Option(metavar="IDENTITY=ROLE", help="Somebody's role, by their identity.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Listen to a LiveKit room and send what each participant says, through the gateway of a running stack."""
    import asyncio
    from random import Random

    from pydantic import SecretStr

    from actors.client import Client
    from actors.plugins.livekit.people import People
    from actors.plugins.livekit.room import Attendance
    from actors.plugins.uplink import Gateway
    from engine.clock import SystemClock
    from engine.errors import Unavailable
    from schemas.topics import DIALOGUE_ID

    if not DIALOGUE_ID.fullmatch(dialogue):
        raise typer.BadParameter("an id holds letters, digits and . _ : -, at most 128", param_hint="--dialogue")
    people = People(role=role, roles=read_roles(participant or ()), consent=consent)
    shown = Shown(json=json)
    with Client(gateway, token=gateway_token) as client:
        if not client.ready():
            raise Unavailable(f"no gateway is ready at {gateway}: `turntone up` prints where it is; --gateway names it")

        async def listen() -> str:
            attendance = Attendance(
                gateway=Gateway(gateway, SecretStr(gateway_token)),
                dialogue_id=dialogue,
                people=people,
                alone_s=_ALONE_S,
                clock=SystemClock(),
                random=Random(),  # noqa: S311 - jitter
                tell=shown.published,
            )
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, attendance.leave)
            typer.echo(f"Listening to the room at {url} as dialogue {dialogue}; Ctrl-C ends it.", err=True)
            return await attendance.attend(url, token)

        try:
            why = asyncio.run(listen())
        finally:
            if shown.utterances:
                client.end(dialogue)
    typer.echo(f"{shown.utterances} utterance(s) of {len(shown.speakers)} speaker(s) sent; left: {why}.", err=True)


class Shown:
    """Counts what is sent; with `json`, each utterance is a line on standard output."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self.utterances = 0
        self.speakers: set[str] = set()

    def published(self, who: "Participant", told: "Segmented") -> None:
        """Hear of an utterance and whose it is."""
        self.utterances += 1
        self.speakers.add(who.speaker)
        if self._json:
            typer.echo(json_text.dumps({"speaker": who.speaker, **told.model_dump(exclude={"type"})}))


def read_roles(named: Sequence[str]) -> dict[str, str]:
    """`ann=customer` and the like, each identity once."""
    roles: dict[str, str] = {}
    for text in named:
        identity, _, role = text.rpartition("=")
        if not identity or not role or identity in roles:
            raise typer.BadParameter(f"{text!r} is not IDENTITY=ROLE, each IDENTITY once", param_hint="--participant")
        roles[identity] = name_of(role) or role
    return roles
