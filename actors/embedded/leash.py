"""A small process that holds a server and stops it when the one who holds the leash is gone.

Run as `python leash.py GRACE_S COMMAND...` with a pipe as standard input. The kernel closes the pipe when its other end
dies, however it dies. (A parent-death signal would not do: Linux sends it when the *thread* that forked ends.)
"""

import signal
import subprocess
import sys
import threading


def hold(command: list[str], *, grace_s: float) -> int:
    """Run `command` until it ends, or until standard input closes; returns its exit code."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  the command is the caller's own
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.terminate())

    def stop_when_let_go() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        try:
            server.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=stop_when_let_go, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(hold(sys.argv[2:], grace_s=float(sys.argv[1])))
