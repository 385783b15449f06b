"""Where a paper can be read in several ways: each reading trained alike, judged on the dev part alone.

    python -m tests.benchmarks.fusion.readings DATA [MODEL ...]

The task is `scripted` of `turntone bench fusion`, at its equal sizes and under its schedule; what is reported is the
weighted F1 of the dev part at the epoch that was chosen by it. No test part is looked at. What was measured already
stays in the JSON and is not trained again.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.training.comparison.contenders import numbers
from engine.training.comparison.fit import fit
from engine.training.comparison.tasks import TASKS

RESULTS = Path(__file__).parent / "results" / "readings.json"
TASK = "scripted"
SEEDS = (0, 1, 2)
READINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "avt-ca, o_self is the block's result": ("avt-ca", {}),
    "avt-ca, o_self attends to itself": ("avt-ca", {"own": "attention"}),
    "avt-ca, last attention without residual": ("avt-ca", {"paper": True}),
    "attsf, similarity over the batch": ("attsf", {}),
    "attsf, similarity over the features": ("attsf", {"similarity_over": "features"}),
    "attsf, no similarity loss": ("attsf", {"similarity_loss": 0.0}),
}


def main() -> None:
    torch.set_num_threads(1)
    asked = TASKS[TASK]
    task = asked.load(Path(sys.argv[1]))
    models = sys.argv[2:] or {name for name, _ in READINGS.values()}
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"task": TASK, "dev": {}}
    for seed in SEEDS:
        for reading, (name, options) in READINGS.items():
            if name not in models or str(seed) in known["dev"].get(reading, {}):
                continue
            fitted = fit(
                name, numbers(name, task) | dict(options), task, task.folds[0], schedule=asked.schedule, seed=seed
            )
            known["dev"].setdefault(reading, {})[str(seed)] = round(fitted.dev, 4)
            known["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(known, indent=2) + "\n")
            print(f"{reading}, seed {seed}: {fitted.dev:.3f} at epoch {fitted.epoch}", flush=True)
    for reading, done in known["dev"].items():
        scores = list(done.values())
        spread = f" ± {np.std(scores, ddof=1):.3f}" if len(scores) > 1 else ""
        print(f"{reading}: {np.mean(scores):.3f}{spread}")


if __name__ == "__main__":
    main()
