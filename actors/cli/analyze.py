"""`turntone analyze`: recordings in, turns out, in one process."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import Hearing, quiet_engine
from actors.cli.options import AsJson, ConfigFile, Role
from actors.cli.replay import Progress

if TYPE_CHECKING:
    from schemas.events import EmotionEvent
    from simulators.corpus import Corpus


def analyze(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recordings of one conversation in order, or one corpus.")
    ],
    json: AsJson = False,
    rttm: Annotated[Path | None, typer.Option(metavar="OUT", help="Write who spoke when to this file.")] = None,
    role: Role = "performer",
    config_file: ConfigFile = None,
) -> None:
    """Run recordings through the engine, without servers.

    Several files are one conversation, one after the other. Long recordings are cut at their quietest moments.
    """
    from actors.cli.figures import show_figures
    from engine.build import build_in_process
    from engine.config import read_config
    from engine.metrics import Figures
    from simulators.offline import play_through
    from simulators.replay import new_run
    from simulators.score import match

    quiet_engine()
    corpus = open_recordings(files)
    engine = build_in_process(read_config(config_file), metrics=Figures())
    typer.echo(f"Model {engine.model_id}; who has no role is a {role}.", err=True)
    progress, hearing = Progress(), Hearing(json=json)
    sent = play_through(engine, corpus, run=new_run(), role=role, report=progress, hear=hearing)
    if rttm is not None:
        rttm.write_text("".join(rttm_lines(hearing.events)))
    if not json and any(one.emotion for one in sent):
        show_figures(hearing.console, corpus.name, match(sent, hearing.events))
    if hearing.failures or progress.skipped or not sent:
        raise typer.Exit(1)


def open_recordings(files: Sequence[Path]) -> "Corpus":
    """One file or folder as the corpus it is; several files as one dialogue in their order."""
    from engine.errors import ConfigurationError
    from simulators.corpus import Corpus, CorpusDialogue
    from simulators.folder import MEDIA_SUFFIXES, open_corpus, utterances_of

    if len(files) == 1:
        return open_corpus(files[0])
    for path in files:
        if not path.is_file() or path.suffix.lower() not in MEDIA_SUFFIXES:
            raise ConfigurationError(f"{path} is no media file; several sources have to be recordings")
    name = files[0].stem
    return Corpus(name, (CorpusDialogue(name, utterances_of(files)),))


def rttm_lines(events: Iterable["EmotionEvent"]) -> Iterator[str]:
    """Who spoke when, in the NIST format; times are seconds of the dialogue."""
    last = {(event.dialogue_id, event.turn): event for event in events if event.turn is not None}
    for event in sorted(last.values(), key=lambda each: (each.dialogue_id, each.start_s)):
        speaker = "_".join((event.speaker or "unknown").split())
        span = f"{event.start_s:.3f} {event.end_s - event.start_s:.3f}"
        yield f"SPEAKER {event.dialogue_id} 1 {span} <NA> <NA> {speaker} <NA> <NA>\n"
