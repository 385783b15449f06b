import pytest

from actors.gateway.tokens import SCOPES, Access, Tokens
from engine.clock import ManualClock

OWNER = Access("owner", SCOPES)


def test_a_pass_is_taken_like_a_token_until_it_is_over():
    clock = ManualClock()
    tokens = Tokens([("secret", OWNER)], clock=clock)
    lent = tokens.lend(OWNER, ["events:read"], lasts_s=60)
    assert tokens.access(lent) == Access("owner", ("events:read",))
    clock.advance(60)
    assert tokens.access(lent) is None


def test_nobody_is_lent_what_he_does_not_have():
    tokens = Tokens([("secret", Access("desk", ("events:read",)))])
    lent = tokens.access(tokens.lend(Access("desk", ("events:read",)), SCOPES, lasts_s=60))
    assert lent == Access("desk", ("events:read",))


def test_a_gateway_with_the_same_tokens_takes_a_pass_and_one_with_others_does_not():
    lent = Tokens([("secret", OWNER)]).lend(OWNER, SCOPES, lasts_s=60)
    assert Tokens([("secret", OWNER)]).access(lent) is not None
    assert Tokens([("other", OWNER)]).access(lent) is None


@pytest.mark.parametrize("text", ["", "pass", "pass.", "pass..", "pass.e30=.00", "pässe.ü.ü"])
def test_what_is_no_pass_is_not_known(text):
    assert Tokens([("secret", OWNER)]).access(text) is None
