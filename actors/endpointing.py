"""Where an utterance ends in a stream, as it is configured."""

from engine.config import IngestSettings
from engine.ingest.endpoint import EndpointSettings


def endpoint_of(ingest: IngestSettings) -> EndpointSettings:
    """What `[ingest]` says; padding never exceeds the silence that ends an utterance."""
    return EndpointSettings(
        aggressiveness=ingest.aggressiveness,
        hangover_s=ingest.hangover_s,
        padding_after_s=min(EndpointSettings().padding_after_s, ingest.hangover_s),
        shortest_s=ingest.shortest_s,
        longest_s=ingest.longest_s,
    )
