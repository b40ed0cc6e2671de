"""Rows of decisions repeat what the install and the credited touchpoint said of themselves."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.records import Flag
from streams.stages.journeys.described_columns import described_columns
from tests.worlds.records import click, installed

INSTALL = replace(installed(), described=["Pixel 8", "google_play", "1.9"])
TOUCH = replace(
    click("e1", -5), described=["slot", "farm game", "Wide", "Barn"], flags=Flag.RESTRICTED
)


def test_every_text_reaches_its_column() -> None:
    assert described_columns(INSTALL, TOUCH, is_erased=False) == {
        "app_version": "1", "os_version": "14",
        "device_model": "Pixel 8", "store": "google_play", "install_version": "1.9",
        "sub_site_id": "slot", "keyword": "farm game", "adset_name": "Wide", "ad_name": "Barn",
        "is_restricted": True,
    }  # fmt: skip


def test_an_organic_install_has_its_own_texts_only() -> None:
    columns = described_columns(INSTALL, None, is_erased=False)
    assert columns["store"] == "google_play"
    assert columns.keys().isdisjoint({"keyword", "ad_name"})
    assert not columns["is_restricted"]


def test_an_erasure_takes_the_model_of_the_device() -> None:
    assert described_columns(INSTALL, TOUCH, is_erased=True)["device_model"] == ""
