"""Turntone's topics as a broker has to have them: made where they are missing, compared where they are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from engine.errors import TransportUnavailable
from schemas.topics import (
    ALERTS,
    DEAD_LETTERS,
    DIALOGUES,
    MAX_DEAD_LETTER_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_STATE_BYTES,
    MIB,
    SEGMENTS,
    STATES,
    TURNS,
)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BROKERS_OWN = -1
"""The replication factor the broker itself is set to."""
HEADROOM_BYTES = MIB // 2
"""What a record's key, headers and batch add to its value."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its partitions and those of its settings that are not the broker's own."""

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A topic that was there already and is otherwise than it should be."""

    topic: str
    setting: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, expected {self.wanted}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare_topics` did and saw."""

    created: tuple[str, ...]
    differences: tuple[Difference, ...]


def turntone_topics(
    *, partitions: int, segments_retention_ms: int = DAY_MS, dead_letters_retention_ms: int = 7 * DAY_MS
) -> list[Topic]:
    """Every topic of Turntone, `partitions` each.

    What is deleted by age is deleted by whole log files, so the files of media turn over within the hour.
    """

    def topic(name: str, **settings: str | int) -> Topic:
        return Topic(name, partitions, {key.replace("_", "."): str(value) for key, value in settings.items()})

    return [
        topic(
            SEGMENTS,
            max_message_bytes=MAX_SEGMENT_BYTES + HEADROOM_BYTES,
            retention_ms=segments_retention_ms,
            segment_ms=HOUR_MS,
        ),
        topic(
            DEAD_LETTERS,
            max_message_bytes=MAX_DEAD_LETTER_BYTES + HEADROOM_BYTES,
            retention_ms=dead_letters_retention_ms,
            segment_ms=HOUR_MS,
        ),
        topic(
            STATES,
            max_message_bytes=MAX_STATE_BYTES + HEADROOM_BYTES,
            cleanup_policy="compact,delete",
            segment_ms=HOUR_MS,
        ),
        topic(TURNS),
        topic(DIALOGUES),
        topic(ALERTS),
    ]


def prepare_topics(*, bootstrap: str, topics: Sequence[Topic], replication: int = 1) -> Prepared:
    """Make the topics that are missing on the broker at `bootstrap`; what is there is compared and never changed.

    Raises `TransportUnavailable` where the broker does not answer or refuses.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    except KafkaError as error:
        raise TransportUnavailable(f"No broker answers at {bootstrap}: {error}") from error
    try:
        there = set(admin.list_topics())
        created = _create(admin, [topic for topic in topics if topic.name not in there], replication=replication)
        old = [topic for topic in topics if topic.name not in created]
        return Prepared(created=created, differences=tuple(_compare(admin, old)))
    except KafkaError as error:
        raise TransportUnavailable(f"The broker at {bootstrap} could not prepare the topics: {error}") from error
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, topics: Sequence[Topic], *, replication: int) -> tuple[str, ...]:
    if not topics:
        return ()
    wanted = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": replication,
            "configs": dict(topic.settings),
        }
        for topic in topics
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    created = []
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        # Somebody else who started at the same moment may have been first.
        if error is not TopicAlreadyExistsError:
            if topic["error_code"] != 0:
                raise error(topic.get("error_message") or topic["name"])
            created.append(topic["name"])
    admin.wait_for_topics(list(wanted))
    return tuple(created)


def _compare(admin: KafkaAdminClient, topics: Sequence[Topic]) -> list[Difference]:
    if not topics:
        return []
    names = [topic.name for topic in topics]
    partitions = {found["name"]: len(found["partitions"]) for found in admin.describe_topics(names)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    differences = []
    for topic in topics:
        found = {"partitions": str(partitions[topic.name])}
        found |= {key: str(settings[topic.name][key]["value"]) for key in topic.settings}
        wanted = {"partitions": str(topic.partitions), **topic.settings}
        differences += [
            Difference(topic.name, key, wanted[key], found[key]) for key in wanted if wanted[key] != found[key]
        ]
    return differences
