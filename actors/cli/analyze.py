"""`turntone analyze`: recordings in, turns out, in one process."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import Hearing, quiet_engine
from actors.cli.options import AsJson, Checkpoint, ConfigFile, Role, configured, new_file
from actors.cli.replay import Progress

if TYPE_CHECKING:
    from engine.build import InProcess
    from engine.config import Config
    from engine.signals import Frames
    from schemas.events import EmotionEvent
    from simulators.corpus import Corpus
    from simulators.recordings import Conversation


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the sources."""

    failures: tuple[str, ...]
    """What was left out, a sentence each."""
    stopped_at_s: float | None = None
    """How far it came where it was interrupted."""


def analyze(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recordings of one conversation in order, or one corpus.")
    ],
    json: AsJson = False,
    rttm: Annotated[
        Path | None, typer.Option(metavar="OUT", callback=new_file, help="Write who spoke when to this file.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.html", callback=new_file, help="Write a page that stands alone, with pictures of faces."
        ),
    ] = None,
    speakers: Annotated[int | None, typer.Option(min=1, max=1000, help="How many people speak, if known.")] = None,
    channel: Annotated[
        list[str] | None, typer.Option(metavar="N=NAME[:ROLE]", help="Who is heard on a channel, counted from 0.")
    ] = None,
    role: Role = "performer",
    checkpoint: Checkpoint = None,
    config_file: ConfigFile = None,
) -> None:
    """Run recordings through the engine, without servers.

    Several files are one conversation, one after the other, of any length. Ctrl-C ends it early: what was analysed
    until then is written.
    """
    from engine.build import build_in_process
    from engine.config import FaceSettings
    from engine.metrics import Figures
    from simulators.corpus import Corpus

    quiet_engine()
    config = configured(config_file, checkpoint=checkpoint)
    source = open_sources(files, config=config, speakers=speakers, channels=channel or (), role=role)
    if isinstance(source, Corpus) and source.has_stills:
        config = config.model_copy(update={"faces": FaceSettings(still="use")})
    faces: dict[str, Frames] = {}

    def keep(event_id: str, crops: "Frames") -> None:
        faces[event_id] = crops[len(crops) // 2].copy()

    engine = build_in_process(config, metrics=Figures(), portray=None if report is None else keep)
    typer.echo(f"Model {engine.model_id}; who has no role is a {role}.", err=True)
    hearing = Hearing(json=json)
    played = _play(engine, source, hearing, role=role, json=json)
    failures = (*played.failures, *hearing.failures)
    if rttm is not None:
        rttm.write_text("".join(rttm_lines(hearing.events)), encoding="utf-8")
    if report is not None:
        page = _page(files, config, role, hearing, faces, played, failures)
        # The name of a file may be no text.
        report.write_text(page, encoding="utf-8", errors="replace")
    if played.stopped_at_s is not None:
        typer.echo(f"Stopped after {played.stopped_at_s:.0f} s; what was analysed until then is written.", err=True)
    if failures or played.stopped_at_s is not None:
        raise typer.Exit(1)


def open_sources(
    files: Sequence[Path], *, config: "Config", speakers: int | None, channels: Sequence[str], role: str
) -> "Corpus | Conversation":
    """One folder or manifest as the corpus it is; files of media as one conversation.

    Raises `ConfigurationError` for anything else.
    """
    from actors.cli.stream import read_voices, settings_of
    from engine.errors import ConfigurationError
    from simulators.folder import MEDIA_SUFFIXES, open_corpus
    from simulators.recordings import Conversation
    from simulators.timeline import cleaned

    recorded = [path for path in files if path.is_file() and path.suffix.lower() in MEDIA_SUFFIXES]
    if len(files) == 1 and not recorded:
        if speakers is not None or channels:
            raise ConfigurationError(f"{files[0]} says itself who speaks; --speakers and --channel are for recordings")
        return open_corpus(files[0])
    for path in files:
        if path not in recorded:
            raise ConfigurationError(f"{path} is no media file; several sources have to be recordings")
    return Conversation(
        dialogue_id=cleaned(files[0].stem),
        files=tuple(files),
        voices=read_voices(channels, apart=False, role=role),
        speakers=speakers,
        endpoint=settings_of(config, attempts=0, offset_s=0.0, realtime=False, keep_open=False).endpoint,
    )


def rttm_lines(events: Iterable["EmotionEvent"]) -> Iterator[str]:
    """Who spoke when, in the NIST format; times are seconds of the dialogue."""
    last = {(event.dialogue_id, event.turn): event for event in events if event.turn is not None}
    for event in sorted(last.values(), key=lambda each: (each.dialogue_id, each.start_s)):
        speaker = "_".join((event.speaker or "").split()) or "unknown"
        span = f"{event.start_s:.3f} {event.end_s - event.start_s:.3f}"
        yield f"SPEAKER {event.dialogue_id} 1 {span} <NA> <NA> {speaker} <NA> <NA>\n"


def _play(engine: "InProcess", source: "Corpus | Conversation", hearing: Hearing, *, role: str, json: bool) -> Played:
    from simulators.corpus import Corpus

    if isinstance(source, Corpus):
        return _play_corpus(engine, source, hearing, role=role, json=json)
    return _listen(engine, source, hearing)


def _play_corpus(engine: "InProcess", corpus: "Corpus", hearing: Hearing, *, role: str, json: bool) -> Played:
    from actors.cli.figures import show_figures
    from simulators.offline import play_through
    from simulators.replay import new_run
    from simulators.score import match

    replayed = play_through(engine, corpus, run=new_run(), role=role, report=Progress(), hear=hearing)
    if not json and any(one.emotion for one in replayed.sent):
        show_figures(hearing.console, corpus.name, match(replayed.sent, hearing.events))
    failures = tuple(f"skipped {skip.name}: {skip.reason}" for skip in replayed.skipped)
    if not replayed.sent and not failures:
        failures = (f"{corpus.name} holds nothing to play",)
    end_s = max((event.end_s for event in hearing.events), default=0.0)
    return Played(failures, stopped_at_s=end_s if replayed.interrupted else None)


def _listen(engine: "InProcess", conversation: "Conversation", hearing: Hearing) -> Played:
    from actors.cli.listening import Listening
    from simulators.offline import Offline
    from simulators.recordings import records
    from simulators.replay import new_run

    listening = Listening(total_s=conversation.duration_s(), shown=hearing.console)
    stopped = False
    with listening.shown():
        try:
            with Offline(engine=engine, hear=hearing) as publisher:
                for record in records(conversation, run=new_run(), listened=listening.listened, report=listening.skip):
                    publisher.publish([record])
        except KeyboardInterrupt:
            stopped = True
    if not hearing.events and not stopped and not listening.skipped and not hearing.failures:
        typer.echo("Nobody is heard or seen to speak.", err=True)
    failures = tuple(f"skipped {skip.name}: {skip.reason}" for skip in listening.skipped)
    return Played(failures, stopped_at_s=listening.reached_s if stopped else None)


def _page(
    files: Sequence[Path],
    config: "Config",
    role: str,
    hearing: Hearing,
    faces: "dict[str, Frames]",
    played: Played,
    failures: Sequence[str],
) -> str:
    from actors.report.page import About, report
    from engine.artifact import find, read

    artifact = read(find(config.model.checkpoint))
    about = About(
        title=", ".join(path.name for path in files),
        model_id=artifact.model_id,
        licence=artifact.licence,
        role=role,
        failures=failures,
        stopped_at_s=played.stopped_at_s,
        faces=faces,
        alerts=hearing.alerts,
    )
    return report(hearing.events, about=about)
