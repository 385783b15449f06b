"""A record on its way: published, acknowledged, and answered for."""

import asyncio

from actors.gateway.answers import Accepted
from actors.gateway.parts import Parts
from engine.transport.base import Outgoing
from schemas.cloudevents import segment_headers
from schemas.segment import Segment
from schemas.topics import SEGMENTS


async def accept(parts: Parts, segment: Segment, value: bytes | None) -> Accepted:
    """Publish a segment and wait for the broker. Raises what `Outbound.send` tells of."""
    record = Outgoing(SEGMENTS, segment.dialogue_id, value, segment_headers(segment))
    (stands,) = await asyncio.wrap_future(parts.outbound.send([record]))
    parts.metrics.count("gateway_segments")
    return Accepted(
        dialogue_id=segment.dialogue_id,
        source=segment.source,
        id=segment.id,
        sequence=segment.sequence,
        topic=stands.topic,
        partition=stands.partition,
        offset=stands.offset,
    )
