"""Queries that run, by id: what KILL QUERY and system.processes are about."""

from __future__ import annotations

import re
import threading

_KILL = re.compile(r"\s*KILL QUERY WHERE query_id IN \((?P<ids>[^)]*)\)")
_ID = re.compile(r"'([^']*)'")


class RunningQueries:
    def __init__(self) -> None:
        self._running: set[str] = set()
        self._killed: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, query_id: str) -> None:
        with self._lock:
            self._running.add(query_id)

    def end(self, query_id: str) -> None:
        with self._lock:
            self._running.discard(query_id)

    def is_killed(self, query_id: str) -> bool:
        with self._lock:
            return query_id in self._killed

    def kill(self, sql: str) -> bool:
        """Mark what the statement names, if it is a KILL."""
        match = _KILL.match(sql)
        if match is None:
            return False
        with self._lock:
            self._killed.update(_ID.findall(match["ids"]))
        return True

    def shown_in(self, sql: str) -> str:
        """The statement with the queries of this server for system.processes."""
        with self._lock:
            ids = ", ".join(f"'{name}'" for name in sorted(self._running)) or "''"
        return sql.replace("system.processes", f"(SELECT arrayJoin([{ids}]) AS query_id)")
