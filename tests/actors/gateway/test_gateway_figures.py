"""`/metrics` of a gateway: open on the machine's own host, and with a token where others can reach it."""

import httpx2
import pytest

from actors.gateway.figures import figures_router
from tests.actors.gateway.opened import LISTENER, OWNER, Log, gateway


@pytest.mark.parametrize(
    ("guarded", "token", "status"),
    [(False, None, 200), (True, None, 401), (True, "not-known", 401), (True, LISTENER, 403), (True, OWNER, 200)],
)
def test_who_may_read_the_figures(guarded, token, status):
    router = figures_router(lambda: lambda: b"turntone_up 1\n", guarded=guarded)
    with gateway(Log(), furnish=lambda app, parts: app.include_router(router)) as client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = httpx2.get(f"{client.url}/metrics", headers=headers, trust_env=False)
    assert answer.status_code == status
    assert (answer.content == b"turntone_up 1\n") is (status == 200)
