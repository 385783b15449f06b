"""Addresses carry passwords: none is in an error, for errors are shown and logged."""

import pytest

from engine.errors import BadMedia, SourceUnavailable
from engine.ingest.shown import without_secrets
from engine.ingest.streamed import StreamedSource


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("rtsp://ann:s3cret@camera:554/front?token=s3cret", "rtsp://camera:554/front"),
        ("rtsp://ann:s3@c?r#et@camera/front", "rtsp://camera/front"),
        ("https://host/live.m3u8#s3cret", "https://host/live.m3u8"),
        ("rtsp://[::1]:8554/a@b", "rtsp://[::1]:8554/a@b"),
        ("calls/ann:1@home?.wav", "calls/ann:1@home?.wav"),
        ("mic:USB", "mic:USB"),
        ("-", "-"),
    ],
)
def test_an_address_without_its_secrets(address, seen):
    assert without_secrets(address) == seen


def test_an_address_that_does_not_answer_is_named_without_its_secrets():
    source = StreamedSource(address="http://ann:s3cret@127.0.0.1:9/live?token=s3cret", live=True)
    with pytest.raises(SourceUnavailable, match=r"http://127\.0\.0\.1:9/live does not answer") as caught:
        list(source.pieces())
    assert "s3cret" not in str(caught.value)


def test_a_container_that_holds_nothing_is_named_without_its_secrets(monkeypatch):
    class Container:
        name = "http://ann:s3cret@camera/live"

        class streams:
            audio = video = ()

        def close(self):
            """Nothing to free."""

    monkeypatch.setattr("av.open", lambda *_, **__: Container())
    with pytest.raises(BadMedia, match="http://camera/live holds no sound"):
        list(StreamedSource(address=Container.name, live=True).pieces())
