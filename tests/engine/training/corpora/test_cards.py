"""Every corpus says where it comes from and what it allows, in its card and in the table of corpora."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from engine.training import corpora

README = Path(corpora.__path__[0]) / "README.md"
MODULES = [importlib.import_module(f"{corpora.__name__}.{one.name}") for one in pkgutil.iter_modules(corpora.__path__)]
READERS = [module for module in MODULES if hasattr(module, "CARD")]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.rpartition(".")[2])
def test_the_table_says_what_the_card_says(reader):
    card, file = reader.CARD, Path(reader.__file__).name
    (row,) = [line for line in README.read_text().splitlines() if line.startswith(f"| `{file}`")]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2] == card.name
    assert cells[4] == card.licence
    assert cells[5] == card.use
    assert card.source
    assert len(card.traps) > 20
