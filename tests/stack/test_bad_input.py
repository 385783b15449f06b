"""What no producer should send, sent all at once to the real stack: everything is answered and nobody is hurt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

import pytest
from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError

from engine.errors import BadSegment
from engine.transport.base import Outgoing
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader
from schemas.events import EmotionEvent
from schemas.topics import DEAD_LETTERS, MAX_DEAD_LETTER_BYTES, MIB, SEGMENTS, TURNS
from tests.stack.bad_input import Case, Sent, cases, segment
from tests.stack.media import VOICE
from tests.stack.processes import WORKER, named
from tests.stack.running import PATIENCE_S, Running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HEALTHY = [f"healthy-{number}" for number in range(12)]
"""So many that every partition has some."""
TWENTY_MB = bytes(20_000_000)


@dataclass
class Answers:
    """What came back, by dialogue."""

    sent: Sequence[Case]
    workers_before: set[int]
    workers_after: set[int] = field(default_factory=set)
    turns: dict[str, dict[str, EmotionEvent]] = field(default_factory=dict)
    letters: dict[str, dict[str, str]] = field(default_factory=dict)

    def count(self, name: str) -> int:
        return len(self.turns.get(name, ())) + len(self.letters.get(name, ()))

    def complaint(self, case: Case) -> str | None:
        """In what the answer to a case is not what it should be."""
        letters, turns = list(self.letters.get(case.name, {}).values()), list(self.turns.get(case.name, {}).values())
        if len(letters) != len(case.letters) or not all(map(str.__contains__, letters, case.letters)):
            return f"dead letters: {letters}"
        if bool(turns) != (case.events is not None) or (case.events is not None and not case.events(turns)):
            return f"turns: {turns}"
        return None


@pytest.fixture(scope="module")
def answers(running: Running) -> Answers:
    answers = Answers(list(cases(running.media)), workers_before=named(WORKER, below_pid=running.pid))
    reader = KafkaReader(bootstrap=running.bootstrap, topics=[TURNS, DEAD_LETTERS], from_beginning=False)
    producer = raw_producer(running)
    send(producer, (record for case in answers.sent for record in case.records))
    hear(reader, answers, {case.name: case.at_once for case in answers.sent})
    # Within a partition the answers come in order: when these are there, nothing of the above is still to come.
    send(producer, (segment(name, VOICE.read_bytes()) for name in HEALTHY))
    hear(reader, answers, dict.fromkeys(HEALTHY, 1))
    producer.close()
    reader.close()
    answers.workers_after = named(WORKER, below_pid=running.pid)
    return answers


def raw_producer(running: Running) -> KafkaProducer:
    """A producer that holds back nothing."""
    return KafkaProducer(bootstrap_servers=running.bootstrap, max_request_size=64 * MIB)


def send(producer: KafkaProducer, records: Iterable[Sent]) -> None:
    futures = [
        producer.send(
            SEGMENTS,
            key=None if record.key is None else record.key.encode(),
            value=record.value,
            headers=list(record.headers),
        )
        for record in records
    ]
    for future in futures:
        future.get(timeout=PATIENCE_S)


def hear(reader: KafkaReader, answers: Answers, wanted: dict[str, int]) -> None:
    """Listen until every dialogue has as many answers as it has to have."""
    deadline_s = monotonic() + PATIENCE_S
    while missing := [name for name, count in wanted.items() if answers.count(name) < count]:
        assert monotonic() < deadline_s, f"not answered: {missing}"
        for record in reader.read(timeout_s=1.0):
            name, headers = record.key or "", dict(record.headers)
            if record.position.topic == TURNS:
                event = EmotionEvent.model_validate_json(record.value or b"")
                answers.turns.setdefault(name, {})[event.event_id] = event
            else:
                letters = answers.letters.setdefault(name, {})
                letters[headers["turntone_id"].decode()] = headers["turntone_error"].decode()


def test_each_is_answered_with_what_was_wrong(answers: Answers):
    complaints = {case.name: complaint for case in answers.sent if (complaint := answers.complaint(case))}
    assert not complaints


def test_the_healthy_are_answered_afterwards(answers: Answers):
    for name in HEALTHY:
        (turn,) = answers.turns[name].values()
        assert turn.distribution is not None


def test_no_worker_was_lost(answers: Answers):
    assert answers.workers_before
    assert answers.workers_before <= answers.workers_after


def test_a_dead_letter_leaves_out_media_that_is_larger_than_may_be(answers: Answers, running: Running):
    reader = KafkaReader(bootstrap=running.bootstrap, topics=[DEAD_LETTERS], from_beginning=True)
    sizes = [len(record.value or b"") for record in reader.read(timeout_s=PATIENCE_S)]
    reader.close()
    assert sizes
    assert max(sizes) <= MAX_DEAD_LETTER_BYTES


def test_twenty_megabytes_are_refused_where_they_enter(running: Running):
    publisher = KafkaPublisher(bootstrap=running.bootstrap)
    large = segment("large", TWENTY_MB)
    with pytest.raises(BadSegment, match="dataref"):
        publisher.publish([Outgoing(SEGMENTS, "large", large.value, large.headers)])
    publisher.close()


def test_twenty_megabytes_of_a_raw_producer_are_refused_by_the_broker(running: Running):
    producer = raw_producer(running)
    with pytest.raises(MessageSizeTooLargeError):
        send(producer, [segment("large", TWENTY_MB)])
    producer.close()
