"""What a benchmark reads of processes that come and go."""

import os
import subprocess

from tests.benchmarks.gateway.streams import resident_mib


def test_a_process_that_has_ended_is_left_out():
    with subprocess.Popen(["true"]) as ended:  # noqa: S607
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        mib, others = resident_mib(os.getpid())
    assert mib > 1
    assert others == 0
