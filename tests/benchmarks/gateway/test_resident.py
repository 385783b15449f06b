"""What a benchmark reads of processes that come and go."""

import os
import subprocess

from tests.benchmarks.gateway.streams import resident


def test_a_process_that_has_ended_is_left_out():
    # A process of a suite in several has others below it.
    before = resident(os.getpid())
    with subprocess.Popen(["true"]) as ended:  # noqa: S607
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        found = resident(os.getpid())
    assert found.gateway_mib > 1
    assert found.decoders == before.decoders
