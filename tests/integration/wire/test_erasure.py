"""Rows of erased people are made anonymous on a server as in a folder."""

from __future__ import annotations

from streams.store.erasure import erase_rows, search_rows
from streams.store.server import ServerStore
from tests.worlds.stores.fact_outcomes import privacy_receipt
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import booking, dead_letter, decision, touch

SECRET = b"a secret of the installation, 32 bytes"


def test_a_server_forgets_as_a_folder_does(store: ServerStore) -> None:
    sold = booking("puzzle:sale", "somebody", booking_id="sale:purchase.0badcafe")
    person = [decision("somebody"), sold]
    put(store, [*person, decision("other"), touch(), dead_letter(), privacy_receipt("somebody")])

    done = {one.table: one.rows for one in erase_rows(store, SECRET) if one.rows}
    assert done == {"attributions": 1, "revenue": 1, "touches": 1, "privacy_receipts": 1}
    found = store.query("SELECT install_id FROM attributions ORDER BY 1").rows
    assert [str(name)[:7] for (name,) in found] == ["erased-", "other"]
    assert store.query("SELECT sum(amount_micros) FROM revenue").rows == [(5_000_000,)]
    assert sum(one.naming for one in search_rows(store, SECRET)) == 0
    assert sum(one.rows for one in erase_rows(store, SECRET)) == 0
