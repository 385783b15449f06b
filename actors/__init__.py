"""The engine on a cluster: Ray actors, the embedded servers and the command line."""

import os

# Read by Ray when it is imported, by whomever, and handed down to every process it starts.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")
# Ray would let everything else on the machine go first (niceness 15), and a busy one starves its workers for minutes.
os.environ.setdefault("RAY_worker_niceness", "0")
# A worker that died is the crew's to tell of. Ray would say it too, on standard output, where a program may be reading.
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed")
