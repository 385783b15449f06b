"""A load on its way, through a log in memory that answers as it is told to, on a clock that is wound by hand."""

from threading import Event

import pytest

from engine.clock import ManualClock
from engine.errors import PublishFailed
from engine.transport.base import Outgoing
from engine.transport.memory import MemoryBroker, MemoryPublisher, MemoryReader
from schemas.cloudevents import read_segment
from schemas.topics import DEAD_LETTERS, ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE, TURNS
from simulators.load.account import Account
from simulators.load.drive import Drive
from simulators.load.faults import FaultRates
from simulators.load.line import LogLine
from simulators.load.manners import read_manners
from simulators.load.plan import LoadSettings, plan
from simulators.load.wire import cues
from tests.simulators.load.test_account import turn

SETTINGS = LoadSettings(
    seconds=60.0, per_minute=20.0, churn=0.2, reconnects=0.5, faults=FaultRates(garbage=0.1, duplicate=0.1, late=0.2)
)
CALLS = tuple(plan(SETTINGS, read_manners()))
DELAY_S = 0.25
SOUND = b"sound"


class Answering:
    """A reader behind which every new segment is answered, `DELAY_S` after it was sent; time passes while it reads.

    Of what comes twice nothing is said; what is late or garbage becomes a dead letter.
    """

    def __init__(self, broker, clock, *, lose=()):
        self.broker, self.clock, self.lose = broker, clock, lose
        self.reader = MemoryReader(broker=broker, topics=[TURNS, DEAD_LETTERS], from_beginning=True)
        self.answered, self.turns, self.last = 0, {}, {}

    def read(self, *, timeout_s):
        self.clock.advance(min(timeout_s, DELAY_S))
        records = sorted(self.broker.records(SEGMENTS), key=lambda record: record.timestamp_s)
        for record in records[self.answered :]:
            if record.timestamp_s + DELAY_S > self.clock.wall_s() + 1e-6:
                break
            self.answered += 1
            segment = read_segment(record.key, record.headers)
            last = self.last.get(segment.source, -1)
            self.last[segment.source] = max(last, segment.sequence)
            if segment.type != SEGMENT_TYPE or segment.sequence == last or segment.id in self.lose:
                continue
            if segment.sequence < last or record.value != SOUND:
                self.broker.append(Outgoing(DEAD_LETTERS, record.key, record.value, record.headers))
                continue
            number = self.turns[record.key] = self.turns.get(record.key, -1) + 1
            event = turn(number, segment.starttime, dialogue_id=record.key, speaker=segment.speaker)
            event = event.model_copy(update={"end_s": segment.endtime, "start_s": segment.starttime})
            self.broker.append(Outgoing(TURNS, record.key, event.model_dump_json().encode()))
        return self.reader.read(timeout_s=0.0)


def drive(calls=CALLS, *, lose=(), stop=None, publisher=None, report=lambda _: None):
    clock = ManualClock(start_s=0.0)  # small numbers: a clock that counts from 1970 has no microseconds
    broker = MemoryBroker(clock=clock)
    reader = Answering(broker, clock, lose=lose)
    account = Account(one_each=True, dead_letters=True)
    line = LogLine(publisher=publisher or MemoryPublisher(broker=broker), reader=reader, wait=clock.advance)
    driving = Drive(
        line=line,
        account=account,
        clock=clock,
        run="r",
        stop=stop or Event(),
        report=report,
        patience_s=5.0,
    )
    driven = driving.run(cues(calls, run="r", media=lambda said: SOUND))
    segments = [read_segment(record.key, record.headers) for record in broker.records(SEGMENTS)]
    return driven, account, sorted(segments, key=lambda segment: segment.time)


def test_everything_that_is_planned_is_sent_at_its_time_and_answered_once():
    driven, account, segments = drive()
    said = sum(len(call.said) for call in CALLS)
    balance = account.balance()
    assert (balance.sent, balance.lost, balance.twice, balance.out_of_order) == (said, 0, 0, 0)
    assert (balance.unacknowledged, balance.unexpected, balance.given_up) == (0, 0, 0)
    assert not driven.interrupted
    assert max(driven.behind_ms) < 1.0
    faults = [fault for call in CALLS for fault in call.faults]
    assert {fault: counts["sent"] for fault, counts in balance.faults.items()} == {
        fault: faults.count(fault) for fault in ("garbage", "duplicate", "late")
    }
    assert balance.faults["late"]["dead_letters"] == faults.count("late") > 0
    assert balance.faults["garbage"]["dead_letters"] == faults.count("garbage") > 0
    assert balance.answered == said - faults.count("late") - faults.count("garbage")
    assert all(0.2 < answer.latency_s < 0.6 for answer in account.answers)
    assert len(segments) == said + faults.count("duplicate") + 2 * len(CALLS)


def test_a_call_is_a_dialogue_that_starts_speaks_and_ends():
    _, _, segments = drive()
    for call in CALLS:
        own = [segment for segment in segments if segment.dialogue_id == f"r-{call.number}"]
        assert [own[0].type, own[-1].type] == [STARTED_TYPE, ENDED_TYPE]
        assert {segment.speaker for segment in own[1:-1]} <= {"agent", "customer"}
        connections = {said.connection for said in call.said}
        assert len({segment.source for segment in own[1:-1]}) == len(connections)


def test_the_same_plan_is_the_same_bytes_again():
    def wire():
        return [(cue.at_s, cue.segment, cue.value) for cue in cues(CALLS, run="r", media=lambda said: SOUND)]

    first = wire()
    assert first == wire()
    assert [cue[0] for cue in first] == sorted(cue[0] for cue in first)


def test_what_is_not_answered_is_lost_after_patience():
    _, account, segments = drive()
    speech = [segment for segment in segments if segment.type == SEGMENT_TYPE]
    gone = next(segment for segment in speech if segment.dialogue_id == "r-0")
    _, account, _ = drive(lose={gone.id})
    # Its dialogue goes on; a fault of its own may have been waiting for it.
    assert account.balance().lost == 1


def test_an_interruption_hangs_up_and_hears_out_what_was_sent():
    stop, seen = Event(), []

    def report(progress):
        seen.append(progress)
        if progress.now_s > 20:
            stop.set()

    driven, account, segments = drive(stop=stop, report=report)
    balance = account.balance()
    assert driven.interrupted
    assert 20 < driven.took_s < 22
    assert 0 < balance.sent < sum(len(call.said) for call in CALLS)
    assert balance.lost == 0
    started = {segment.dialogue_id for segment in segments if segment.type == STARTED_TYPE}
    assert {segment.dialogue_id for segment in segments if segment.type == ENDED_TYPE} == started
    assert max(progress.open_calls for progress in seen) > 1


def test_what_is_not_waited_for_is_not_called_lost():
    stop = Event()

    def report(progress):
        # Everything else has been answered by then, and patience has not run out.
        if progress.now_s > SETTINGS.seconds + 2.0:
            stop.set()

    gone = next(cue.segment for cue in cues(CALLS, run="r", media=lambda said: SOUND) if cue.sent is not None)
    driven, account, _ = drive(lose={gone.id}, stop=stop, report=report)
    assert driven.interrupted
    assert not driven.heard_out
    balance = account.balance(heard_out=driven.heard_out)
    assert (balance.lost, balance.unheard) == (0, 1)


class Refusing:
    """A publisher whose broker is away."""

    def publish(self, records):
        pass

    def flush(self):
        raise PublishFailed("nobody is there")

    def close(self):
        pass


def test_a_broker_that_is_away_costs_what_was_on_its_way_and_not_the_report():
    driven, account, _ = drive(CALLS[:2], publisher=Refusing())
    balance = account.balance()
    assert balance.sent == balance.lost == 0
    assert balance.unacknowledged == sum(len(call.said) for call in CALLS[:2])
    assert not driven.interrupted


@pytest.mark.parametrize("number", range(3))
def test_late_means_after_its_successor(number):
    late = [call for call in CALLS if "late" in call.faults][number]
    name = f"r-{late.number}"
    sent = [cue.segment for cue in cues([late], run="r", media=lambda said: b"") if cue.segment.type == SEGMENT_TYPE]
    for source in {segment.source for segment in sent}:
        own = [segment.sequence for segment in sent if segment.source == source]
        assert sorted(set(own)) == list(range(1, len(set(own)) + 1))
    backwards = sum(
        after.sequence < before.sequence
        for source in {segment.source for segment in sent}
        for before, after in zip(
            [segment for segment in sent if segment.source == source],
            [segment for segment in sent if segment.source == source][1:],
            strict=False,
        )
    )
    assert backwards == late.faults.count("late")
    assert {segment.dialogue_id for segment in sent} == {name}
