"""Tokens, limits, cursors and settings, each alone."""

import pytest
from pydantic import SecretStr

from actors.gateway.cursor import cursor, read_cursor
from actors.gateway.guarded import guarded
from actors.gateway.limits import RateLimit, Room
from actors.gateway.problems import Problem
from actors.gateway.server import known_tokens
from actors.gateway.tokens import SCOPES, Access, Tokens
from engine.clock import ManualClock
from engine.config import Config, GatewaySettings, GatewayToken, read_config
from engine.errors import ConfigurationError
from schemas.topics import TURNS

SECRET = "a-secret-of-the-tests"  # noqa: S105


def test_a_bucket_fills_at_its_rate_and_not_beyond_its_brim():
    clock = ManualClock()
    rate = RateLimit(per_s=2.0, burst=3, clock=clock)

    def taken() -> int:
        for count in range(100):
            try:
                rate.take("ann")
            except Problem:
                return count
        return 100

    assert taken() == 3
    clock.advance(0.5)
    assert taken() == 1
    clock.advance(1000.0)
    assert taken() == 3
    rate.take("ben")


def test_an_empty_bucket_says_how_long_to_wait():
    rate = RateLimit(per_s=0.1, burst=1, clock=ManualClock())
    rate.take("ann")
    with pytest.raises(Problem) as caught:
        rate.take("ann")
    assert 10 <= int(caught.value.headers["retry-after"]) <= 11


def test_room_is_given_back_whatever_happens():
    room = Room(most_bytes=10)

    def fail() -> None:
        with room.taken(8):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with room.taken(8), pytest.raises(Problem, match="on its way"), room.taken(3):
        pass
    with room.taken(10):
        pass


def test_a_token_is_known_by_all_of_it():
    tokens = Tokens([(SECRET, Access("ann", ["events:read"]))])
    assert tokens.check(f"bearer {SECRET}", scope="events:read").name == "ann"
    for header, status in (
        (None, 401),
        (SECRET, 401),
        (f"Basic {SECRET}", 401),
        (f"Bearer {SECRET}x", 401),
        (f"Bearer {SECRET[:-1]}", 401),
        ("Bearer ", 401),
        ("Bearer tökén", 401),
    ):
        with pytest.raises(Problem) as caught:
            tokens.check(header, scope="events:read")
        assert caught.value.status == status
    with pytest.raises(Problem) as caught:
        tokens.check(f"Bearer {SECRET}", scope="dialogues:read")
    assert caught.value.status == 403


def test_tokens_that_are_made_differ():
    assert len({guarded(Config()).gateway.token for _ in range(100)}) == 100


def test_the_tokens_of_the_configuration_are_known_with_their_scopes():
    desk = GatewayToken(name="desk", secret=SecretStr(SECRET), scopes=("events:read",))
    known = dict(known_tokens(GatewaySettings(token=SecretStr(SECRET[::-1]), tokens=(desk,))))
    assert known[SECRET] == Access("desk", ("events:read",))
    assert set(known[SECRET[::-1]].scopes) == set(SCOPES)


def test_a_cursor_names_every_partition():
    offsets = {(TURNS, 0): 15, (TURNS, 1): 0, ("turntone.dialogues", 0): 2}
    assert cursor(offsets) == "dialogues=2;turns=15,0"
    assert read_cursor(cursor(offsets)) == offsets
    for text in ("", "turns", "turns=", "turns=1,x", "turns=-1", "turns=1;;", "Turns=1", "turns=" + "9" * 99):
        with pytest.raises(ValueError, match="not an id"):
            read_cursor(text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[gateway]\nhost = "0.0.0.0"', "set `token` or `tokens` first"),
        ('[gateway]\nhost = "example.org"', "set `token` or `tokens` first"),
        ('[gateway]\ntoken = "short"', "gateway.token"),
        ("[gateway]\nmost_bytes = 99999999", "gateway.most_bytes"),
        ('[[gateway.webhooks]]\nname = "a"\nurl = "ftp://x"\nsecret = "sixteen-letters-at-least"', "url"),
        (
            "".join(f'[[gateway.tokens]]\nname = "a"\nsecret = "{n}-sixteen-letters-at-least"\n' for n in (1, 2)),
            "two tokens",
        ),
    ],
)
def test_settings_that_would_not_do_are_said(tmp_path, settings, said):
    file = tmp_path / "turntone.toml"
    file.write_text(settings)
    with pytest.raises(ConfigurationError, match=said):
        read_config(file)


def test_another_host_is_fine_with_tokens(tmp_path, monkeypatch):
    monkeypatch.setenv("TURNTONE_GATEWAY__TOKEN", SECRET)
    file = tmp_path / "turntone.toml"
    file.write_text('[gateway]\nhost = "0.0.0.0"')
    settings = read_config(file).gateway
    assert not settings.local
    assert SECRET not in repr(settings)
