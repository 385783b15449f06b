import pytest

from actors.gateway.conversations import Conversation
from actors.page.areas import WIDTH
from actors.page.position import LANE, position
from schemas.segment import Recording
from tests.actors.gateway.opened import turn_event


def conversation(*, turns=2, recording=None, began_s=None, status="open"):
    speakers = ("ann", "ben")
    said = [turn_event("d", number, speaker=speakers[number % 2]) for number in range(turns)]
    return Conversation("d", status=status, turns=said, recording=recording, began_s=began_s)


def test_a_recording_is_shown_whole_and_the_newest_turn_in_its_place():
    # Turn 1 is 2.0 to 3.5 of 10 s.
    place = position(conversation(recording=Recording(duration_s=10.0)), now_s=0.0)
    assert (place.boxes[1].x, place.boxes[1].width, place.boxes[1].y) == (WIDTH * 0.2, WIDTH * 0.15, LANE)
    assert (place.newest, place.played) == (WIDTH * 0.35, None)
    assert list(place.ticks) == ["0:00", "0:02", "0:05", "0:08", "0:10"]
    assert place.told == "A recording of 0:10, sent as fast as it is taken: the newest turn is 0:02 to 0:04."


@pytest.mark.parametrize(("now_s", "played"), [(99.0, 0.0), (103.0, 0.6), (200.0, 1.0)])
def test_the_playhead_goes_at_the_pace_of_the_replay_and_stays_inside(now_s, played):
    one = conversation(recording=Recording(duration_s=10.0, speed=2.0), began_s=100.0)
    place = position(one, now_s=now_s)
    assert place.played == WIDTH * played
    assert "at 2 times its speed, now at " in place.told


def test_what_is_over_is_played_no_more():
    one = conversation(recording=Recording(duration_s=10.0, speed=1.0), began_s=100.0, status="ended")
    place = position(one, now_s=103.0)
    assert place.played is None
    assert place.told.startswith("A recording of 0:10, over")


def test_of_a_stream_no_end_is_claimed():
    place = position(conversation(turns=20), now_s=1000.0)
    assert (place.newest, place.played) == (WIDTH, None)
    assert place.told == "A stream, and nobody has said how long it is: the newest turn is 0:38 to 0:40."
    assert position(conversation(turns=0), now_s=0.0) is None


def test_a_recording_that_is_longer_than_it_said_is_shown_to_its_end():
    place = position(conversation(turns=10, recording=Recording(duration_s=10.0, speed=1.0), began_s=0.0), now_s=5.0)
    assert place.newest == WIDTH
    assert place.boxes[-1].x + place.boxes[-1].width == pytest.approx(WIDTH, abs=0.2)
