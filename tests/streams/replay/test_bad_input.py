"""Bad input has a defined outcome and a reason code; nothing is silently clipped.

Everything below is sent once, through all stages and into a store, and then asked after.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules
from schemas.file_error import FileError
from streams.kafka.kcat import KcatRecord, record_line
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import Settings, read_settings
from streams.store.base import Store
from streams.wiring.store import open_store
from tests.worlds.clock import DAY, HOUR, NOON, at
from tests.worlds.postback_world import HEADER, PAYLOAD, VERSION_4_0, enveloped, jws, signed

Sent = list[KcatRecord]
SECRETS = '{"signing": "a secret"}'


def send(
    topic: str, kind: str, minutes: float, /, *, ts: float | None = None, **message: Any
) -> Sent:
    """One event: when it happened and, if that is another time, when it was logged."""
    number = next(_NUMBERS)
    common = {"schema_version": 1, "event_id": f"e{number}", "app_id": "app", "type": kind}
    value = orjson.dumps({**common, "event_time": at(minutes), **message})
    return [KcatRecord(topic, 0, None, at(minutes if ts is None else ts), b"key", value)]


_NUMBERS: Iterator[int] = iter(range(10_000))


def clicked(minutes: float, touch_id: str, source: str = "north", **message: Any) -> Sent:
    touch = {"touch_type": "click", "touch_id": touch_id, "media_source": source}
    return send("touchpoints", "touchpoint", minutes, **(touch | message))


def opened(install_id: str, **message: Any) -> Sent:
    return send("installs", "install", 0, install_id=install_id, **message)


def paid(name: str, currency: str = "USD", micros: int = 5_000_000) -> Sent:
    return send(
        "payments", "purchase", 10, install_id="payer", transaction_id=name, currency=currency,
        amount_micros=micros,
    )  # fmt: skip


def refunded(name: str, micros: int, currency: str = "USD", minutes: float = 20) -> Sent:
    return send(
        "payments", "refund", minutes, transaction_id=name, refund_id="r", currency=currency,
        amount_micros=micros,
    )  # fmt: skip


def seconds(minutes: float) -> int:
    return at(minutes) // 1_000


TRAFFIC: Sent = [
    # A referrer that lies about time.
    *clicked(-3 * HOUR, "lied about"),
    *opened(
        "liar",
        install_referrer="click_id=lied%20about",
        install_begin_time_server_s=seconds(-5),
        referrer_click_time_server_s=seconds(-10),
    ),
    *clicked(-3 * HOUR, "too late to begin"),
    *opened(
        "backwards",
        install_referrer="click_id=too%20late%20to%20begin",
        install_begin_time_server_s=seconds(5),
        referrer_click_time_server_s=seconds(-3 * HOUR),
    ),
    *clicked(-20, "referred"),
    *opened(
        "hasty",
        install_referrer="click_id=referred",
        install_begin_time_server_s=seconds(-21),
        referrer_click_time_server_s=seconds(-20),
    ),
    # A click in the future of its install.
    *clicked(HOUR, "from the future", ts=-1),
    *opened("early", click_id="from the future"),
    # The same click id from two sources.
    *clicked(-50, "claimed", "north"),
    *clicked(-40, "claimed", "south"),
    *opened("twice", click_id="claimed"),
    # Events that are not signed, or were signed long ago, where a secret is configured.
    *clicked(-30, "unsigned", "signing"),
    *opened("unsigned", click_id="unsigned"),
    # Money.
    *opened("payer"),
    *paid("bought"),
    *refunded("bought", -7_000_000),
    *refunded("never bought", -1_000_000),
    *refunded("not bought yet", -1_000_000, minutes=8 * DAY),
    *refunded("not bought either", -1_000_000, minutes=8 * DAY),
    *refunded("not bought either", -2_000_000, minutes=8 * DAY + 1),
    *paid("abroad", currency="SEK"),
    *paid("in euro", currency="EUR"),
    *refunded("in euro", -5_000_000, currency="USD"),
    # Apple's postbacks.
    *send("postbacks", "aak_postback", 30, body=enveloped(jws(PAYLOAD, HEADER | {"alg": "none"}))),
    *send("postbacks", "aak_postback", 31, body=enveloped(jws(PAYLOAD, HEADER | {"kid": "me"}))),
    *send("postbacks", "skan_postback", 32, body=orjson.dumps(signed(VERSION_4_0)).decode()),
    *send("postbacks", "skan_postback", 33, body="{"),
    # What cannot be read at all, and what cannot be true.
    KcatRecord("installs", 0, None, NOON, b"key", b"{"),
    *send("installs", "install", 3 * DAY, ts=0, install_id="tomorrow"),
    # And log time goes on, so that payments whose install never comes expire.
    *send("activity", "session", 9 * DAY, install_id="payer", session_id="s"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("bad input")
    settings = _settings(folder)
    file = folder / "traffic.jsonl"
    in_order = sorted(TRAFFIC, key=lambda one: one.timestamp_ms or 0)
    file.write_bytes(b"".join(map(record_line, in_order)))
    report = run_replay(settings, [file], 100, ignore_progress, is_into=False)
    assert report.accounting.reconciled
    opened_store = open_store(settings)
    yield opened_store
    opened_store.close()


def _settings(folder: Path) -> Settings:
    variables = {"DATA": str(folder), "SIGNATURE_SECRETS": SECRETS, "DEAD_LETTER_SHARE": "1"}
    return read_settings({f"HEADWATER_{name}": value for name, value in variables.items()})


def asked(store: Store, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.query(query).rows]


def verdicts(store: Store, install_id: str) -> list[tuple[Any, ...]]:
    """Reason, mode, and who has the credit."""
    return asked(
        store,
        "SELECT DISTINCT reason, mode, media_source, real_source FROM fraud_verdicts"
        f" WHERE install_id = '{install_id}' ORDER BY reason, mode",
    )


def receipts(store: Store, install_id: str) -> dict[str, str]:
    (row,) = asked(
        store, f"SELECT candidates FROM v_attributions WHERE install_id = '{install_id}'"
    )
    return {one["touch_id"]: one["rule"] for one in orjson.loads(row[0])}


def issues(store: Store, reason: str) -> list[tuple[Any, ...]]:
    return asked(
        store,
        "SELECT money_id, detail, toString(amount), currency FROM v_money_issues"
        f" WHERE reason = '{reason}' ORDER BY money_id, detail",
    )


# --- time that cannot be --------------------------------------------------------------------------


def test_a_referrer_that_lies_about_time_is_told_so_and_the_recorded_time_counts(
    store: Store,
) -> None:
    assert verdicts(store, "liar") == [("referrer_time_mismatch", "tag", "north", "north")]
    ((ctit, status),) = asked(
        store, "SELECT ctit_s, fraud_status FROM v_attributions WHERE install_id = 'liar'"
    )
    assert (ctit, status) == (3 * 3_600, "tag")


def test_a_download_that_begins_after_the_first_open_is_an_impossible_order(store: Store) -> None:
    assert verdicts(store, "backwards") == [("impossible_order", "tag", "north", "north")]


def test_a_referrer_clicked_after_the_download_began_is_an_impossible_order(store: Store) -> None:
    found = verdicts(store, "hasty")
    assert ("impossible_order", "tag") in [one[:2] for one in found]
    assert ("engagement_injection", "reject") in [one[:2] for one in found]


def test_a_click_that_the_install_names_is_not_younger_than_it(
    store: Store,
) -> None:
    assert receipts(store, "early") == {"from the future": "last_touch"}


def test_an_install_from_the_day_after_tomorrow_happened_when_it_was_logged(store: Store) -> None:
    corrected = asked(
        store,
        "SELECT toUnixTimestamp64Milli(install_time), toUnixTimestamp64Milli(reported_time),"
        " time_correction FROM v_attributions WHERE install_id = 'tomorrow'",
    )
    assert corrected == [(at(0), at(3 * DAY), "ahead_of_log")]
    assert asked(store, "SELECT reason FROM dead_letters") == [("malformed_json",)]


# --- claims ---------------------------------------------------------------------------------------


def test_a_click_id_that_two_sources_claim_belongs_to_the_first_to_have_said_it(
    store: Store,
) -> None:
    assert verdicts(store, "twice") == [("duplicate_click_id", "reject", "south", "north")]
    ((source, rejected, reason),) = asked(
        store,
        "SELECT media_source, rejected_media_source, rejected_reason FROM v_attributions"
        " WHERE install_id = 'twice'",
    )
    assert (source, rejected, reason) == ("north", "south", "duplicate_click_id")


def test_a_click_that_ought_to_be_signed_and_is_not_gets_no_credit(store: Store) -> None:
    assert receipts(store, "unsigned") == {"unsigned": "incorrect_signature"}
    assert verdicts(store, "unsigned") == [("incorrect_signature", "reject", "signing", "organic")]


# --- money ----------------------------------------------------------------------------------------


def test_a_refund_without_its_purchase_waits_and_then_expires(store: Store) -> None:
    states = asked(
        store,
        "SELECT subject_id, state, waits_for FROM parked WHERE kind = 'refund'"
        " ORDER BY subject_id, state",
    )
    assert states == [
        ("refund app:never bought:r", "expired", "purchase"),
        ("refund app:never bought:r", "parked", "purchase"),
        ("refund app:not bought either:r", "parked", "purchase"),
        ("refund app:not bought either:r", "parked", "purchase"),
        ("refund app:not bought yet:r", "parked", "purchase"),
    ]


def test_a_refund_without_its_purchase_is_reported_and_not_counted(store: Store) -> None:
    assert issues(store, "refund_without_purchase") == [
        ("refund app:never bought:r", "expired", "-1", "USD"),
        ("refund app:not bought either:r", "parked", "-1", "USD"),
        ("refund app:not bought either:r", "parked", "-2", "USD"),
        ("refund app:not bought yet:r", "parked", "-1", "USD"),
    ]
    counted = asked(store, "SELECT count() FROM revenue WHERE transaction_id LIKE '%not bought%'")
    assert counted == [(0,)]


def test_a_refund_larger_than_its_purchase_takes_back_all_of_it(
    store: Store,
) -> None:
    assert issues(store, "refund_exceeds_purchase") == [("app:bought", "refunds of 7", "5", "USD")]
    booked = asked(store, "SELECT sum(amount_micros) FROM revenue WHERE transaction_id = 'bought'")
    assert booked == [(0,)]


def test_a_refund_in_another_currency_than_its_purchase_is_reported(store: Store) -> None:
    assert issues(store, "refund_currency_differs") == [
        ("refund app:in euro:r", "purchase in EUR", "-5", "USD")
    ]


def test_money_without_a_rate_keeps_its_amount_and_is_reported(store: Store) -> None:
    named = {one[0]: one[2:] for one in issues(store, "no_rate")}
    assert named == {"app:abroad": ("5", "SEK"), "app:in euro": ("5", "EUR")}
    (amounts,) = asked(
        store,
        "SELECT toString(amount), currency, amount_usd, unconverted FROM v_revenue"
        " WHERE transaction_id = 'abroad'",
    )
    assert amounts == ("5", "SEK", None, "no_rate")


# --- postbacks ------------------------------------------------------------------------------------


def test_a_postback_with_another_algorithm_or_an_unknown_key_is_kept_and_not_counted(
    store: Store,
) -> None:
    kept = asked(
        store,
        "SELECT framework, signature_state, signature_reason FROM postback_rows"
        " ORDER BY event_time",
    )
    assert kept == [
        ("adattributionkit", "unverifiable", "wrong_algorithm"),
        ("adattributionkit", "unverifiable", "unknown_key"),
        ("skadnetwork", "invalid", "bad_signature"),
        ("skadnetwork", "invalid", "malformed_body"),
    ]
    counted = asked(
        store, "SELECT sum(postbacks), sum(invalid), sum(unverifiable) FROM v_postbacks_daily"
    )
    assert counted == [(0, 2, 2)]


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[windows]\nclick = "-1d"', "windows.click: -1d is out of range; allowed: 1ms to 30d"),
        (
            '[[scope]]\napp_id = "a"\nuntil = 2026-02-01T00:00:00Z\n'
            '[[scope]]\napp_id = "a"\nfrom = 2026-01-01T00:00:00Z',
            "scope[1]: it overlaps scope[0]: same selectors at the same time",
        ),
    ],
)
def test_a_rule_file_with_negative_or_overlapping_windows_is_refused(
    text: str, expected: str
) -> None:
    with pytest.raises(FileError) as refused:
        read_rules(text, Rules())
    assert str(refused.value) == expected


def test_every_message_is_accounted_for(store: Store) -> None:
    fates = dict(asked(store, "SELECT disposition, count() FROM v_accounting GROUP BY disposition"))
    assert sum(fates.values()) == len(TRAFFIC)
    assert fates["dead_lettered"] == 1
    assert fates["expired"] == 1
    assert fates["parked"] == 3
