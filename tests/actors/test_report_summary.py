"""The page tells of each speaker what the end of a dialogue tells, and of each alert where it stands."""

from actors.report.page import report
from engine.summary import summary_of
from schemas.events import AlertEvent, AlertEvidence
from tests.actors.test_report import HOSTILE, Page, about, turn, withheld

TALK = [
    turn(0, valence=0.5),
    withheld(1),
    turn(2, label="anger", valence=-0.6),
    turn(3, label="anger", valence=-0.6),
    turn(4, label="joy", valence=-0.6, revision=1),
]


def alert(**changes):
    evidence = tuple(
        AlertEvidence(turn=n, start_s=5.0 * n, end_s=5.0 * n + 4, label="anger", distribution={"anger": 0.4})
        for n in (2, 3)
    )
    fields = {"rule": "rising-anger", "severity": "warning", "speaker": "Ann", "turn": 3, "start_s": 15.0}
    plain = {"event_id": "a", "dialogue_id": "talk", "since_turn": 2, "evidence": evidence, "model_id": "m"}
    return AlertEvent.model_validate(fields | plain | changes)


def test_a_speaker_is_summed_up_as_at_the_end_of_a_dialogue():
    page = Page(report(TALK, about=about()))
    ann = summary_of([event for event in TALK if event.speaker == "Ann"])
    assert f"mean valence {ann.valence:+.2f}, arousal -0.50" in page.text
    assert f"By time: neutral 10 %, joy {100 * ann.shares['joy']:.0f} %" in page.text
    assert "100 % answered;" in page.text
    assert "0 % answered, 100 % withheld" in page.text
    assert ann.negative.turns == 3
    assert "Longest negative stretch: 0:10 to 0:24, 3 turns" in page.text
    assert [point.turn for point in ann.turning_points] == [2, 4]
    assert "Turning points: 0:10 down to -0.05, 0:20 down to -0.46" in page.text


def test_an_alert_links_to_the_turns_it_rests_on():
    page = Page(report(TALK, about=about(alerts=[alert(), alert(dialogue_id="another")])))
    assert page.open == []
    assert page.text.count("warning: rising-anger, Ann, at 0:15 , on anger , anger") == 1
    assert page.addresses.count("#d1t3") == 3, "the box, the alert, its evidence"
    assert "Alerts" not in Page(report(TALK, about=about())).text


def test_names_in_an_alert_are_text():
    page = Page(report(TALK, about=about(alerts=[alert(speaker=HOSTILE, rule=HOSTILE)])))
    assert page.open == []
    assert "script" not in page.tags
