"""The processes of a running stack, as the kernel knows them."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

WORKER = "ray::DialogueWorker"
GATEWAY = "ray::Gateway"
MODEL_SERVER = "ray::ServeReplica:turntone"
STORE = "valkey-server"
BROKER = "kafka.Kafka"


def below(pid: int) -> Mapping[int, str]:
    """Command lines of all processes that descend from one."""
    parents, commands = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The command's name, in brackets, may hold anything; its parent is the second word after it.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except (FileNotFoundError, ProcessLookupError):
                continue
    found: dict[int, str] = {}
    generation = {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation}
        found |= {child: commands[child] for child in generation}
    return found


def named(part: str, *, below_pid: int) -> set[int]:
    """The processes of one part of the stack that runs below a process; those that only hold it are left out."""
    return {
        pid
        for pid, command in below(below_pid).items()
        if (command.startswith(part) if part.startswith("ray::") else _serves(command, part))
    }


def kill(pid: int) -> None:
    """End a process where it stands."""
    os.kill(pid, signal.SIGKILL)


def _serves(command: str, part: str) -> bool:
    return part in command and "leash.py" not in command
