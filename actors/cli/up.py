"""`turntone up`: the stack for real streams."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import Checkpoint, ConfigFile, configured
from actors.cli.steps import show_step

if TYPE_CHECKING:
    from actors.supervisor import Supervisor
    from engine.config import Config


def up(
    checkpoint: Checkpoint = None,
    config_file: ConfigFile = None,
    gateway: Annotated[bool | None, typer.Option(help="Serve HTTP beside the broker; on by default.")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65535, help="Serve Prometheus metrics there; 0 takes a free port."),
    ] = None,
) -> None:
    """Start the stack for real streams.

    Whatever has no address in the configuration is started here. Ctrl-C and SIGTERM drain: what is begun is finished,
    what is done is committed.

    The gateway takes segments over HTTP and tells events: POST /v1/dialogues/{id}/segments, GET /v1/events,
    GET /v1/dialogues, described at /openapi.json. It listens on this machine alone, on port 8477 where that is free,
    and asks for a token: TURNTONE_GATEWAY__TOKEN sets one, else one is made and printed. --no-gateway leaves it out;
    [gateway] in the configuration sets the rest.
    """
    config = configured(config_file, checkpoint=checkpoint)
    if metrics_port is not None:
        config = config.model_copy(update={"metrics": config.metrics.model_copy(update={"port": metrics_port})})
    if gateway is not None:
        config = config.model_copy(update={"gateway": config.gateway.model_copy(update={"enabled": gateway})})
    with started(config, gateway=config.gateway.enabled) as (running, stop):
        say_where(running, given=config)
        while not stop.is_set():
            running.wait(timeout_s=0.5)


@contextmanager
def started(config: "Config", *, gateway: bool) -> Iterator[tuple["Supervisor", Event]]:
    """The stack and what asks for its end. With a gateway the page's address is printed, and answers, at once."""
    from actors.gateway.guarded import guarded
    from actors.page.porch import Porch

    typer.echo("Turntone starts; the first time takes longer.", err=True)
    with ExitStack() as opened:
        settled, progress = config, show_step
        if gateway:
            progress = opened.enter_context(closing(Porch(config.gateway, progress=show_step)))
            settings = guarded(config).gateway.model_copy(update={"port": progress.port})
            settled = config.model_copy(update={"gateway": settings})
            say_page(settled, given=config)
        # Here and not above: it brings Ray, which takes longer than all of this.
        from actors.stopping import stopping_on_signals
        from actors.supervisor import Supervisor

        stop = opened.enter_context(stopping_on_signals())
        running = opened.enter_context(Supervisor(config=settled, progress=progress, gateway=gateway))
        yield running, stop


def say_where(running: "Supervisor", *, given: "Config") -> None:
    """Print addresses, model, licence and who may be inferred; `given`: the configuration before the start."""
    config = running.config
    store = config.store.url.get_secret_value() if config.store.url else ""
    typer.echo(f"broker   {config.broker.bootstrap}")
    typer.echo(f"store    {store.rpartition('@')[2] if '@' in store else store}")
    say_gateway(config, given=given)
    say_model(running)
    if config.metrics.port is not None:
        typer.echo(f"metrics  http://{config.metrics.host}:{config.metrics.port}/metrics")
    allowed = sorted(config.policy.allowed - config.policy.denied)
    consent = "with consent" if config.policy.require_consent else "without asking for consent"
    typer.echo(f"inferred {', '.join(allowed)}, {consent}; everybody else is withheld")
    typer.echo("Ready. Another terminal: turntone watch, turntone replay. Ctrl-C drains and stops.")


def say_gateway(config: "Config", *, given: "Config") -> None:
    """Print where the gateway is and, this once, the token that was made for it."""
    settings, known = config.gateway, given.gateway.tokens or given.gateway.token
    if not settings.enabled:
        return
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    typer.echo(f"gateway  http://{host}:{settings.port}")
    if settings.token is not None and not known:
        typer.echo(
            f"token    {settings.token.get_secret_value()} (made for this run; TURNTONE_GATEWAY__TOKEN sets one)"
        )


def say_page(config: "Config", *, given: "Config") -> None:
    """Print where a browser finds the page: a token that was made for this run stands in it, and no other does."""
    from actors.page.address import address

    settings, known = config.gateway, given.gateway.tokens or given.gateway.token
    if settings.enabled and settings.port is not None:
        token = None if known or settings.token is None else settings.token.get_secret_value()
        typer.echo(f"page     {address(settings.host, settings.port, token)}")


def say_model(running: "Supervisor") -> None:
    """Print which model answers, and the licence of its weights."""
    from engine.artifact import find, licence_of

    licence = licence_of(find(running.config.model.checkpoint))
    typer.echo(f"model    {running.model_id}; its weights: {licence}")
