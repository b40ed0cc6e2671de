"""One connection: greets a client and answers its queries until it leaves."""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field

from tests.native_server import packets
from tests.native_server.engine import Engine, EngineError
from tests.native_server.octets import SocketSource
from tests.native_server.packets import Block, Greeting, Query
from tests.native_server.running_queries import RunningQueries
from tests.native_server.trouble import Fault, Trouble, Troubles

_TAKES_ROWS = re.compile(r"\s*INSERT\b.*\bVALUES\s*$", re.IGNORECASE | re.DOTALL)
_KILLED, _WRONG_PASSWORD, _NO_DATABASE, _NOT_SUPPORTED = 394, 516, 81, 48


class ConnectionCutError(Exception):
    """The connection is to break here, as a test ordered."""


@dataclass(slots=True)
class Shared:
    """What all connections of a server have in common."""

    engine: Engine
    user: str
    password: str
    timezone: str = "UTC"
    troubles: Troubles = field(default_factory=Troubles)
    running: RunningQueries = field(default_factory=RunningQueries)
    settings_seen: list[dict[str, str]] = field(default_factory=list)
    later: list[threading.Thread] = field(default_factory=list)


class Conversation:
    """`run` blocks until the client has gone or trouble ends the connection."""

    def __init__(self, connection: socket.socket, shared: Shared) -> None:
        self._connection = connection
        self._source = SocketSource(connection)
        self._shared = shared

    def run(self) -> None:
        try:
            if self._greet():
                while True:
                    self._packet(self._source.varint())
        except (EOFError, OSError, ConnectionCutError):
            pass  # The client has gone, or is to believe that the server has.

    def _greet(self) -> bool:
        if self._source.varint() != packets.HELLO:
            return False
        greeting = packets.read_greeting(self._source)
        refusal = self._refusal(greeting)
        if refusal:
            self._send(packets.exception(*refusal))
            return False
        self._send(packets.greeting_answer(self._shared.timezone))
        self._source.text()  # the addendum: a quota key
        return True

    def _refusal(self, greeting: Greeting) -> tuple[int, str] | None:
        user = greeting.user
        if (user, greeting.password) != (self._shared.user, self._shared.password):
            return _WRONG_PASSWORD, (
                f"DB::Exception: {user}: Authentication failed: password is incorrect, or there is "
                "no user with such name.\n\nIf you use ClickHouse Cloud, reset it there"
            )
        if greeting.database not in ("", "default"):
            return _NO_DATABASE, f"DB::Exception: Database {greeting.database} does not exist"
        return None

    def _packet(self, kind: int) -> None:
        if kind == packets.PING:
            self._send(packets.PONG)
        elif kind == packets.QUERY:
            self._query(packets.read_query(self._source))
        elif kind != packets.CANCEL:  # One that comes when all is sent changes nothing.
            raise EOFError

    def _query(self, query: Query) -> None:
        shared = self._shared
        self._block()  # the end of external tables
        shared.settings_seen.append(query.settings)
        trouble = shared.troubles.next_for(query.sql)
        shared.running.begin(query.query_id)
        is_left_running = False
        try:
            if query.is_compressed:
                raise EngineError(_NOT_SUPPORTED, "DB::Exception: no compression here")
            self._before(trouble, query)
            if _TAKES_ROWS.match(query.sql):
                is_left_running = self._insert(query, trouble)
            else:
                self._answer(query)
        except EngineError as error:
            shared.running.end(query.query_id)  # Before the client can ask whether it runs.
            self._send(packets.exception(error.code, str(error)))
        finally:
            if not is_left_running:
                shared.running.end(query.query_id)

    def _before(self, trouble: Trouble | None, query: Query) -> None:
        if trouble is None:
            return
        if trouble.fault is Fault.SLOW and _TAKES_ROWS.match(query.sql):
            time.sleep(trouble.seconds)  # Before it has rows a server is silent.
        elif trouble.fault is Fault.SLOW:
            self._dawdle(trouble.seconds)
        elif trouble.fault is Fault.ERROR:
            raise EngineError(trouble.code, f"DB::Exception: {trouble.message}")
        elif trouble.fault is Fault.CUT_BEFORE_DATA:
            raise ConnectionCutError

    def _dawdle(self, seconds: float) -> None:
        """Wait, with signs of life as a server gives them; the client may leave meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._send(packets.progress(0))
            if select.select([self._connection], [], [], min(left, 0.1))[0]:
                return

    def _answer(self, query: Query) -> None:
        running = self._shared.running
        if running.kill(query.sql):
            self._send(packets.END_OF_STREAM)
            return
        rows = 0
        answer = self._shared.engine.answer(running.shown_in(query.sql), query.settings)
        for block in answer:
            rows += block.rows
            self._send(packets.data_packet(block))
            self._send(packets.progress(block.rows))
            if self._is_cancelled():
                answer.close()
                break
        self._send(packets.profile(rows) + packets.END_OF_STREAM)

    def _is_cancelled(self) -> bool:
        is_ready = bool(select.select([self._connection], [], [], 0)[0])
        return is_ready and self._source.varint() == packets.CANCEL

    def _insert(self, query: Query, trouble: Trouble | None) -> bool:
        """Take blocks and store them; True: the insert goes on when this connection is over."""
        engine, fault = self._shared.engine, trouble.fault if trouble else None
        sample = engine.sample(query.sql, query.settings)
        described = "\n".join(f"`{name}` {kind}" for name, kind, _ in sample.columns)
        self._send(packets.table_columns(f"columns format version: 1\n{described}\n"))
        self._send(packets.data_packet(sample))
        if fault is Fault.CUT_IN_BLOCK:
            self._source.take(40)
            raise ConnectionCutError
        blocks = []
        while (block := self._block()).rows:
            blocks.append(block)
            self._send(packets.profile_events())
        self._send(packets.profile_events())
        if fault is Fault.CUT_BEFORE_STORING:
            raise ConnectionCutError
        if fault is Fault.LATE_STORING:
            assert trouble is not None
            self._store_later(query, blocks, trouble.seconds)
            return True
        self._store(query, blocks, is_half=fault is Fault.CUT_HALF_STORED)
        if fault in (Fault.CUT_HALF_STORED, Fault.CUT_AFTER_STORING):
            raise ConnectionCutError
        self._send(packets.progress(sum(block.rows for block in blocks)) + packets.END_OF_STREAM)
        return False

    def _store(self, query: Query, blocks: list[Block], *, is_half: bool = False) -> None:
        # A client's settings are for the way; the engine here has no connection of its own.
        engine = self._shared.engine
        if not is_half:
            for block in blocks:
                engine.insert(query.sql, {}, block)
            return
        engine.insert_half(query.sql, blocks[0])

    def _store_later(self, query: Query, blocks: list[Block], seconds: float) -> None:
        running = self._shared.running

        def store() -> None:
            until = time.monotonic() + seconds
            while time.monotonic() < until and not running.is_killed(query.query_id):
                time.sleep(0.01)
            if not running.is_killed(query.query_id):
                self._store(query, blocks)
            running.end(query.query_id)

        thread = threading.Thread(target=store)
        self._shared.later.append(thread)
        thread.start()
        self._connection.shutdown(socket.SHUT_RDWR)

    def _block(self) -> Block:
        if self._source.varint() != packets.DATA:
            raise EOFError
        return packets.read_data(self._source)

    def _send(self, octets: bytes) -> None:
        self._connection.sendall(octets)
