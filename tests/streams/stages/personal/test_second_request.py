"""Two requests to be forgotten that are logged in the same millisecond."""

from __future__ import annotations

from attribution.journey import Journey
from schemas.records import Erased
from streams.stages.common.erasure import install_receipt
from tests.worlds.clock import logged_at
from tests.worlds.records import installed

AT = logged_at(5)


def test_each_of_two_requests_has_a_receipt_of_the_install_and_a_copy_by_another_key_has_none() -> (
    None
):
    known = Journey(install=installed(0), erased_ts=AT, erased_by="r1")
    assert install_receipt(Erased("i1", "r1", AT, "app"), known, 0) is None
    receipt = install_receipt(Erased("i1", "r2", AT, "app"), known, 0)
    assert receipt
    assert (receipt.subject_request_id, receipt.result) == ("r2", "already_erased")
