"""`turntone stream`: what it takes, what it sends, what it says, how it ends."""

import json
import signal

import pytest

from actors.cli import main
from actors.cli.stream import read_voices, settings_of
from actors.cli.streaming import line_of
from engine.config import Config, read_config
from engine.errors import PublishFailed
from engine.ingest.ingest import Summary
from engine.ingest.voices import Voice
from engine.transport.memory import MemoryBroker, MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.segment import DialogueStarted
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from simulators.samples import CALL, MEETING

VOICE = str(CALL / "14b01Fa.flac")


@pytest.fixture
def broker(monkeypatch):
    """A log in memory where the command looks for Kafka."""
    log = MemoryBroker(partitions=1)

    class Publisher(MemoryPublisher):
        """Of that log."""

        def __init__(self, *, bootstrap):
            super().__init__(broker=log)

    monkeypatch.setattr("engine.transport.kafka_publisher.KafkaPublisher", Publisher)
    monkeypatch.setattr("actors.cli.stream.bootstrap_of", lambda config: "memory")
    log.publisher = Publisher
    return log


def sent(log):
    return [read_segment(record.key, record.headers) for record in log.records(SEGMENTS)]


def test_a_recording_is_sent_and_told_line_by_line(broker, capsys):
    assert main(["stream", VOICE, "--dialogue", "d", "--role", "customer", "--consent", "--json"]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    found = sent(broker)
    assert [segment.type for segment in found] == [STARTED_TYPE, *[SEGMENT_TYPE] * len(lines), ENDED_TYPE]
    assert [line["sequence"] for line in lines] == [segment.sequence for segment in found[1:-1]]
    assert {(segment.role, segment.consent) for segment in found[1:-1]} == {("customer", True)}
    assert all(line["bytes"] > 1000 for line in lines)
    assert f"{len(lines)} segment(s) sent, dropped: nothing" in printed.err
    assert "role: customer; consent: given." in printed.err


def test_how_many_speak_is_said_before_anything_is_heard(broker):
    assert main(["stream", VOICE, "--dialogue", "d", "--speakers", "2"]) == 0
    started = next(iter(broker.records(SEGMENTS)))
    assert DialogueStarted.model_validate_json(started.value).speakers == 2


def test_a_clip_has_its_picture_and_the_dialogue_stays_open(broker, capsys):
    arguments = ["stream", str(MEETING / "bbaf2n.mp4"), "--dialogue", "d", "--keep-open", "--offset", "60"]
    assert main(arguments) == 0
    found = sent(broker)
    assert [segment.type for segment in found] == [STARTED_TYPE, SEGMENT_TYPE]
    assert found[1].datacontenttype == "video/x-matroska"
    assert 60 <= found[1].starttime < found[1].endtime < 64
    assert "role: none; consent: not said." in capsys.readouterr().err


def test_named_channels_take_part(broker):
    assert main(["stream", VOICE, "--dialogue", "d", "--channel", "0=anna:agent", "--no-consent"]) == 0
    started, *_ = broker.records(SEGMENTS)
    (person,) = DialogueStarted.model_validate_json(started.value).participants
    assert (person.speaker, person.role, person.consent) == ("anna", "agent", False)
    assert {segment.speaker for segment in sent(broker) if segment.type == SEGMENT_TYPE} == {"anna"}


def test_ctrl_c_sends_what_was_being_said(broker, monkeypatch, capsys):
    flush = broker.publisher.flush

    def interrupted(self):
        flush(self)
        if len(sent(broker)) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(broker.publisher, "flush", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert main(["stream", str(MEETING / "bbaf2n.mp4"), "--dialogue", "d", "--realtime"]) == 0
    assert sent(broker)[-1].type == ENDED_TYPE
    assert "dropped: nothing" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_broker_that_breaks_is_one_sentence_and_the_figures(broker, monkeypatch, capsys):
    def refused(self):
        raise PublishFailed("1 of 1 records were not acknowledged")

    monkeypatch.setattr(broker.publisher, "flush", refused)
    monkeypatch.setattr("engine.ingest.reconnect.Backoff.wait_s", lambda self, attempt, random: 0.0)
    assert main(["stream", VOICE, "--dialogue", "d"]) == 1
    error = capsys.readouterr().err
    assert "0 segment(s) sent, dropped: " in error
    assert error.strip().endswith("1 of 1 records were not acknowledged")
    assert "attempt 1 in 0.0 s" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["stream", VOICE],
        ["stream", VOICE, "--dialogue", "not an id"],
        ["stream", VOICE, "--dialogue", "d", "--channel", "anna"],
        ["stream", VOICE, "--dialogue", "d", "--channel", "0=anna", "--channel", "0=ben"],
        ["stream", VOICE, "--dialogue", "d", "--reconnect", "often"],
        ["stream", VOICE, "--dialogue", "d", "--format", "mp3"],
        ["stream", VOICE, "--dialogue", "d", "--rate", "8000"],
    ],
)
def test_wrong_usage_is_two(arguments, broker):
    assert main(arguments) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.wav"], "there is no file nowhere.wav"),
        (["pyproject.toml"], "pyproject.toml holds no sound and no picture"),
        (["rtsp://127.0.0.1:1/x", "--reconnect", "0"], "rtsp://127.0.0.1:1/x does not answer"),
        ([VOICE, "--channel", "3=ben"], "channel 3 is named, and the source has 1"),
    ],
)
def test_what_cannot_be_streamed_is_one_sentence(arguments, sentence, broker, capsys):
    assert main(["stream", *arguments, "--dialogue", "d"]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert sent(broker) == []


def test_no_stack_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TURNTONE_DATA", str(tmp_path))
    assert main(["stream", VOICE, "--dialogue", "d"]) == 1
    assert "No stack runs in the data folder" in capsys.readouterr().err


def test_help_has_examples(capsys):
    assert main(["stream", "--help"]) == 0
    assert "turntone stream call.ulaw --format mulaw --dialogue call-7" in capsys.readouterr().out


def test_channels_by_name():
    voices = read_voices(["1=ben:customer", "0=anna"], apart=False, role="agent")
    assert voices.apart
    assert voices.named == {0: Voice("anna"), 1: Voice("ben", "customer")}
    assert [(voice.speaker, voice.role) for voice in voices.tracks(2)] == [("anna", "agent"), ("ben", "customer")]


def test_the_configuration_reaches_the_cutting(tmp_path):
    (tmp_path / "c.toml").write_text("[ingest]\nhangover_s = 0.1\nlongest_s = 30\nbuffer_mib = 2\nunheard_s = 3\n")
    settings = settings_of(read_config(tmp_path / "c.toml"), attempts=None, offset_s=2.0, realtime=True, keep_open=True)
    assert (settings.endpoint.hangover_s, settings.endpoint.padding_after_s, settings.endpoint.longest_s) == (
        0.1,
        0.1,
        30,
    )
    assert (settings.room.segment_bytes, settings.unheard_s, settings.origin_s) == (2 * 1024 * 1024, 3, 2.0)
    assert settings.reconnect.attempts is None
    assert settings_of(Config(), attempts=0, offset_s=0, realtime=False, keep_open=False).reconnect is None


def test_the_figures_in_one_line():
    summary = Summary(seconds=3725.4, segments=9, dropped_sound_s=2.04, dropped_segments=1)
    assert line_of(summary) == "62:05.4 heard, 9 segment(s) sent, dropped: 2.0 s of sound, 1 segment(s)"
