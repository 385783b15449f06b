"""How often the presets fire on MELD's conversations, were every label right: as rates of alerts, not of right ones."""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

from engine.alerts.rule import PRESETS
from engine.alerts.state import AlertState
from engine.alerts.watch import watch
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from schemas.labels import CIRCUMPLEX, EMOTIONS

MELD = Path(__file__).resolve().parents[4] / "shared" / "data" / "meld"
SPLITS = ("dev", "test")


def said(row: dict[str, str], *, sure: float) -> EmotionEvent:
    """A turn whose annotated label has the probability `sure`, the others the rest evenly; everybody is a customer."""
    label = row["Emotion"]
    distribution = {emotion: sure if emotion == label else (1 - sure) / 6 for emotion in EMOTIONS}
    number = int(row["Utterance_ID"])
    fields = {
        "event_id": "",
        "dialogue_id": row["Dialogue_ID"],
        "turn": number,
        "speaker": row["Speaker"],
        "role": "customer",
        "start_s": float(number),
        "end_s": number + 1.0,
        "label": label,
        "distribution": distribution,
        "valence": sum(share * CIRCUMPLEX[emotion][0] for emotion, share in distribution.items()),
        "modalities": Modalities(audio=True, video=False),
        "model_id": "annotated",
        "policy": PolicyDecision(allowed=True, rule="annotated"),
        "state": StateNote(status="continued"),
    }
    return EmotionEvent.model_validate(fields)


def rates(*, sure: float) -> dict[str, object]:
    """Alerts by preset, all, and in how many dialogues."""
    states: dict[tuple[str, str], AlertState] = {}
    alerts, dialogues, turns = Counter[str](), set(), 0
    for split in SPLITS:
        with (MELD / f"{split}_sent_emo.csv").open(encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
                dialogue = (split, row["Dialogue_ID"])
                turns += 1
                event = said(row, sure=sure)
                before = states.get(dialogue, AlertState())
                states[dialogue], fired = watch(list(PRESETS.values()), before, event)
                for one in fired:
                    alerts[one.rule.name] += 1
                    dialogues.add((one.rule.name, dialogue))
    return {
        "sure": sure,
        "dialogues": len(states),
        "turns": turns,
        "alerts": {name: alerts[name] for name in PRESETS},
        "dialogues_with_one": {name: sum(rule == name for rule, _ in dialogues) for name in PRESETS},
    }


def main() -> None:
    """Print the rates as JSON, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    lines = [rates(sure=sure) for sure in (0.5, 0.7)]
    path: Path = parser.parse_args().json
    path.write_text(json.dumps(lines, indent=1) + "\n")
    print(path.read_text())


if __name__ == "__main__":
    main()
