"""How the suite is laid over several processes."""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling


class StacksInTurn(LoadFileScheduling):
    """A file stays in one process for its fixtures' sake, and no two real stacks ever run side by side."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "stacks" if _starts_servers(self.config.rootpath / file) else file


@cache
def _starts_servers(file: Path) -> bool:
    return "mark.stack" in file.read_text()
