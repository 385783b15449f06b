"""Whose voices: by sex and by language, of turns in which a voice is heard."""

from engine.training.corpora.base import Turn
from engine.training.measured import whose


def turn(sex=None, language=None, voice="v"):
    return Turn(speaker="a", label=0, voice=voice, face=None, sex=sex, language=language)


def found(dialogues):
    return {name: places.tolist() for name, places in whose.by_voices(dialogues)}


def test_places_count_through_the_dialogues_and_a_turn_without_a_voice_is_nobodys():
    dialogues = [
        (turn("female", "English"), turn("male", "English")),
        (turn("male", "Quechua", voice=None), turn(None, "German"), turn("female")),
    ]
    assert found(dialogues) == {"women": [0, 4], "men": [1], "English": [0, 1], "German": [3]}
    assert (whose.voices(dialogues), whose.language(dialogues)) == ("women and men", "English and German")


def test_voices_of_one_kind_are_not_set_apart():
    alone = [(turn("male", "German"),), (turn("male"),)]
    assert found(alone) == {}
    assert (whose.voices(alone), whose.language(alone)) == ("men", "German")
    assert (whose.voices([(turn(),)]), whose.language([])) == (None, None)
