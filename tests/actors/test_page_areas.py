import pytest

from actors.page.areas import HEIGHT, WIDTH, columns, lines, stacked
from tests.actors.gateway.opened import turn_event


def turns(*shares):
    return [
        turn_event("d", number).model_copy(update={"distribution": share, "valence": None if share is None else 0.5})
        for number, share in enumerate(shares)
    ]


def stack(given, kinds=("joy", "anger")):
    return stacked(given, shares=lambda turn: turn.distribution, kinds=kinds)


def test_areas_lie_on_one_another_and_fill_the_whole_height():
    lower, upper = stack(turns({"joy": 0.25, "anger": 0.75}, {"joy": 0.5, "anger": 0.5}))
    half = len(lower.points) // 2
    assert lower.points[:half] == tuple(reversed(upper.points[half:]))
    assert {y for _, y in lower.points[half:]} == {HEIGHT}
    assert {y for _, y in upper.points[:half]} == {0.0}


def test_a_turn_alone_is_as_wide_as_its_column():
    (only,) = stack(turns(None, {"joy": 1.0}, None), kinds=("joy",))
    assert sorted({x for x, _ in only.points}) == pytest.approx([WIDTH / 3, WIDTH / 2, 2 * WIDTH / 3], abs=0.1)


def test_turns_without_shares_leave_a_gap():
    areas = stack(turns({"joy": 1.0}, None, {"joy": 1.0}), kinds=("joy",))
    assert len(areas) == 2
    assert max(x for x, _ in areas[0].points) <= min(x for x, _ in areas[1].points)


def test_letters_stand_where_an_area_is_thickest_and_only_where_they_fit():
    thick, thin = stack(turns({"joy": 0.95, "anger": 0.05}, {"joy": 0.99, "anger": 0.01}))
    assert thick.letters_at == (750.0, pytest.approx(HEIGHT * (1 - 0.495), abs=0.1))
    assert thin.letters_at is None


def test_a_line_goes_through_the_turns_of_its_speaker():
    (line,) = lines(turns({"joy": 1.0}, None, {"joy": 1.0}), value=lambda turn: turn.valence, speakers=["ben", "ann"])
    assert (line.speaker, line.number) == ("ann", 1)
    assert line.points == ((pytest.approx(WIDTH / 6, abs=0.1), HEIGHT / 4), (pytest.approx(833.3), HEIGHT / 4))


def test_there_is_a_column_for_every_turn_and_none_without_turns():
    assert [column.kind for column in columns(turns(None, None))] == ["joy", "joy"]
    assert columns([]) == ()
    assert stack([]) == ()
