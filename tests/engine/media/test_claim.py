"""Only what the allow-list names is fetched, and a server that fails holds nobody up."""

import pytest

from engine.errors import BadSegment, MediaUnavailable, Unavailable
from engine.media.claim import ClaimCheck


def claims(*allowed: str) -> ClaimCheck:
    return ClaimCheck(allowed=allowed, most_bytes=100, timeout_s=0.5)


def test_a_file_under_an_allowed_folder_is_read(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"sound")
    assert claims(f"file://{tmp_path}/").fetch(f"file://{tmp_path}/a.wav") == b"sound"


@pytest.mark.parametrize("path", ["../outside.wav", "%2e%2e/outside.wav", "nothing.wav"])
def test_no_path_leads_out_of_an_allowed_folder(tmp_path, path):
    (tmp_path / "outside.wav").write_bytes(b"sound")
    (tmp_path / "in").mkdir()
    with pytest.raises(BadSegment):
        claims(f"file://{tmp_path}/in").fetch(f"file://{tmp_path}/in/{path}")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1@localhost:1/a.wav",
        "http://127.0.0.1:11/a.wav",
        "http://127.0.0.1:1/calls/../private/a.wav",
        "http://127.0.0.1:1/calls/%2e%2e/private/a.wav",
        "http://127.0.0.1:1/calls-of-others/a.wav",
    ],
)
def test_an_address_that_only_begins_like_an_allowed_one_is_refused(address):
    with pytest.raises(BadSegment, match="outside the allow-list"):
        claims("http://127.0.0.1:1/calls").fetch(address)


def test_an_address_of_another_server_is_refused():
    with pytest.raises(BadSegment, match="outside the allow-list"):
        claims("http://127.0.0.1:1").fetch("http://127.0.0.1:1@localhost:1/a.wav")


def test_a_server_that_is_away_costs_the_segment_an_attempt_and_holds_up_nobody():
    with pytest.raises(MediaUnavailable) as caught:
        claims("http://127.0.0.1:1/calls").fetch("http://127.0.0.1:1/calls/a.wav")
    assert not isinstance(caught.value, Unavailable)
