"""What the truth file says is what the messages tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import sqrt

import pytest

from schemas.time import DAY_MS
from tests.streams.lab.simulator.simulated import SCENARIO, all_truths, rows


def test_there_is_one_truth_for_every_install() -> None:
    installs = [fields["install_id"] for _, fields in rows("install")]
    assert sorted(installs) == sorted(truth.install_id for truth in all_truths())


def test_the_true_touchpoint_was_sent_before_the_install_happened() -> None:
    sent = {fields["touch_id"]: fields for _, fields in rows("touchpoint")}
    caused = [truth for truth in all_truths() if truth.touch_id is not None]
    assert len(caused) > 500
    for truth in caused:
        touch = sent[truth.touch_id or ""]
        assert touch["event_time"] < truth.install_time
        assert (touch["media_source"], touch["campaign_id"], touch["site_id"], touch["app_id"]) == (
            truth.media_source,
            truth.campaign_id,
            truth.site_id,
            truth.app_id,
        )


def test_about_35_percent_of_installs_are_organic() -> None:
    organic = [truth for truth in all_truths() if truth.media_source is None]
    assert all(truth.touch_id is None and truth.campaign_id is None for truth in organic)
    assert len(organic) / len(all_truths()) == pytest.approx(0.35, abs=0.05)


def test_about_21_percent_of_touchpoints_are_of_people_who_install() -> None:
    # 20 % before uncounted messages took the place of other people's touchpoints.
    ours = sum("-c" in fields["touch_id"] for _, fields in rows("touchpoint"))
    assert ours / len(rows("touchpoint")) == pytest.approx(0.21, abs=0.01)


@pytest.mark.parametrize("name", ["payer_probability_d7", "payer_probability_d7_at_install"])
def test_as_many_pay_as_the_true_probabilities_say(name: str) -> None:
    chances = [float(getattr(truth, name)) for truth in all_truths()]
    paid = sum(truth.paid_within_d7 for truth in all_truths())
    spread = sqrt(sum(p * (1 - p) for p in chances)) + sqrt(len(chances)) * 0.1
    assert abs(paid - sum(chances)) < 3.5 * spread
    assert 0.05 < sum(chances) / len(chances) < 0.25


def test_media_sources_differ_in_true_quality() -> None:
    chances = defaultdict(list)
    for truth in all_truths():
        chances[truth.media_source].append(truth.payer_probability_d7)
    means = [sum(values) / len(values) for values in chances.values()]
    assert len(means) == 7
    assert max(means) > 2 * min(means)


def account_owners() -> dict[str, list[str]]:
    """Installs by the accounts they linked."""
    owners: dict[str, list[str]] = defaultdict(list)
    for kind in ("install", "session", "in_app_event"):
        for _, fields in rows(kind):
            account = fields.get("customer_user_id")
            if account and fields["install_id"] not in owners[account]:
                owners[account].append(fields["install_id"])
    return owners


def test_paid_within_7_days_is_what_purchases_of_that_install_show() -> None:
    opened = {truth.install_id: truth.install_time for truth in all_truths()}
    owners = account_owners()
    paid: set[str] = set()
    unclear: set[str] = set()
    for kind in ("purchase", "subscription"):
        for _, fields in rows(kind):
            linked = owners.get(fields.get("customer_user_id", ""), [])
            payers = [fields["install_id"]] if "install_id" in fields else linked
            unclear.update(payers if len(payers) != 1 else [])
            for payer in payers:
                if fields["event_time"] - opened[payer] <= 7 * DAY_MS:
                    paid.add(payer)
    for truth in all_truths():
        if truth.install_id not in unclear and truth.paid_within_d7:
            assert truth.install_id in paid
    unexpected = paid - unclear - {t.install_id for t in all_truths() if t.paid_within_d7}
    assert not unexpected


def test_lifetime_values_add_up_to_all_money_but_that_of_strangers() -> None:
    values: Counter[str] = Counter()
    for truth in all_truths():
        values.update(truth.lifetime_value_micros)
    money: Counter[str] = Counter()
    for kind in ("purchase", "subscription", "refund", "ad_revenue"):
        for _, fields in rows(kind):
            if not fields.get("customer_user_id", "").startswith("guest-"):
                money[fields["currency"]] += fields["amount_micros"]
    assert values == money
    assert len(values) >= 5


def test_few_installs_bring_most_of_the_money() -> None:
    values = sorted(truth.lifetime_value_micros.get("USD", 0) for truth in all_truths())
    top = values[-len(values) // 20 :]
    assert sum(top) > sum(values) / 2


def test_fraudulent_clicks_claim_installs_they_did_not_cause() -> None:
    sent = {fields["touch_id"]: fields for _, fields in rows("touchpoint")}
    opened = {fields["install_id"]: fields for _, fields in rows("install")}
    kinds = Counter(truth.fraud for truth in all_truths())
    assert kinds["click_injection"] > 5
    assert kinds["click_flooding"] > 5
    for truth in all_truths():
        assert (truth.fraud is None) == (truth.fraud_touch_id is None)
        if truth.fraud_touch_id is None:
            continue
        click, install = sent[truth.fraud_touch_id], opened[truth.install_id]
        assert truth.fraud_touch_id != truth.touch_id
        assert click["touch_type"] == "click"
        assert click["gaid"] == install["gaid"]
        assert SCENARIO.start_ms <= click["event_time"] < install["event_time"]
        if truth.fraud == "click_injection":
            assert click["event_time"] > install["install_begin_time_server_s"] * 1000 + 5_000
