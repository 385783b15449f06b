"""`turntone up`: the stack for real streams."""

from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import Checkpoint, ConfigFile, configured
from actors.cli.steps import show_step

if TYPE_CHECKING:
    from actors.supervisor import Supervisor


def up(
    checkpoint: Checkpoint = None,
    config_file: ConfigFile = None,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65535, help="Serve Prometheus metrics there; 0 takes a free port."),
    ] = None,
) -> None:
    """Start the stack for real streams.

    Whatever has no address in the configuration is started here. Ctrl-C and SIGTERM drain: what is begun is finished,
    what is done is committed.
    """
    from actors.supervisor import Supervisor, stopping_on_signals

    config = configured(config_file, checkpoint=checkpoint)
    if metrics_port is not None:
        config = config.model_copy(update={"metrics": config.metrics.model_copy(update={"port": metrics_port})})
    typer.echo("Turntone starts; the first time takes longer.", err=True)
    with stopping_on_signals() as stop, Supervisor(config=config, progress=show_step) as running:
        say_where(running)
        while not stop.is_set():
            running.wait(timeout_s=0.5)


def say_where(running: "Supervisor") -> None:
    """Print addresses, model, licence and who may be inferred."""
    config = running.config
    store = config.store.url.get_secret_value() if config.store.url else ""
    typer.echo(f"broker   {config.broker.bootstrap}")
    typer.echo(f"store    {store.rpartition('@')[2] if '@' in store else store}")
    say_model(running)
    if config.metrics.port is not None:
        typer.echo(f"metrics  http://{config.metrics.host}:{config.metrics.port}/metrics")
    allowed = sorted(config.policy.allowed - config.policy.denied)
    consent = "with consent" if config.policy.require_consent else "without asking for consent"
    typer.echo(f"inferred {', '.join(allowed)}, {consent}; everybody else is withheld")
    typer.echo("Ready. Another terminal: turntone watch, turntone replay. Ctrl-C drains and stops.")


def say_model(running: "Supervisor") -> None:
    """Print which model answers, and the licence of its weights."""
    from engine.artifact import find, read

    licence = read(find(running.config.model.checkpoint)).licence
    typer.echo(f"model    {running.model_id}; its weights: {licence}")
