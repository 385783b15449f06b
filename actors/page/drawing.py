"""The page's pieces of HTML: templates in which every text is escaped."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from actors.page.wording import MARKS, percent, sentence
from actors.report.lanes import kind_of
from actors.report.wording import CODES, clock, code_of, notes, speaker_of, verdict
from schemas.labels import EMOTIONS

_FOLDER: Final = Path(__file__).parent
_REPORT: Final = _FOLDER.parent / "report"
_room: Final = Environment(
    loader=FileSystemLoader([_FOLDER / "templates", _REPORT]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_room.globals.update(clock=clock, verdict=verdict, notes=notes, code_of=code_of, kind_of=kind_of, speaker_of=speaker_of)
_room.globals.update(codes=CODES, emotions=EMOTIONS, marks=MARKS, percent=percent, sentence=sentence)


def draw(name: str, **values: object) -> str:
    """One piece by the name of its template."""
    return _room.get_template(f"{name}.html").render(**values)


def style() -> str:
    """The style sheet; emotions and speakers look as they do in a report."""
    return (_REPORT / "emotions.css").read_text() + (_FOLDER / "page.css").read_text()


def script() -> str:
    """What the browser does by itself: it opens the microphone."""
    return (_FOLDER / "microphone.js").read_text()
