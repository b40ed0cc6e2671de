"""Listens on loopback, a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from tests.native_server.conversation import Conversation, Shared
from tests.native_server.engine import Engine
from tests.native_server.trouble import Fault, Trouble

USER, PASSWORD = "headwater", "a secret"


class NativeServer:
    """Serves the store in a folder. `stop` ends all connections and frees the folder."""

    def __init__(
        self, folder: Path, tls: ssl.SSLContext | None = None, timezone: str = "UTC"
    ) -> None:
        self._shared = Shared(Engine(folder), USER, PASSWORD, timezone)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, name="native server")
        self._accepting.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        scheme = "clickhouses" if self._tls else "clickhouse"
        return f"{scheme}://{USER}@localhost:{self.port}/default"

    @property
    def password(self) -> str:
        return PASSWORD

    @property
    def settings_seen(self) -> list[dict[str, str]]:
        """Settings of every query so far."""
        return self._shared.settings_seen

    @property
    def faults_met(self) -> list[Fault]:
        return self._shared.troubles.met

    def order(self, *orders: Trouble) -> None:
        self._shared.troubles.order(*orders)

    def calm(self) -> None:
        """Forget what was ordered, and wait for inserts that are stored afterwards."""
        self._shared.troubles.clear()
        for thread in self._shared.later:
            thread.join()
        self._shared.later.clear()

    def cut(self) -> None:
        """Break every connection, as a restart does."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self.calm()
        # Closing alone does not wake the thread that waits for a connection.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        self.cut()
        for thread in self._threads:
            thread.join()
        self._shared.engine.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        # Else every second packet of an answer waits for the client's acknowledgement.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), plain:
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
            with self._lock:
                self._connections.add(connection)
            try:
                with connection:
                    Conversation(connection, self._shared).run()
            finally:
                with self._lock:
                    self._connections.discard(connection)
