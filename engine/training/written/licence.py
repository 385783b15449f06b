"""The licence of a checkpoint's weights: what the corpora that they were made from allow."""

from collections.abc import Mapping, Sequence
from typing import Any

_RESEARCH = """Research only: weights trained on data that do not allow other use.

These weights were made from the corpora below. You may use, copy and change them for research and teaching that is
not commercial, under the terms of the strictest of them; you name the corpora's authors; what you derive from the
weights stays under these terms. The program that runs them is under the licence of its own repository.
"""

_ANY = """Any use, commercial use among it: weights trained on data that allow it.

These weights were made from the corpora below and from nothing else. You may use, copy, change and pass them on for
any purpose, as far as the terms of these corpora go; CC0 asks for nothing. The program that runs them, and the other
networks that come with it, are each under the licence that lies beside them.
"""

_END = """
{sources}

The weights are given as they are, without warranty of any kind.
"""


def text(data: Sequence[Mapping[str, Any]]) -> str:
    """The licence of weights that were made from these corpora, as a checkpoint's configuration lists them."""
    sources = "\n".join(f"- {one['name']}: {one['licence']}. {one['source']}." for one in data)
    return (_ANY if any_use(data) else _RESEARCH) + _END.format(sources=sources)


def any_use(data: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every corpus allows any use."""
    return all(one["use"] == "any" for one in data)
