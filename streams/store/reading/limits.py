"""Limits of a statement that a person runs: time, memory, size of the answer."""

from __future__ import annotations

from dataclasses import dataclass

from streams.settings.store import StoreSettings
from streams.store.base import Refused

_DEFAULTS = StoreSettings()
ANSWER_BYTES_MAX = 256_000_000
"""What an answer may take in this process, whatever its rows are."""
SPILLED_BYTES_MAX = 4_000_000_000
"""What a statement may write to disk while it sorts or groups."""

_TIME_CODES = frozenset({159, 160})
_MEMORY_CODES = frozenset({241})
_ANSWER_CODES = frozenset({396})
_READ_ONLY_CODE = 164


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one statement may use; beyond it the statement ends with a line that names the limit."""

    seconds: float = _DEFAULTS.query_timeout_ms / 1000
    memory_bytes: int = _DEFAULTS.query_memory
    rows: int = _DEFAULTS.query_rows

    def settings(self) -> dict[str, int | str]:
        """ClickHouse's settings of the session, `readonly` last: after it none can be changed."""
        return {
            "max_execution_time": max(1, round(self.seconds)),
            "timeout_overflow_mode": "throw",
            "max_memory_usage": self.memory_bytes,
            "max_result_rows": self.rows,
            "max_result_bytes": ANSWER_BYTES_MAX,
            "result_overflow_mode": "throw",
            "max_temporary_data_on_disk_size_for_query": SPILLED_BYTES_MAX,
            "readonly": 1,
        }

    def refusal(self, code: int) -> Refused | None:
        """The line for an error code that means a limit; None for any other."""
        if code == _READ_ONLY_CODE:
            return Refused("a query only reads: the engine refuses to change anything for it")
        if code in _TIME_CODES:
            return Refused(
                f"the query took longer than {self.seconds:g} s: ask for less, or raise "
                "HEADWATER_QUERY_TIMEOUT"
            )
        if code in _MEMORY_CODES:
            return Refused(
                f"the query needs more than {self.memory_bytes / 1e6:,.0f} MB of memory: ask for "
                "less, or raise HEADWATER_QUERY_MEMORY"
            )
        if code in _ANSWER_CODES:
            return Refused(
                f"the answer has more than {self.rows:,} rows or {ANSWER_BYTES_MAX / 1e6:,.0f} MB: "
                "add LIMIT, or raise HEADWATER_QUERY_ROWS"
            )
        return None
