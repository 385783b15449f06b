from html.parser import HTMLParser

import numpy as np
import pytest

from actors.report.page import About, report
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote, Weights
from schemas.labels import EMOTIONS

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
VOID = {"meta", "img", "link", "br"}


def turn(number, *, speaker="Ann", label="joy", dialogue="talk", revision=0, **changes):
    distribution = {emotion: 0.4 if emotion == label else 0.1 for emotion in EMOTIONS}
    fields = {
        "event_id": f"{dialogue}-{number}-{revision}",
        "dialogue_id": dialogue,
        "turn": number,
        "speaker": speaker,
        "role": "performer",
        "start_s": 5.0 * (number or 0),
        "end_s": 5.0 * (number or 0) + 4.0,
        "label": label,
        "distribution": distribution,
        "valence": 0.25,
        "arousal": -0.5,
        "affect_source": "circumplex",
        "confidence": 0.4,
        "weights": Weights(audio=0.7, video=0.3),
        "modalities": Modalities(audio=True, video=True),
        "model_id": "0123456789abcdef",
        "policy": PolicyDecision(allowed=True, rule="role performer is allowed"),
        "state": StateNote(status="continued"),
        "revision": revision,
    }
    return EmotionEvent.model_validate(fields | changes)


def withheld(number, **changes):
    nothing = dict.fromkeys(("label", "distribution", "valence", "arousal", "affect_source", "confidence", "weights"))
    gone = Modalities(audio=False, video=False, audio_missing="withheld", video_missing="withheld")
    reason = {"abstained": "withheld", "abstained_reason": "role agent is denied", "modalities": gone}
    return turn(number, speaker="Agent", role="agent", **(nothing | reason | changes))


def silence():
    nothing = dict.fromkeys(("label", "distribution", "valence", "arousal", "affect_source", "confidence", "weights"))
    return turn(None, abstained="no_speech", abstained_reason="no speech found", **nothing)


def about(**changes):
    return About(
        **(
            {"title": "talk.wav", "model_id": "0123456789abcdef", "licence": "Apache-2.0", "role": "performer"}
            | changes
        )
    )


class Page(HTMLParser):
    """What a page holds, and whether every element that opens also closes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids, self.images, self.words, self.open = [], [], [], [], [], []
        self.handlers = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in {"href", "src", "action", "xlink:href"}]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.ids += [named["id"]] if "id" in named else []
        self.images += [named] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


EVENTS = [
    turn(0),
    withheld(1),
    turn(2, speaker="Bo", label="anger", modalities=Modalities(audio=True, video=False, video_missing="no face found")),
    turn(3, label=None, abstained="low_confidence", abstained_reason="confidence below 0.30"),
    silence(),
    turn(0, dialogue="second", speaker="Cy", label="fear"),
]


def test_every_turn_is_in_it_and_every_reason():
    page = Page(report(EVENTS, about=about(failures=["talk#4: nothing can be decoded"])))
    assert page.open == []
    assert set(page.ids) >= {"d1t0", "d1t1", "d1t2", "d1t3", "d2t0"}
    targets = {address for address in page.addresses if address.startswith("#")}
    assert {f"#{name}" for name in page.ids if "t" in name} == targets, "each turn has a box, each box a row"
    for sentence in (
        "No emotion given: withheld: role agent is denied (1 x)",
        "No emotion given: low confidence: confidence below 0.30 (1 x)",
        "No emotion given: no speech: no speech found (1 x)",
        "No face: no face found (1 x)",
        "talk#4: nothing can be decoded",
        "0123456789abcdef",
        "licence of its weights: Apache-2.0",
        "Not for use at work or in education",
    ):
        assert sentence in page.text


def test_nothing_is_fetched_and_nothing_runs():
    faces = {"talk-0-0": np.full((64, 64, 3), 90, dtype=np.uint8)}
    text = report(EVENTS, about=about(faces=faces))
    page = Page(text)
    assert all(address.startswith(("#", "data:image/jpeg;base64,")) for address in page.addresses)
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert "http" not in text.lower()
    assert "url(" not in text
    assert "@import" not in text


def test_names_are_text_whatever_they_hold():
    events = [
        turn(0, speaker=HOSTILE),
        turn(1, modalities=Modalities(audio=True, video=False, video_missing=HOSTILE), role=HOSTILE),
    ]
    page = Page(report(events, about=about(title=HOSTILE, licence=HOSTILE, failures=[HOSTILE])))
    assert page.open == []
    assert "script" not in page.tags
    assert page.images == []
    assert page.handlers == []
    assert page.text.count("alert(1)") >= 4


def test_a_face_is_a_picture_with_words_beside_it():
    faces = {f"talk-{number}-0": np.full((64, 64, 3), 90, dtype=np.uint8) for number in (0, 2)}
    page = Page(report(EVENTS, about=about(faces=faces)))
    assert {image["alt"] for image in page.images} == {
        "Face of Ann while speaking",
        "Face of Ann at 0:00",
        "Face of Bo while speaking",
        "Face of Bo at 0:10",
    }
    assert "pictures of people" in page.text
    assert "pictures of people" not in Page(report(EVENTS, about=about())).text


def test_the_last_revision_counts():
    page = Page(report([turn(0), turn(0, label="sadness", revision=1)], about=about()))
    assert page.ids.count("d1t0") == 1
    assert "revised 1 time(s)" in page.text
    assert "joy" not in [word for word in page.words if word.strip() == "joy"][1:], "joy stands in the legend alone"


def test_a_revised_turn_keeps_the_picture_of_its_first_event():
    faces = {"talk-0-0": np.full((64, 64, 3), 90, dtype=np.uint8)}
    page = Page(report([turn(0), turn(0, label="sadness", revision=1)], about=about(faces=faces)))
    assert "Face of Ann at 0:00" in {image["alt"] for image in page.images}


def test_an_hour_is_a_page_of_bounded_size():
    events = [turn(number, speaker=f"speaker-{number % 4}") for number in range(720)]
    page = Page(report(events, about=about()))
    assert page.tags.count("svg") < 20
    assert len([name for name in page.ids if "t" in name]) == 720


@pytest.mark.parametrize("events", [[], [silence()]])
def test_without_a_turn_there_is_still_a_page(events):
    page = Page(report(events, about=about(stopped_at_s=3.0)))
    assert page.open == []
    assert "Stopped at 0:03" in page.text
