"""Requests of people through all stages: opted out, opted in again, forgotten, come back, and
requests that are wrong in every way that producers get them wrong.

Each story is an app of its own, in one replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from schemas.time import DAY_MS, HOUR_MS
from streams.cli.command_line import headwater
from streams.kafka.kcat import KcatRecord, read_records
from streams.operations.privacy import run_erasure
from streams.settings import Settings, read_settings
from streams.wiring.store import open_store
from tests.field.test_dumps_and_money import START, Rows, event, replayed, written

pytest.importorskip("chdb")

CASES = Path(__file__).parent / "cases"
DECIDED = (
    "SELECT install_id, conversion_type, media_source, prior_install_id, basis, refused,"
    " forbidden_uses FROM v_attributions WHERE app_id = {app} ORDER BY install_id"
)
SCORED = (
    "SELECT install_id, arraySort(groupArray(landmark)) FROM predictions WHERE app_id = {app}"
    " AND target = 'payer' GROUP BY install_id ORDER BY install_id"
)
TOUCHED = "SELECT event_id, device_key != '' FROM touches WHERE app_id = {app} ORDER BY event_id"
RECEIPTS = (
    "SELECT subject_request_id, place, subject_type, result FROM privacy_receipts"
    " WHERE app_id = {app} AND environment = 'production' ORDER BY place, receipt_id"
)
GAID, OTHER_GAID = "aaaaaaaa-1111-4222-8333-444444444444", "bbbbbbbb-1111-4222-8333-444444444444"
IDFV = "cccccccc-1111-4222-8333-444444444444"
SHARED = "dddddddd-1111-4222-8333-444444444444"
FAMILY = "eeeeeeee-1111-4222-8333-444444444444"


class World(NamedTuple):
    """What the replay stored, and what `verify` says of the wrong requests before `run`."""

    settings: Settings
    folder: Path
    parked: int
    verified: dict[str, tuple[int, str]]

    def ask(self, query: str, app: str) -> Rows:
        store = open_store(self.settings)
        try:
            return [tuple(row) for row in store.query(query, {"app": app}).rows]
        finally:
            store.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("requests")
    tick = event("installs", "install", START + 90 * DAY_MS, event_id="x", install_id="t")
    log = [
        *case("opted-out-is-tracked"),
        *case("erased-comes-back"),
        *(in_app("story", one) for one in story(START + DAY_MS)),
        *(in_app("wrong", one) for one in wrong(START + 7 * DAY_MS)),
        in_app("tick", tick),
    ]
    report, _ = replayed(folder, written(folder, log))
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    names = ("plain", "shared", "strangers", "hashed")
    before = {name: verified(folder, name) for name in names}
    run_erasure(settings, lambda _: None)
    return World(settings, folder, report.accounting.parked, before)


def case(name: str) -> Iterator[KcatRecord]:
    """A case of the fault reports, as an app of its own."""
    for record in read_records([CASES / f"{name}.jsonl"]):
        yield in_app(name, record)


def in_app(app: str, record: KcatRecord) -> KcatRecord:
    return changed(record, app_id=app)


def changed(record: KcatRecord, **fields: Any) -> KcatRecord:
    """The same message with other fields; None leaves one out."""
    content = json.loads(record.value or b"") | fields
    kept = {name: value for name, value in content.items() if value is not None}
    return record._replace(value=json.dumps(kept).encode())


def test_who_opted_out_is_tracked_by_nothing(world: World) -> None:
    app = "opted-out-is-tracked"
    refused = [
        "att_denied", "limited_tracking", "data_usage", "ads_personalization", "ad_storage",
        "opt_out",
    ]  # fmt: skip
    uses = ["advertising_id", "vendor_id", "probabilistic", "prediction"]
    assert world.ask(DECIDED, app) == [
        ("opted-out", "install", "organic", "", "none", refused, uses)
    ]
    assert world.ask(SCORED, app) == []
    assert world.ask(TOUCHED, app) == [("t5", False)]
    assert world.ask(RECEIPTS, app) == [
        ("rq-2", "intake", "gaid", "looked_up"),
        ("rq-2", "journeys", "install_id", "noted"),
        ("rq-2", "matching", "device", "noted"),
    ]


def test_an_erased_person_does_not_come_back(world: World) -> None:
    app = "erased-comes-back"
    (erased, later) = sorted(world.ask(DECIDED, app), key=lambda row: row[0].startswith("months"))
    assert erased[0].startswith("erased-")
    assert erased[0] != "erased-install"
    assert erased[1:] == ("install", "m", "", "device_id", [], [])
    assert later == ("months-later", "install", "organic", "", "none", [], [])
    (before, after) = sorted(world.ask(TOUCHED, app), key=lambda row: row[0] == "t2")
    assert before[0].startswith("erased-")
    assert after == ("t2", True)


def click(name: str, at: int, **fields: Any) -> KcatRecord:
    named = {"touch_type": "click", "touch_id": name, "media_source": f"net-{name}"}
    return event("touchpoints", "touchpoint", at, event_id=name, **named, **fields)


def opened(name: str, at: int, **fields: Any) -> KcatRecord:
    return event("installs", "install", at, event_id=f"e-{name}", install_id=name, **fields)


def request(name: str, at: int, request_type: str = "opt_out", **identity: str) -> KcatRecord:
    identities = [
        {"identity_type": kind, "identity_value": value} for kind, value in identity.items()
    ]
    return event(
        "privacy-requests", "privacy_request", at, event_id=f"e-{name}-{at}",
        subject_request_id=name, request_type=request_type, identities=identities,
        submitted_time=at,
    )  # fmt: skip


def story(day: int) -> list[KcatRecord]:
    """By device, vendor, click and referrer; by account and install id; and in again."""
    return [
        request("device", day - DAY_MS, gaid=GAID),
        request("account", day - DAY_MS, customer_user_id="user"),
        *(click(f"c{n}", day, gaid=GAID) for n in range(3)),
        click("c4", day, gaid=OTHER_GAID),
        click("c5", day, idfv=IDFV),
        opened("by-device", day + HOUR_MS, gaid=GAID),
        opened("by-click", day + 9 * HOUR_MS, gaid=GAID, click_id="c1"),
        opened("by-referrer", day + 17 * HOUR_MS, gaid=GAID, install_referrer="gclid=c2"),
        opened("of-another", day + HOUR_MS, gaid=OTHER_GAID),
        opened("of-account", day + 25 * HOUR_MS, gaid=OTHER_GAID, customer_user_id="user"),
        opened("by-vendor", day + HOUR_MS, idfv=IDFV),
        request("vendor", day + 2 * DAY_MS, install_id="by-vendor"),
        request("back", day + 3 * DAY_MS, "opt_in", gaid=GAID),
        click("c6", day + 4 * DAY_MS, gaid=GAID, is_retargeting=True),
        opened("again", day + 5 * DAY_MS, gaid=GAID),
    ]


def test_an_opt_out_takes_away_what_its_table_forbids_and_nothing_else(world: World) -> None:
    out, uses = ["opt_out"], ["advertising_id", "probabilistic", "prediction"]
    assert {row[0]: row[1:] for row in world.ask(DECIDED, "story")} == {
        "by-device": ("install", "organic", "", "none", [], []),
        "by-click": ("install", "net-c1", "", "click_id", [], []),
        "by-referrer": ("install", "net-c2", "", "store_referrer", [], []),
        "of-another": ("install", "net-c4", "", "device_id", [], []),
        "of-account": ("install", "organic", "", "none", out, uses),
        "by-vendor": ("install", "net-c5", "", "vendor_id", out, uses),
        "again": ("reattribution", "net-c6", "by-referrer", "device_id", [], []),
    }
    all_landmarks = ["1d", "1h", "3d", "6h", "7d", "install"]
    assert world.ask(SCORED, "story") == [
        ("again", all_landmarks),
        ("by-vendor", ["1d", "1h", "6h", "install"]),  # The person opts out on the second day.
        ("of-another", all_landmarks),
    ]


def wrong_requests(at: int) -> list[KcatRecord]:
    def erasure(name: str, **identity: str) -> KcatRecord:
        return request(name, at, "erasure", **identity)

    def one(number: int) -> dict[str, str]:
        return {"identity_type": "gaid", "identity_value": f"{number:08x}-1111-4222-8333-44444444"}

    plain = erasure("plain", gaid=GAID)
    return [
        plain,
        plain._replace(timestamp_ms=at + 9),  # sent again
        request("already", at + 10, "erasure", gaid=GAID),
        erasure("family", gaid=FAMILY),
        erasure("shared", gaid=SHARED),
        erasure("guests", customer_user_id="a-shop"),
        erasure("strangers", gaid=OTHER_GAID),
        erasure("odd-form", gaid="no-uuid"),
        changed(erasure("hashed", email="x"), identities=[
            {"identity_type": "email", "identity_value": "ab" * 32, "identity_format": "sha256"}
        ]),
        changed(erasure("odd-type", gaid=GAID), request_type="forget"),
        changed(erasure("nobody", gaid=GAID), identities=[]),
        changed(erasure("no-list", gaid=GAID), identities=None),
        changed(erasure("zeros", gaid=GAID), identities=[{**one(0), "identity_value": "0" * 32}]),
        changed(erasure("other-kind", gaid=GAID), identities=[{**one(0), "identity_type": "ip"}]),
        changed(erasure("micros", gaid=GAID), submitted_time=at * 1_000),
        changed(erasure("seconds", gaid=GAID), submitted_time=at // 1_000),
        changed(erasure("ahead", gaid=GAID), event_time=at + 9 * DAY_MS),
        changed(erasure("behind", gaid=GAID), event_time=1),
        changed(erasure("ten-thousand", gaid=GAID), identities=[one(n) for n in range(10_000)]),
        changed(erasure("anonymous", gaid=GAID), subject_request_id=None, identities=[]),
    ]  # fmt: skip


def wrong(week: int) -> list[KcatRecord]:
    return [
        opened("person", START, gaid=GAID),
        opened("mother", START, gaid=FAMILY),
        opened("child", START + DAY_MS, gaid=FAMILY),
        *(opened(f"tester-{n}", START + n * HOUR_MS, gaid=SHARED) for n in range(30)),
        *(opened(f"buyer-{n}", START + n, customer_user_id="a-shop") for n in range(30)),
        *wrong_requests(week),
    ]


def test_every_wrong_request_has_an_outcome_and_reaches_nobody_else(world: World) -> None:
    assert world.verified == {
        "plain": (1, "waiting"),
        "shared": (1, "not_matched"),
        "strangers": (0, "found_nobody"),
        "hashed": (1, "not_matched"),
    }
    after = {name: verified(world.folder, name) for name in ("plain", "micros")}
    assert after == {"plain": (0, "erased"), "micros": (1, "refused")}
    assert dict(world.ask(RESULTS, "wrong")) == OUTCOMES
    left = world.ask(LEFT, "wrong")
    others = [*(f"buyer-{n}" for n in range(30)), *(f"tester-{n}" for n in range(30))]
    assert [row[0] for row in left] == sorted(others)


RESULTS = (
    "SELECT subject_request_id, arraySort(groupUniqArray(toString(result))) FROM privacy_receipts"
    " WHERE app_id = {app} AND environment = 'production' GROUP BY 1"
)
LEFT = (
    "SELECT install_id FROM v_attributions WHERE NOT startsWith(install_id, 'erased-')"
    " AND app_id = {app} ORDER BY install_id"
)


def verified(folder: Path, name: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        headwater, ["privacy", "verify", name, "--json", "--data", str(folder)],
        standalone_mode=False,
    )  # fmt: skip
    assert done.exception is None, done.exception
    return done.return_value or 0, json.loads(done.stdout)["verdict"]


REFUSED = (
    "odd-type", "nobody", "no-list", "zeros", "other-kind", "micros", "seconds", "ahead", "behind",
    "ten-thousand",
)  # fmt: skip
OUTCOMES = {
    "plain": ["already_erased", "found", "looked_up"],  # It was sent twice.
    "already": ["already_erased", "found", "looked_up"],
    "family": ["found", "looked_up"],
    "shared": ["looked_up", "shared_identity"],
    "guests": ["looked_up", "shared_identity"],
    "strangers": ["looked_up", "nothing_found"],
    "odd-form": ["looked_up", "nothing_found"],
    "hashed": ["cannot_be_matched"],
} | {name: ["refused"] for name in REFUSED}
