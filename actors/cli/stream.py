"""`turntone stream`: a live source, or a recording as if it were one, cut into segments."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import AsJson, Broker, ConfigFile, bootstrap_of, finite, name_of, reach
from actors.cli.streaming import Streaming

if TYPE_CHECKING:
    from engine.config import Config
    from engine.ingest.address import Raw
    from engine.ingest.builders import IngestSettings
    from engine.ingest.ingest import Ingest
    from engine.ingest.voices import Voices

EXAMPLES = """
Examples:

  turntone stream meeting.mp4 --dialogue monday --role customer --consent

  turntone stream rtsp://camera/front --dialogue front --reconnect endless

  turntone stream mic --dialogue desk

  arecord -f S16_LE -r 16000 | turntone stream - --dialogue desk

  turntone stream call.ulaw --format mulaw --dialogue call-7

  turntone stream call.wav --channel 0=anna:agent --channel 1=ben:customer --dialogue call-7

Ctrl-C finishes the utterance and sends it; a second one breaks off.
"""
_ENDLESS = "endless"


def stream(
    source: Annotated[str, typer.Argument(help="A file, an address, `mic`, `mic:NAME`, or `-` for raw samples.")],
    dialogue: Annotated[str, typer.Option(metavar="ID", help="The conversation it belongs to.")],
    role: Annotated[str | None, typer.Option(callback=name_of, help="Role of everybody who has no other.")] = None,
    consent: Annotated[bool | None, typer.Option(help="What those who are heard said; unsaid by default.")] = None,
    channel: Annotated[
        list[str] | None, typer.Option(metavar="N=NAME[:ROLE]", help="Who is heard on a channel, counted from 0.")
    ] = None,
    speakers: Annotated[int | None, typer.Option(min=1, max=1000, help="How many people speak, if known.")] = None,
    channels_are_speakers: Annotated[
        bool, typer.Option("--channels-are-speakers", help="Every channel is somebody; else they are mixed.")
    ] = False,
    raw_format: Annotated[
        str | None, typer.Option("--format", help="Raw samples: s16le, s16be, f32le, mulaw or alaw.")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Raw samples a second; 8000 for mulaw and alaw, else 16000.")] = None,
    channels: Annotated[int, typer.Option(min=1, max=8, help="Raw samples: channels that are interleaved.")] = 1,
    realtime: Annotated[bool, typer.Option("--realtime", help="Play a recording no faster than life.")] = False,
    live: Annotated[
        bool | None,
        typer.Option(help="Whether it goes on while nobody listens; by default `mic` and rtsp:// and the like do."),
    ] = None,
    reconnect: Annotated[
        str, typer.Option(metavar="N", help="Attempts in a row to reach a live source again; or `endless`.")
    ] = "10",
    offset: Annotated[
        float, typer.Option(min=0, callback=finite, help="Where in the dialogue it begins, in seconds.")
    ] = 0.0,
    keep_open: Annotated[bool, typer.Option("--keep-open", help="The dialogue goes on after the stream.")] = False,
    json: AsJson = False,
    config_file: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Listen to a source and send what is said, utterance by utterance."""
    import uuid

    from engine.clock import SystemClock
    from engine.config import read_config
    from engine.ingest.address import source_at
    from engine.ingest.builders import build_ingest
    from engine.ingest.segmenter import Identity
    from engine.ingest.shown import without_secrets
    from engine.metrics import Figures
    from engine.transport.kafka_publisher import KafkaPublisher
    from schemas.topics import DIALOGUE_ID

    if not DIALOGUE_ID.fullmatch(dialogue):
        raise typer.BadParameter("an id holds letters, digits and . _ : -, at most 128", param_hint="--dialogue")
    voices = read_voices(channel or (), apart=channels_are_speakers, role=role)
    config = reach(read_config(config_file), broker=broker)
    settings = settings_of(
        config, attempts=read_attempts(reconnect), offset_s=offset, realtime=realtime, keep_open=keep_open
    )
    listened = source_at(source, raw=read_raw(source, raw_format, rate, channels), live=live)
    publisher = KafkaPublisher(bootstrap=bootstrap_of(config))
    shown = Streaming(json=json)
    try:
        ingest = build_ingest(
            listened,
            publisher=publisher,
            identity=Identity(dialogue_id=dialogue, run=uuid.uuid4().hex[:8], consent=consent, speakers=speakers),
            voices=voices,
            settings=settings,
            clock=SystemClock(),
            metrics=Figures(),
            report=shown,
        )
        said = {None: "not said", True: "given", False: "denied"}[consent]
        listened_to = without_secrets(source)
        typer.echo(
            f"Streaming {listened_to} as dialogue {dialogue}; role: {role or 'none'}; consent: {said}.", err=True
        )
        with shown.progress(ingest), _stopping(ingest):
            ingest.run()
    finally:
        publisher.close()


def read_voices(named: Sequence[str], *, apart: bool, role: str | None) -> "Voices":
    """`0=anna:agent` and the like; naming one channel sets all apart."""
    from engine.ingest.voices import Voice, Voices

    voices: dict[int, Voice] = {}
    for text in named:
        number, _, who = text.partition("=")
        name, _, its_role = who.partition(":")
        taken = {voice.speaker for voice in voices.values()}
        if not number.isdecimal() or not name or int(number) in voices or name in taken:
            raise typer.BadParameter(
                f"{text!r} is not N=NAME or N=NAME:ROLE, each N and each NAME once", param_hint="--channel"
            )
        voices[int(number)] = Voice(name_of(name), name_of(its_role or None))
    return Voices(apart=apart or bool(voices), named=voices, role=role)


def read_attempts(text: str) -> int | None:
    """A number, or None for `endless`."""
    if text == _ENDLESS:
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither a number nor `{_ENDLESS}`", param_hint="--reconnect")
    return int(text)


def read_raw(source: str, format: str | None, rate_hz: int | None, channels: int) -> "Raw | None":
    """How raw samples are to be read; None: the source says it itself."""
    from engine.ingest.address import Raw
    from engine.ingest.pcm import FORMATS

    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    if format is None and source != "-":
        if rate_hz is not None or channels != 1:
            raise typer.BadParameter("is for raw samples: name their --format too", param_hint="--rate, --channels")
        return None
    return Raw(format or "s16le", rate_hz, channels)


def settings_of(
    config: "Config", *, attempts: int | None, offset_s: float, realtime: bool, keep_open: bool
) -> "IngestSettings":
    """The configured settings and those of this run."""
    from actors.endpointing import endpoint_of
    from engine.ingest.builders import IngestSettings
    from engine.ingest.ingest import Room
    from engine.ingest.reconnect import Backoff

    ingest = config.ingest
    return IngestSettings(
        endpoint=endpoint_of(ingest),
        room=Room(sound_s=ingest.buffer_s, segment_bytes=ingest.buffer_mib * 1024 * 1024),
        unheard_s=ingest.unheard_s,
        origin_s=offset_s,
        realtime=realtime,
        reconnect=None if attempts == 0 else Backoff(attempts=attempts),
        keep_open=keep_open,
    )


@contextmanager
def _stopping(ingest: "Ingest") -> Iterator[None]:
    """Ctrl-C and SIGTERM end the stream in order; the second time as usual."""

    def ask(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.default_int_handler)
        ingest.stop()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
