"""By an id of many people no rows are erased, or given out, whatever is known of the test
device with that id."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.outcomes import PrivacyReceipt, PrivacyRow
from schemas.time import LogMs
from streams.operations.privacy.person import person_of
from streams.store.base import Store
from streams.store.erasure import erase_rows
from streams.store.erasure.waiting_since import waiting_since
from tests.worlds.stores.fact_outcomes import privacy_receipt
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import NOON, touch

pytest.importorskip("chdb")

SECRET = b"a secret of the installation, 32 bytes"
DEVICE = "d:puzzle:9d3c0f9d1f6f4a0e8f5f3c3d1a2b4c5d"
(ASKED,) = (one for one in every_kind() if isinstance(one, PrivacyRow))


def of_device() -> list[PrivacyReceipt]:
    """What matching says of a tablet that many have, and of the test device with the same id."""
    shared = replace(
        privacy_receipt(DEVICE), receipt_id="r1:matching:" + DEVICE, place="matching",
        subject_type="device", result="shared_identity",
    )  # fmt: skip
    sandbox = replace(
        shared, receipt_id="r1:matching:sandbox " + DEVICE, environment="sandbox",
        result="nothing_found",
    )  # fmt: skip
    return [shared, sandbox]


def test_touchpoints_of_a_shared_device_stay_as_they_are(store: Store) -> None:
    put(store, [touch("of-others", 50, device_key=DEVICE, received_at=LogMs(NOON - 1))])
    put(store, of_device())
    before = store.query("SELECT * FROM touches").rows
    list(erase_rows(store, SECRET))
    assert store.query("SELECT * FROM touches").rows == before


def test_only_who_is_named_by_something_else_too_waits(store: Store) -> None:
    put(store, [ASKED, *of_device()])
    assert waiting_since(store)[0] == 0
    put(store, [privacy_receipt("i1")])
    assert waiting_since(store)[0] == 1
    list(erase_rows(store, SECRET))
    assert waiting_since(store)[0] == 0


def test_an_export_names_no_device_that_many_have(store: Store) -> None:
    looked_up = replace(
        privacy_receipt("erased-idfa"), receipt_id="r1:intake:0", place="intake",
        subject_type="idfa", result="looked_up",
    )  # fmt: skip
    keys = [DEVICE.rpartition(":")[2], "own"]
    asked = replace(ASKED, identity_keys=keys)
    put(store, [asked, looked_up, *of_device(), privacy_receipt("i1")])
    person = person_of(store, "r1")
    assert person.identities == ("own",), "by the other one requests of strangers are found"
    assert (person.devices, person.installs) == ((), ("i1",))
    assert [one["result"] for one in person.withheld] == ["shared_identity"]


def test_nor_does_that_of_who_asks_for_access_alone(store: Store) -> None:
    results = zip(of_device(), ("shared", "nothing_found"), strict=True)
    put(store, [replace(ASKED, request_type="access")])
    put(store, [replace(one, place="access", result=result) for one, result in results])
    assert person_of(store, "r1").devices == ()
