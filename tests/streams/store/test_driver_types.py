"""What clickhouse-driver sends for every table is what a current engine understands.

There is no current server here to talk to, but its engine is, embedded: it reads the driver's
blocks as a file of format Native.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from clickhouse_driver import Client
from clickhouse_driver.block import ColumnOrientedBlock
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.streams.native import BlockOutputStream

from schemas import outcomes
from streams.store.columns import OutcomeDecoder
from streams.store.digest import store_digest
from streams.store.embedded import EmbeddedStore
from streams.store.tables import TABLES
from tests.worlds.stores.store_world import every_kind, put

pytest.importorskip("chdb")


class Wire:
    """Stands for the socket."""

    def __init__(self) -> None:
        self.content = bytearray()

    def sendall(self, octets: bytes) -> None:
        self.content += octets


def as_the_driver_sends(
    names_and_types: list[tuple[str, str]], columns: list[list[object]]
) -> bytes:
    sent = Wire()
    context = SimpleNamespace(
        server_info=SimpleNamespace(used_revision=0, get_timezone=lambda: "UTC"),
        client_settings=Client("localhost").connection.context.client_settings,
        settings={},
    )
    stream = BlockOutputStream(BufferedSocketWriter(sent, 65_536), context)
    stream.write(ColumnOrientedBlock(names_and_types, columns))
    return bytes(sent.content)


def test_every_column_arrives_as_it_does_in_the_embedded_store(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    rows = every_kind()
    put(store, rows)
    expected = store_digest(store)
    for number, table in enumerate(TABLES.values()):
        (row,) = [one for one in rows if isinstance(one, table.outcome)]
        message = outcomes.outcome_encoder.encode(row)
        columns = OutcomeDecoder(table).decode([message], 0, [0]).columns
        types = dict(
            store.query(
                "SELECT name, type FROM system.columns"
                " WHERE database = currentDatabase() AND table = {table}",
                {"table": table.name},
            ).rows
        )
        file = tmp_path / f"block-{number}"
        file.write_bytes(
            as_the_driver_sends([(name, types[name]) for name in columns], list(columns.values()))
        )
        store.execute(f"TRUNCATE TABLE {table.name}")
        names = ", ".join(columns)
        store.execute(
            f"INSERT INTO {table.name} ({names}) SELECT {names} FROM file('{file}', 'Native')"
        )
    assert store_digest(store) == expected
