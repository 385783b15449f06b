"""`turntone enroll`: a voice by name, recognised from then on."""

import json as jsonlib
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import AsJson, ConfigFile, name_of

if TYPE_CHECKING:
    from engine.config import Config
    from engine.enrolment import Learned
    from engine.state.voices import VoiceStore
    from schemas.voice import EnrolledVoice

DAYS = 180
CONSENT = (
    "What is kept of a voice is biometric data: it tells this person from others. {name} must have agreed that it is "
    "kept for {days} days and compared with every voice that is heard."
)


def enroll(
    name: Annotated[str | None, typer.Argument(metavar="NAME", callback=name_of, help="Whose voice it is.")] = None,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Recordings in which nobody else speaks.")
    ] = None,
    consent: Annotated[
        bool, typer.Option("--consent", help="The person agreed to this; without it you are asked.")
    ] = False,
    role: Annotated[
        str | None,
        typer.Option(callback=name_of, help="Role by which the person is known; a denied one is never inferred."),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            min=1,
            max=3650,
            help="Forget the voice after so many days: voices change, and what nobody renews is not needed.",
        ),
    ] = DAYS,
    list_: Annotated[bool, typer.Option("--list", help="Show who is enrolled, and until when.")] = False,
    delete: Annotated[
        str | None, typer.Option(metavar="NAME", callback=name_of, help="Forget a voice at once.")
    ] = None,
    json: AsJson = False,
    config_file: ConfigFile = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="The Redis store the workers are configured with, if any.")
    ] = None,
) -> None:
    """Enrol a voice by name: recognised from then on, in every dialogue.

    What is kept is biometric data: an average of the voice's embeddings, no sound. It lies in the configured store,
    or without one in the data folder, until it expires or is deleted. The person has to consent (--consent).
    """
    from pydantic import SecretStr

    from engine.build import build_voices
    from engine.clock import SystemClock
    from engine.config import StoreSettings, read_config

    wanted = [list_, delete is not None, name is not None]
    if wanted.count(True) != 1 or (name is not None and not files):
        raise typer.BadParameter("give NAME and FILE..., or --list, or --delete NAME")
    config = read_config(config_file)
    if store is not None:
        config = config.model_copy(update={"store": StoreSettings(url=SecretStr(store))})
    with closing(build_voices(config, clock=SystemClock())) as voices:
        if delete is not None:
            forget(voices, delete)
        elif name is None:
            show(voices.voices(), json=json)
        else:
            agree(name, days=days, consent=consent)
            voice = learn(config, name, files or (), role=role, days=days)
            voices.keep(voice)
            typer.echo(
                f"{name} is enrolled from {voice.seconds:.1f} s of speech, until {voice.expires_at:%Y-%m-%d}; "
                "running workers know the voice within seconds."
            )


def agree(name: str, *, days: int, consent: bool) -> None:
    """Go on only with the person's consent, stated by flag or, in a terminal, by an answer."""
    if consent:
        return
    told = CONSENT.format(name=name, days=days)
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{told} Say so with --consent.")
    typer.echo(told)
    if not typer.confirm("Has this person agreed?"):
        typer.echo("Nothing was kept.", err=True)
        raise typer.Exit(1)


def learn(config: "Config", name: str, files: Sequence[Path], *, role: str | None, days: int) -> "EnrolledVoice":
    """The voice of recordings, ready to be kept. Raises `EnrolmentRefused` and what decoding raises."""
    from engine.build import build_decoder, build_enroller, embedding_id
    from engine.enrolment import check_name
    from engine.errors import BadMedia
    from schemas.voice import EnrolledVoice

    check_name(name)
    decoder = build_decoder(config)
    try:
        heard = []
        for path in files:
            try:
                media = decoder.decode(path.read_bytes(), content_type=None)
            except OSError as error:
                raise BadMedia(f"{path} cannot be read: {error.strerror}") from error
            if media.audio is None:
                raise BadMedia(f"{path} holds no sound: {media.audio_missing}")
            heard.append(media.audio)
    finally:
        decoder.close()
    learned: Learned = build_enroller(config).learn(heard)
    now = datetime.now(tz=UTC)
    return EnrolledVoice(
        name=name,
        centroid=learned.centroid.astype("<f4").tobytes(),
        seconds=learned.seconds,
        embedding=embedding_id(config),
        role=role,
        consent_at=now,
        expires_at=now + timedelta(days=days),
    )


def show(voices: Sequence["EnrolledVoice"], *, json: bool) -> None:
    """A line a voice, without its numbers."""
    if not voices and not json:
        typer.echo("Nobody is enrolled.", err=True)
    for voice in voices:
        if json:
            typer.echo(jsonlib.dumps(voice.model_dump(mode="json", exclude={"centroid"})))
            continue
        role = voice.role or "no role"
        typer.echo(
            f"{voice.name}: {role}, {voice.seconds:.1f} s, consent {voice.consent_at:%Y-%m-%d}, "
            f"until {voice.expires_at:%Y-%m-%d}, embedding model {voice.embedding}"
        )


def forget(voices: "VoiceStore", name: str) -> None:
    """Erase a voice and say what else may still know it."""
    if not voices.delete(name):
        typer.echo(f"{name} is not enrolled.", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{name} is forgotten; running workers forget within seconds, and a dialogue that is open keeps what it "
        "learned itself until it ends (`turntone dialogue forget`)."
    )
