"""The gateway's page of figures: asked of the workers of a stack that was started as a user starts it."""

from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.jars import cached_jars
from tests.stack.running import Running

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not cached_jars(), reason="the broker's jars are not cached: python -m actors.embedded.install"),
]


def test_every_worker_and_both_servers_are_on_the_gateways_page(running: Running):
    with urlopen(f"{running.gateway}/metrics") as answer:  # noqa: S310  our own address
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}
    assert samples["turntone_up", "broker"] == samples["turntone_up", "store"] == 1
    assert samples["turntone_workers",] == samples["turntone_workers_wanted",] == 2
    workers = {labels[1] for labels in samples if labels[0] == "turntone_segments_total"}
    assert workers == {"worker-0", "worker-1", "gateway"}
