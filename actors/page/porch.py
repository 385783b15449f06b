"""What a browser finds at the page's address until the gateway is there: how far the start is.

It is up within a second of the command, before anything that takes long is even imported. Programs are told to come
again. It says nothing that a token is asked for.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Final

from actors.gateway.listening import listening
from actors.page.address import HOME, MOUNT
from actors.page.drawing import draw
from actors.progress import GATEWAY, Progress, Step
from engine.config import GatewaySettings

STARTING: Final = "turntone-starting"
"""A header of its answers, and of no other's: where it is missing, the page itself has taken over."""
_POLICY: Final = "default-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
_LOOK_S = 0.05
_AGAIN_S = 2


class Porch:
    """Serves from threads of its own; a `Progress` that makes way as soon as the gateway begins to open.

    settings: the gateway's, whose address it takes. progress: who else hears of the steps. Raises `ConfigurationError`.
    """

    def __init__(self, settings: GatewaySettings, *, progress: Progress) -> None:
        self._progress = progress
        self._steps: dict[str, Step] = {}
        self._lock = Lock()
        taken = listening(settings.host, settings.port)
        self.port: int = taken.getsockname()[1]
        self._server = _Server(taken.getsockname()[:2], _answering(self._page), bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = taken
        self._thread = Thread(target=self._server.serve_forever, args=(_LOOK_S,), name="porch", daemon=True)
        self._thread.start()

    def __call__(self, step: Step) -> None:
        """Show a step and pass it on; the gateway's first one closes this."""
        self._progress(step)
        with self._lock:
            self._steps[step.part] = step
        if step.part == GATEWAY:
            self.close()

    def close(self) -> None:
        """Give the address up; safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _page(self) -> bytes:
        with self._lock:
            steps = list(self._steps.values())
        open_ones = [step.part for step in steps if step.status == "starting"]
        return draw("porch", steps=steps, starting=open_ones, header=STARTING).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that goes away in the middle is none of ours."""


def _answering(page: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/":
                self._answer(HTTPStatus.TEMPORARY_REDIRECT, b"", "text/plain", ("location", HOME))
            elif path == MOUNT or path.startswith(HOME):
                self._answer(HTTPStatus.OK, page(), "text/html; charset=utf-8")
            else:
                self.do_POST()

        do_HEAD = do_GET

        def do_POST(self) -> None:
            problem = {"title": "Turntone starts", "status": 503, "detail": "come again when it is ready"}
            self._answer(
                HTTPStatus.SERVICE_UNAVAILABLE,
                json.dumps(problem).encode(),
                "application/problem+json",
                ("retry-after", str(_AGAIN_S)),
            )

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing on the terminal."""

        def _answer(self, status: HTTPStatus, body: bytes, kind: str, *more: tuple[str, str]) -> None:
            self.send_response(status)
            told = [("content-type", kind), ("content-length", str(len(body))), (STARTING, "1"), *more]
            told += [("cache-control", "no-store"), ("referrer-policy", "no-referrer")]
            for name, value in (*told, ("x-content-type-options", "nosniff"), ("content-security-policy", _POLICY)):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Answering
