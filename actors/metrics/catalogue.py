"""Every figure of the engine as a Prometheus metric: name, meaning, and the few words its label may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from actors.gateway.streams.refusal import WORDS
from engine.tally import MISSING, OTHER
from schemas.events import Abstention
from schemas.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class Count:
    """A figure that only grows, as `turntone_<figure>_total`; with a label where it counts kinds of something."""

    help: str
    label: str | None = None
    words: tuple[str, ...] = ()
    """Every value of the label; whatever else comes is `other`."""

    def word(self, found: str) -> str:
        """The label's value for a figure's word: never one that is not in `words`."""
        return found if found in self.words else OTHER


COUNTS: Final[Mapping[str, Count]] = {
    "segments": Count("Segments answered, their events safe on the broker"),
    "events": Count("Events published: turns, revisions, life cycle, alerts"),
    "turns": Count("Turns answered, those without a label too"),
    "labels": Count("Turns that got a label", "label", EMOTIONS),
    "abstained": Count("Turns without a label, by reason; the role gate withholds", "reason", get_args(Abstention)),
    "missing_audio": Count("Turns whose voice did not reach the model, by reason", "reason", MISSING),
    "missing_video": Count("Turns whose face did not reach the model, by reason", "reason", MISSING),
    "revisions": Count("Turns said again when later ones were known"),
    "alerts": Count("Alerts published"),
    "dead_letters": Count("Records given up, with their error in the dead letters"),
    "replay": Count("Segments read again after a restart; their events were published once or are again, unchanged"),
    "duplicate": Count("Segments their producer sent twice"),
    "backwards": Count("Segments out of their producer's order"),
    "failures": Count("Attempts at a segment that failed"),
    "waves": Count("Waves of several dialogues stepped together"),
    "waves_alone": Count("Segments stepped alone, because they failed before"),
    "wave_segments": Count("Segments stepped in waves; over the number of waves it is their size"),
    "retries": Count("Waits for a server that is away"),
    "heartbeats": Count("Signs of life to the group during long work"),
    "heartbeats_missed": Count("Those of them the broker did not answer"),
    "rebuilds": Count("Rebuilds of a store that lost everything, from the snapshots"),
    "lost_races": Count("Dialogues that another worker wrote first"),
    "offset_commits_put_off": Count("Commits of offsets put off while the broker was away"),
    "gateway_segments": Count("Segments taken in by the gateway over HTTP"),
    "gateway_ended": Count("Subscriptions the gateway ended, by reason", "reason", ("slow", "closing", "unavailable")),
    "webhook_delivered": Count("Calls of a webhook that were taken"),
    "webhook_failed": Count("Calls of a webhook that failed and are made again"),
    "webhook_given_up": Count("Calls of a webhook that were given up"),
    "streams_refused": Count("Live streams that were refused or closed, by reason", "reason", WORDS),
    "ingest_segments": Count("Segments cut from streams"),
    "ingest_dropped_sound_ms": Count("Milliseconds of sound dropped because a stream came faster than it was cut"),
    "ingest_dropped_pictures": Count("Pictures dropped for the same reason"),
    "ingest_dropped_segments": Count("Segments dropped because the broker took no more"),
}

LEVELS: Final[Mapping[str, str]] = {
    "queue": "Segments read that wait for their wave",
    "partitions": "Partitions of the segments that the worker owns",
    "streams": "Live streams that are open",
}

STAGES: Final = ("load", "prepare", "decode", "vad", "diarization", "faces", "infer", "store", "publish")
"""load, prepare, store and publish are a wave's; the others a segment's, with its wait for the wave in `infer`."""

DURATIONS: Final[Mapping[str, str]] = {
    "latency": "From the end of an utterance, by its producer's clock, until its events are safe",
    "model_call": "The one call of the models a wave",
    "ingest_delay": "From the end of an utterance in a live stream until its segment is published",
}
