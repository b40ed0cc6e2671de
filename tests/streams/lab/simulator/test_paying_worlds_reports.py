"""What of a paying world reaches the log, and when."""

from __future__ import annotations

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    NEVER_PAYS,
    PayingWorld,
    PaymentReports,
    logged_activity,
    make_paying_world,
    report_payments,
)

INSTALLS = 4_000


def reported(disturbance: str) -> tuple[PayingWorld, PaymentReports]:
    world = make_paying_world("frailty", disturbance, 4, INSTALLS)
    return world, report_payments(world, 4)


def test_every_payer_is_reported_once_and_seconds_after_paying() -> None:
    world, reports = reported("steady")
    payers = np.flatnonzero(world.lives.paid_ms != NEVER_PAYS)
    logged_at = world.people.time[reports.install] + reports.logged_ms

    assert sorted(reports.install.tolist()) == payers.tolist()
    assert (reports.paid_ms == world.lives.paid_ms[reports.install]).all()
    assert (reports.logged_ms - reports.paid_ms).max() < MINUTE_MS
    assert (np.diff(logged_at) >= 0).all()


def test_duplicates_carry_the_id_of_the_payment_that_they_repeat() -> None:
    _, usual = reported("steady")
    _, reports = reported("duplicate_payments")
    _, first = np.unique(reports.payment, return_index=True)

    assert len(reports.payment) > len(first) == len(usual.payment)
    paid = dict(zip(usual.payment.tolist(), usual.paid_ms.tolist(), strict=True))
    assert [paid[one] for one in reports.payment.tolist()] == reports.paid_ms.tolist()


def test_payments_in_an_outage_are_logged_when_it_is_over() -> None:
    world, reports = reported("label_outage")
    logged_at = world.people.time[reports.install] + reports.logged_ms
    paid_at = world.people.time[reports.install] + reports.paid_ms
    is_out = (paid_at >= BEGIN_MS) & (paid_at < BEGIN_MS + 2 * DAY_MS)

    assert is_out.any()
    assert (logged_at[is_out] >= BEGIN_MS + 2 * DAY_MS).all()
    assert not ((logged_at >= BEGIN_MS) & (logged_at < BEGIN_MS + 2 * DAY_MS)).any()


def test_late_ones_are_minutes_to_two_days_late() -> None:
    world, reports = reported("late_events")
    delay = reports.logged_ms - reports.paid_ms
    is_after = world.people.time[reports.install] + reports.paid_ms >= BEGIN_MS
    is_late = delay >= 2 * MINUTE_MS

    assert not is_late[~is_after].any()
    assert 0.05 < is_late[is_after].mean() < 0.17
    assert delay.max() <= 2 * DAY_MS


def test_late_activity_is_seen_in_the_next_bucket_and_none_is_lost_before_the_last() -> None:
    world, _ = reported("late_events")
    seen, done = logged_activity(world, 4), world.lives
    is_before = world.people.time < BEGIN_MS - 7 * DAY_MS

    assert (seen.sessions == done.sessions)[is_before].all()
    assert (seen.sessions != done.sessions).any()
    assert (seen.sessions >= 0).all()
    assert (np.cumsum(seen.sessions, axis=1) <= np.cumsum(done.sessions, axis=1)).all()


def test_poisoned_payments_have_no_payer_behind_them() -> None:
    world, reports = reported("poisoned_labels")
    is_fake = reports.payment >= INSTALLS
    paid_at = world.people.time[reports.install] + reports.paid_ms

    assert is_fake.sum() > 20
    assert (paid_at[is_fake] >= BEGIN_MS).all()
    assert (paid_at[is_fake] < BEGIN_MS + 6 * HOUR_MS).all()
    assert (reports.paid_ms[is_fake] < 7 * DAY_MS).all()
