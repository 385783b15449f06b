"""`turntone livekit`: what it asks for, and what it says where something is missing."""

import sys

import pytest

from actors.cli import main
from actors.cli.livekit import read_roles

GIVEN = ["--url", "ws://127.0.0.1:9", "--token", "t", "--gateway-token", "g", "--gateway", "http://127.0.0.1:9"]


def test_help_says_what_it_needs(capsys):
    assert main(["livekit", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("LIVEKIT_URL", "LIVEKIT_TOKEN", "TURNTONE_GATEWAY__TOKEN", "turntone.consent"))


def test_without_the_library_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("actors.plugins.extra.find_spec", lambda name: None)
    for name in [name for name in sys.modules if name.startswith("actors.plugins.livekit")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["livekit", "--dialogue", "monday", *GIVEN]) == 1
    assert "pip install 'turntone[livekit]'" in capsys.readouterr().err


def test_no_gateway_is_one_sentence(capsys):
    pytest.importorskip("livekit.rtc", reason="LiveKit is not installed: pip install 'turntone[livekit]'")
    assert main(["livekit", "--dialogue", "monday", *GIVEN]) == 1
    assert "no gateway is ready at http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--dialogue", "not an id"], [], ["--dialogue", "monday", "--participant", "ann"]]
)
def test_wrong_usage_is_two(arguments):
    pytest.importorskip("livekit.rtc", reason="LiveKit is not installed: pip install 'turntone[livekit]'")
    assert main(["livekit", *arguments, *GIVEN]) == 2


def test_roles_by_identity():
    assert read_roles(["ann=customer", "a=b=agent"]) == {"ann": "customer", "a=b": "agent"}
