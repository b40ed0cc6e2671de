"""Trouble that a test orders: what goes wrong with the next statements that match."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    CUT_BEFORE_DATA = "the connection breaks before the rows are sent"
    CUT_IN_BLOCK = "it breaks within the rows"
    CUT_BEFORE_STORING = "it breaks when the rows have arrived, before any is stored"
    CUT_HALF_STORED = "it breaks when every other row is stored"
    CUT_AFTER_STORING = "it breaks when all rows are stored, before the client hears of it"
    LATE_STORING = "it breaks when the rows have arrived; they are stored afterwards"
    ERROR = "the server answers with an error"
    SLOW = "the server answers late"


@dataclass(slots=True)
class Trouble:
    fault: Fault
    statement: str = "INSERT"
    """Regular expression that a statement has to contain."""
    times: int = 1
    seconds: float = 0.0
    code: int = 241
    message: str = "Memory limit (total) exceeded"


class Troubles:
    """Orders in the sequence in which they were given. Calls may come from several threads."""

    def __init__(self) -> None:
        self._orders: list[Trouble] = []
        self._lock = threading.Lock()
        self.met: list[Fault] = []

    def order(self, *orders: Trouble) -> None:
        with self._lock:
            self._orders.extend(orders)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def next_for(self, sql: str) -> Trouble | None:
        """The first order for this statement, which is then used up once more."""
        with self._lock:
            for order in self._orders:
                if order.times > 0 and re.search(order.statement, sql):
                    order.times -= 1
                    self.met.append(order.fault)
                    return order
        return None
