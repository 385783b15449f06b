"""What a gateway's `/metrics` says of the stages while a load lasts."""

from collections import defaultdict
from collections.abc import Mapping

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from engine.errors import Unavailable
from simulators.load.buckets import Buckets, bucket_row, since
from simulators.load.report import Row

_STAGE = "turntone_stage_seconds_bucket"
_OTHERS = {"turntone_latency_seconds_bucket": "latency", "turntone_ingest_delay_seconds_bucket": "ingest delay"}

Stages = Mapping[str, Buckets]
"""The histograms of all workers together, by stage."""


def read_stages(url: str, *, token: str) -> Stages:
    """The stages as they stand. Raises `Unavailable`."""
    try:
        headers = {"authorization": f"Bearer {token}"}
        page = httpx2.get(f"{url}/metrics", headers=headers, timeout=30.0, trust_env=False)
        page.raise_for_status()
    except httpx2.HTTPError as error:
        raise Unavailable(f"no figures at {url}/metrics: {error}") from error
    return stages_of(page.text)


def stages_of(page: str) -> Stages:
    """The stages that a page of figures tells of."""
    found: defaultdict[str, dict[float, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            name = sample.labels.get("stage") if sample.name == _STAGE else _OTHERS.get(sample.name)
            if name is not None:
                bound_s = float(sample.labels["le"])
                found[name][bound_s] = found[name].get(bound_s, 0.0) + sample.value
    return found


def rows(before: Stages, after: Stages) -> dict[str, Row]:
    """The stages between two readings; those in which nothing happened are left out."""
    grown = {name: bucket_row(since(before.get(name, {}), buckets)) for name, buckets in after.items()}
    return {name: row for name, row in grown.items() if row is not None}
