"""What is stored about an id, found by any name it has, in a shape others can rely on."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import json

from schemas.time import DAY_MS
from streams.operations.explain.explanation import Explanation, explain_id
from streams.settings import Settings, read_settings
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, decision, touch

pytest.importorskip("chdb")

RECEIPT = [
    {"touch_id": "click-e1", "event_id": "e1", "verdict": "credited", "rule": "last_touch"},
    {"touch_id": "click-e2", "event_id": "e2", "verdict": "outranked", "rule": "later_touch"},
]
PHONE = "5f0c1a52-7d0e-4f6b-9a53-2d1c7f1b8e10"
CANDIDATES = json.encode(RECEIPT).decode()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("data")
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    store = migrated_store(settings.folders.store)
    back = {
        "conversion_id": "i1~e9",
        "attribution_id": "i1~e9:1",
        "conversion_type": "reengagement",
        "status": "reengaged",
        "conversion_time": NOON + 9 * DAY_MS,
        "touch_id": "click-e9",
    }
    put(
        store,
        [
            decision("i1", 2, candidates=CANDIDATES, rule_set="second", model_version="pairs-1"),
            decision("i1", 1, status="organic", touch_id="", media_source="organic"),
            decision("i1", 1, **back),
            decision("i2", 1, touch_id="click-e5"),
            decision(PHONE, 1, touch_id="click-e7"),
            touch("e2", offset=7),
        ],
    )
    store.close()
    return settings


def explained(settings: Settings, identifier: str) -> Explanation:
    return explain_id(settings, identifier)


def test_versions_stand_at_the_top_in_order_with_their_receipts(settings: Settings) -> None:
    versions = explained(settings, "i1").as_json()["versions"]
    assert [(one["conversion_id"], one["version"], one["supersedes"]) for one in versions] == [
        ("i1", 1, 0),
        ("i1", 2, 1),
        ("i1~e9", 1, 0),
    ]
    second = versions[1]
    assert second["candidates"] == RECEIPT
    assert (second["reason"], second["rule_set"], second["model_version"]) == (
        "late_touchpoint",
        "second",
        "pairs-1",
    )
    assert second["decision"]["media_source"] == "alpha"
    assert second["decision"]["conversion_type"] == "install"
    assert "candidates" not in second["decision"]


def test_a_reengagement_leads_to_its_install_with_all_versions(settings: Settings) -> None:
    assert explained(settings, "i1~e9").installs == explained(settings, "i1").installs


def test_the_event_that_told_an_install_leads_to_it(settings: Settings) -> None:
    assert explained(settings, "i2-e").installs == explained(settings, "i2").installs


@pytest.mark.parametrize("identifier", ["click-e1", "e1", "click-e2", "e2", "click-e9"])
def test_a_touchpoint_leads_to_installs_that_considered_it(
    settings: Settings, identifier: str
) -> None:
    found = explained(settings, identifier)
    assert [install["install_id"] for install in found.installs] == ["i1"]


def test_words_of_a_receipt_are_no_ids(settings: Settings) -> None:
    assert not explained(settings, "credited").is_known
    assert explained(settings, "credited").as_json()["versions"] == []


def test_a_uuid_is_found_however_it_is_written(settings: Settings) -> None:
    for form in (PHONE.upper(), PHONE.replace("-", ""), f"{{{PHONE}}}"):
        explanation = explained(settings, form)
        assert [one["install_id"] for one in explanation.installs] == [PHONE]
        assert explanation.as_json()["id"] == form
    assert not explained(settings, "I1").is_known
