import pytest

from engine.clock import ManualClock
from engine.errors import ConfigurationError
from schemas.cloudevents import read_segment
from schemas.segment import DialogueStarted
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from simulators.corpus import Corpus, CorpusDialogue, Skipped, Utterance
from simulators.folder import open_corpus
from simulators.replay import Replay
from simulators.samples import CALL, MEETING

START_S = 1_700_000_000.0
CALL_CORPUS = open_corpus(CALL)


class Log:
    """A publisher that keeps what was flushed apart from what was not, with the time of each record."""

    def __init__(self, clock):
        self.clock = clock
        self.pending = []
        self.records = []

    def publish(self, records):
        self.pending += [(self.clock.wall_s() - START_S, record) for record in records]

    def flush(self):
        self.records += self.pending
        self.pending = []

    def close(self):
        pass

    def segments(self):
        return [read_segment(record.key, record.headers) for _, record in self.records]


def player(log, clock, *, wait=None, report=lambda _: None, speed=1.0, at_once=8, run="r1"):
    wait = wait or clock.advance
    return Replay(publisher=log, clock=clock, wait=wait, report=report, speed=speed, at_once=at_once, run=run)


def play(corpus, **options):
    clock = ManualClock(start_s=START_S)
    log = Log(clock)
    return log, player(log, clock, **options).play(corpus)


def short_call(name, count):
    return CorpusDialogue(name, CALL_CORPUS.dialogues[0].utterances[:count])


def test_a_dialogue_starts_speaks_and_ends():
    log, replayed = play(CALL_CORPUS)
    segments = log.segments()
    assert [segment.type for segment in segments] == [STARTED_TYPE, *[SEGMENT_TYPE] * 24, ENDED_TYPE]
    assert [segment.sequence for segment in segments] == list(range(26))
    assert {segment.dialogue_id for segment in segments} == {"r1-call"}
    assert len({segment.id for segment in segments}) == 26
    started = DialogueStarted.model_validate_json(log.records[0][1].value)
    assert [(who.speaker, who.role, who.consent) for who in started.participants] == [
        ("Agent", "agent", True),
        ("Customer", "customer", True),
    ]
    assert started.recording.speed == 1.0
    assert started.recording.duration_s == pytest.approx(segments[-2].endtime, abs=0.1)
    assert [each.utterance_id for each in replayed.sent] == [f"t{n:02}" for n in range(1, 25)]
    assert not replayed.interrupted


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_a_segment_leaves_when_its_media_has_ended(speed):
    log, _ = play(CALL_CORPUS, speed=speed)
    for (at_s, _), segment in zip(log.records[1:-1], log.segments()[1:-1], strict=True):
        assert at_s * speed == pytest.approx(segment.endtime, abs=2e-3)
        assert segment.time.timestamp() - START_S == pytest.approx(at_s, abs=1e-3)


def test_full_speed_never_waits():
    def wait(_):
        raise AssertionError("waited")

    log, _ = play(CALL_CORPUS, speed=None, wait=wait)
    assert {at_s for at_s, _ in log.records} == {0.0}


def test_dialogues_interleave_and_the_next_begins_where_one_ends():
    corpus = Corpus("three", (short_call("a", 1), short_call("b", 3), short_call("c", 1)))
    log, _ = play(corpus, at_once=2)
    order = [
        (record.key[-1], segment.type.split(".")[-2])
        for (_, record), segment in zip(log.records, log.segments(), strict=True)
    ]
    begun_b, ended_a, begun_c = (
        order.index(("b", "started")),
        order.index(("a", "ended")),
        order.index(("c", "started")),
    )
    assert begun_b < ended_a < begun_c < order.index(("b", "ended"))
    times = [at_s for at_s, _ in log.records]
    assert times == sorted(times)
    assert times[begun_c] == times[ended_a]


def test_unknown_speakers_are_performers():
    media = next(MEETING.glob("*.mp4"))
    log, _ = play(Corpus("x", (CorpusDialogue("x y/ü", (Utterance(utterance_id="u", media=media),)),)))
    started, segment, _ = log.segments()
    assert started.dialogue_id == "r1-x-y-"
    assert (segment.speaker, segment.role, segment.consent) == (None, "performer", True)
    assert segment.datacontenttype == "video/mp4"


def test_what_cannot_be_sent_is_reported_and_the_rest_goes_on(tmp_path):
    (tmp_path / "bad.wav").write_text("text")
    good = CALL_CORPUS.dialogues[0].utterances[0]
    bad = Utterance(utterance_id="bad", media=tmp_path / "bad.wav")
    said = []
    skip = Skipped("gone", "it is missing")
    log, replayed = play(Corpus("x", (CorpusDialogue("d", (bad, good)),), (skip,)), report=said.append)
    assert [each.name for each in replayed.skipped] == ["gone", "d bad"]
    assert said[0] is skip
    assert [each.utterance_id for each in replayed.sent] == ["t01"]
    assert [segment.sequence for segment in log.segments()] == [0, 1, 2]


def test_an_interrupt_flushes_what_was_sent():
    clock = ManualClock(start_s=START_S)
    log = Log(clock)

    def wait(seconds):
        if clock.wall_s() - START_S > 10:
            raise KeyboardInterrupt
        clock.advance(seconds)

    replayed = player(log, clock, wait=wait).play(CALL_CORPUS)
    assert replayed.interrupted
    assert len(replayed.sent) == 5
    assert log.pending == []
    assert len(log.records) == 6


@pytest.mark.parametrize("options", [{"run": "a b"}, {"run": ""}, {"speed": 0.0}, {"speed": float("nan")}])
def test_nonsense_is_refused(options):
    with pytest.raises(ConfigurationError):
        play(CALL_CORPUS, **options)


def test_two_dialogues_never_share_an_id():
    with pytest.raises(ConfigurationError, match="would share the id"):
        play(Corpus("x", (short_call("a b", 1), short_call("a/b", 1))))
