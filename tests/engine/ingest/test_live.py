"""A real connection that breaks off and is there again, and one that falls silent."""

import socket
from contextlib import closing
from random import Random
from threading import Event, Thread

import numpy as np
import pytest

from engine.clock import ManualClock
from engine.errors import SourceUnavailable
from engine.ingest.address import source_at
from engine.ingest.base import Heard, Seen
from engine.ingest.reconnect import Backoff, Reconnecting
from engine.ingest.streamed import StreamedSource
from tests.engine.ingest.sources import movie, talk


@pytest.fixture(scope="module")
def sent() -> bytes:
    """Three seconds of a broadcast, whose clock is somewhere in its day."""
    return movie(
        samples=talk(1)[None, : 3 * 16_000],
        stamps_s=40_000 + np.arange(0, 3, 0.04),
        sound_stamp_s=lambda at_s: 40_000 + at_s,
        container="mpegts",
        codec="mp2",
    )


def serve(server: socket.socket, portions: list[bytes]) -> None:
    """A connection for each portion; then nobody answers."""
    with closing(server):
        for portion in portions:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(portion)


def test_a_broadcast_that_breaks_off_goes_on_after_the_gap(sent):
    server, clock, notices = socket.create_server(("127.0.0.1", 0)), ManualClock(), []
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    serving = Thread(target=serve, args=(server, [sent, sent[: len(sent) // 2]]))
    serving.start()
    source = source_at(address, raw=None, live=None)
    assert source.live

    def wait(seconds):
        clock.advance(60.0)
        return False

    flaky = Reconnecting(
        source=source, backoff=Backoff(attempts=1), clock=clock, wait=wait, report=notices.append, random=Random(1)
    )
    pieces = []
    with pytest.raises(SourceUnavailable, match=r"does not answer.*given up after 1"):
        pieces.extend(piece for piece in flaky.pieces() if pieces.append(piece))
    serving.join()
    assert [notice.attempt for notice in notices] == [1, 1]
    for kind in (Heard, Seen):
        starts = np.array([piece.start_s for piece in pieces if isinstance(piece, kind)])
        first, second = starts[starts < 60.0], starts[starts >= 60.0]
        assert first.min() < 0.2
        assert first.max() == pytest.approx(3.0, abs=0.3)
        assert second.min() < 60.3
        assert 1.0 < second.max() - 60.0 < 2.5


def test_a_server_that_says_nothing_more_is_lost(sent):
    server, over = socket.create_server(("127.0.0.1", 0)), Event()
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

    def fall_silent():
        connection, _ = server.accept()
        with closing(connection):
            connection.sendall(sent)
            over.wait()

    serving = Thread(target=fall_silent)
    serving.start()
    pieces = []
    with closing(server):
        with pytest.raises(SourceUnavailable, match="broke off"):
            pieces.extend(
                piece
                for piece in StreamedSource(address=address, live=True, silent_s=0.5).pieces()
                if pieces.append(piece)
            )
        over.set()
        serving.join()
    assert pieces
