"""What the sink reports to the metrics."""

from __future__ import annotations


class StoringObserver:
    """The null observer: every report is ignored. Observers override what they care about."""

    def on_stored(self, table: str, rows: int, seconds: float) -> None:
        """ClickHouse acknowledged `rows` rows of a table; the insert took `seconds`."""

    def on_skipped(self, table: str, rows: int) -> None:
        """`rows` rows were found stored already and were not inserted again."""

    def on_quarantined(self, stage: str, kind: str, count: int) -> None:
        """ClickHouse refused `count` rows, and they were set aside."""

    def on_retry(self, table: str) -> None:
        """An insert failed and is tried again."""

    def on_undelivered(self, offsets: int) -> None:
        """So many offsets were read and did not come to the sink, which reads them again."""

    def on_standstill(self, seconds: float) -> None:
        """For so long rows wait and none was stored, and nothing says why; 0: it goes on."""

    def on_waiting_requests(self, count: int, oldest_seconds: float) -> None:
        """`count` requests to be forgotten wait for `headwater privacy run`, the oldest since
        `oldest_seconds` ago."""

    def on_buffered(self, rows: int, oldest_seconds: float) -> None:
        """`rows` rows are in memory, the oldest for `oldest_seconds`."""
