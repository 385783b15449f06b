"""The part of installing that pip cannot do: fetch the embedded broker's jars, so that nothing is fetched later."""

import sys

from actors.embedded.jars import java, resolve_jars
from engine.errors import TurntoneError


def main() -> int:
    """Fetch what is missing and say what there is; returns the exit code."""
    try:
        runtime = java()
        jars = resolve_jars()
    except TurntoneError as error:
        print(error, file=sys.stderr)
        return 1
    size_mb = sum(jar.stat().st_size for jar in jars) / 1e6
    print(f"{len(jars)} jars ({size_mb:.0f} MB) in {jars[0].parent.parent}; Java in {runtime}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
