"""Why a live stream is not taken any further: a close code, a word for programs, a sentence for people."""

from typing import Final, Literal, get_args

from engine.errors import TurntoneError

DONE: Final = 1000
UNSUPPORTED: Final = 1003
"""Data of a kind that is not taken."""
MALFORMED: Final = 1007
"""Data that is not what it says it is."""
POLICY: Final = 1008
"""Not allowed, out of order, or beyond a limit."""
TOO_BIG: Final = 1009
AGAIN: Final = 1013
"""Nothing is wrong with the stream; another time it may be taken."""

Word = Literal[
    "bad-media",
    "binary",
    "busy",
    "decoder-died",
    "format",
    "malformed",
    "order",
    "overloaded",
    "silent",
    "too-big",
    "too-fast",
    "too-long",
    "too-many-bytes",
    "track",
    "unauthorized",
    "unavailable",
]
WORDS: Final[tuple[Word, ...]] = get_args(Word)
"""Every reason there is: what a program, the figures and the table in README.md know them by."""

_REASON_BYTES = 123
"""A close frame holds no more (RFC 6455, 5.5)."""


class Refusal(TurntoneError):
    """A stream that is ended by the gateway.

    Args:
        code: of the close frame (RFC 6455, 7.4.1).
        error: one of `WORDS`, for programs.
        message: one sentence for people.
    """

    def __init__(self, code: int, error: Word, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.error = error

    @property
    def reason(self) -> str:
        """What fits into a close frame."""
        return f"{self.error}: {self}".encode()[:_REASON_BYTES].decode(errors="ignore")
