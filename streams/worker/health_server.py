"""Serves /metrics, /livez and /readyz from a thread of its own.

The thread answers while the event loop is stalled, so a probe reports the stall instead of hanging.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.errors import Stop, listening_advice
from streams.runtime.reports import Readiness
from streams.worker.metrics import READY, REGISTRY

_STALLED_SECONDS = 30.0
REQUEST_SECONDS = 5.0


class Health:
    """Whether a worker is alive and ready. Its event loop calls `beat` every second.

    All other methods may be called from any thread.
    """

    def __init__(
        self,
        readiness: Callable[[], Readiness],
        clock: Callable[[], float] = time.monotonic,
        stalled_seconds: float = _STALLED_SECONDS,
    ) -> None:
        self._readiness = readiness
        self._clock = clock
        self._stalled_seconds = stalled_seconds
        self._beaten_at = clock()

    def beat(self) -> None:
        self._beaten_at = self._clock()

    def live(self) -> Readiness:
        silent = self._clock() - self._beaten_at
        if silent > self._stalled_seconds:
            return Readiness(False, f"the event loop has been stalled for {silent:.0f} s")
        return Readiness(True, "alive")

    def ready(self) -> Readiness:
        alive = self.live()
        verdict = self._readiness() if alive.is_ready else alive
        READY.set(verdict.is_ready)
        return verdict


class HealthServer:
    """Serves from construction to `close`. Port 0 takes a free port, which `port` returns.

    Stop when the port cannot be had.
    """

    def __init__(self, health: Health, host: str, port: int) -> None:
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(health))
        except OSError as error:
            raise Stop(
                f"cannot listen on {host}:{port} for /metrics: {error.strerror}; "
                + listening_advice(
                    error, "HEADWATER_METRICS_HOST", "HEADWATER_METRICS_PORT (0: none)"
                )
            ) from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                health.ready()  # updates headwater_ready
                self._answer(HTTPStatus.OK, generate_latest(REGISTRY), CONTENT_TYPE_LATEST)
            elif path == "/livez":
                self._answer_probe(health.live())
            elif path == "/readyz":
                self._answer_probe(health.ready())
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")

        def _answer_probe(self, verdict: Readiness) -> None:
            status = HTTPStatus.OK if verdict.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, f"{verdict.reason}\n".encode(), "text/plain")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: probes come every few seconds."""

    return Answers
