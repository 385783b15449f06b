"""The page on a port of its own."""

from collections.abc import Mapping
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from actors.metrics import page
from actors.metrics.page import MetricsPage
from engine.config import Broker, Config, StoreSettings
from engine.errors import ConfigurationError, TransportUnavailable
from engine.metrics import Figures, Reading

NOWHERE = Config(broker=Broker(bootstrap="127.0.0.1:1"), store=StoreSettings(url=SecretStr("redis://127.0.0.1:1/0")))


@pytest.fixture(autouse=True)
def _worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has answered three segments, and a broker that is away."""
    figures = Figures()
    figures.count("segments", 3)

    def readings() -> Mapping[str, Reading]:
        return {"worker-0": figures.read()}

    def away(**_: object) -> None:
        raise TransportUnavailable("away")

    monkeypatch.setattr(page, "worker_readings", readings)
    monkeypatch.setattr(page, "KafkaLag", away)


def test_a_workers_figures_are_read_over_http():
    with MetricsPage(NOWHERE, port=0) as served, urlopen(f"http://127.0.0.1:{served.port}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}
    assert samples["turntone_segments_total", "worker-0"] == 3
    assert samples["turntone_up", "broker"] == samples["turntone_up", "store"] == 0


def test_a_port_that_is_taken_is_said_in_a_sentence():
    with (
        MetricsPage(NOWHERE, port=0) as first,
        pytest.raises(ConfigurationError, match=r"metrics\.port.*choose another"),
        MetricsPage(NOWHERE, port=first.port),
    ):
        pass
