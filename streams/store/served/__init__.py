"""The embedded store, open to other processes while one has it: ClickHouse's HTTP interface.

chdb lets one process open a folder. The process that stores serves it on loopback, read only, in
the form that ClickHouse's own clients speak (https://clickhouse.com/docs/interfaces/http). What a
statement may do is checked as `headwater query` checks it, by words and syntax tree.
"""

from __future__ import annotations

from streams.store.served.address import served_at
from streams.store.served.client import ServedStore
from streams.store.served.server import StoreServer

__all__ = ["ServedStore", "StoreServer", "served_at"]
