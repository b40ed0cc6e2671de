"""The answers to the thirty questions, each worked out from the log as a person would by hand."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from tests.documents.questions.naive_facts import NaiveFacts, groups, median, sum_of
from tests.documents.questions.question_log import NETWORKS

Answer = Iterator[tuple[Any, ...]]
ANSWERS: dict[int, Callable[[NaiveFacts], Answer]] = {}
CAMPAIGNS = [(network, name) for network, names in NETWORKS.items() for name in names]


def answer(number: int) -> Callable[[Callable[[NaiveFacts], Answer]], Callable[..., Answer]]:
    def keep(work: Callable[[NaiveFacts], Answer]) -> Callable[..., Answer]:
        ANSWERS[number] = work
        return work

    return keep


@answer(1)
def new_users_a_day(facts: NaiveFacts) -> Answer:
    for day, lives in groups(facts.lives, lambda life: life.day).items():
        organic = sum(life.source == "organic" for life in lives)
        yield day, len(lives) - organic, organic


@answer(2)
def new_users_by_campaign(facts: NaiveFacts) -> Answer:
    for key, lives in groups(facts.lives, lambda life: (life.source, life.campaign)).items():
        yield *key, len(lives), len(lives) / len(facts.lives)


@answer(3)
def cost_of_a_new_user(facts: NaiveFacts) -> Answer:
    for source, campaign in CAMPAIGNS:
        cost = facts.cost(media_source=source, campaign_id=campaign)
        own = [one for one in facts.lives if (one.source, one.campaign) == (source, campaign)]
        yield source, campaign, cost, len(own), cost / len(own)


@answer(4)
def cost_of_a_payer(facts: NaiveFacts) -> Answer:
    for source in NETWORKS:
        cost = facts.cost(media_source=source)
        payers = sum(facts.has_paid(life) for life in facts.lives if life.source == source)
        yield source, cost, payers, cost / payers


@answer(5)
def countries(facts: NaiveFacts) -> Answer:
    events = [(life.event["country_code"], life.event["platform"]) for life in facts.lives]
    for key, count in Counter(events).items():
        yield *key, count


@answer(6)
def time_to_install(facts: NaiveFacts) -> Answer:
    for source, lives in groups(facts.lives, lambda life: life.source).items():
        times = [life.ctit_s for life in lives]
        if source != "organic":
            yield source, len(times), median(times), min(times)


@answer(7)
def clicks_that_convert(facts: NaiveFacts) -> Answer:
    for source, clicks in groups(facts.log.of("touchpoint"), lambda c: c["media_source"]).items():
        own = sum(life.source == source for life in facts.lives)
        yield source, len(clicks), own, own / len(clicks)


@answer(8)
def assists(facts: NaiveFacts) -> Answer:
    yield from Counter(source for life in facts.lives for source in life.others).items()


@answer(9)
def sites(facts: NaiveFacts) -> Answer:
    for key, lives in groups(facts.lives, lambda life: (life.source, life.site)).items():
        paying = 0
        for life in lives:
            own = [m.usd for m in facts.moneys if m.life == life and m.kind != "ad_revenue"]
            paying += sum_of(own) > 0
        if key[0] != "organic":
            yield *key, len(lives), paying


@answer(10)
def active_a_day(facts: NaiveFacts) -> Answer:
    for day, pairs in groups(facts.active, lambda pair: pair[1]).items():
        yield day, len({life.key for life, _ in pairs})


@answer(11)
def active_a_month(facts: NaiveFacts) -> Answer:
    for month, pairs in groups(facts.active, lambda pair: pair[1].replace(day=1)).items():
        mau = len({life.key for life, _ in pairs})
        days = calendar.monthrange(month.year, month.month)[1]
        yield month, mau, len(pairs) / mau / days


@answer(12)
def new_and_back(facts: NaiveFacts) -> Answer:
    for day, pairs in groups(facts.active, lambda pair: pair[1]).items():
        new = sum(life.day == day for life, _ in pairs)
        yield day, new, len(pairs) - new


@answer(13)
def retention_by_app(facts: NaiveFacts) -> Answer:
    for day_n in (1, 7, 30):
        for app, lives in groups(facts.mature(day_n), lambda life: life.app).items():
            back = sum(day_n in facts.days_of_life[life.key] for life in lives)
            yield app, day_n, len(lives), back / len(lives)


@answer(14)
def retention_by_network(facts: NaiveFacts) -> Answer:
    for source, lives in groups(facts.mature(7), lambda life: life.source).items():
        back = sum(7 in facts.days_of_life[life.key] for life in lives)
        yield source, len(lives), back / len(lives)


@answer(15)
def days_of_the_first_week(facts: NaiveFacts) -> Answer:
    counts = (sum(day < 7 for day in days) for days in facts.days_of_life.values())
    yield from Counter(count for count in counts if count).items()


@answer(16)
def gone(facts: NaiveFacts) -> Answer:
    newest = max(day for _, day in facts.active)
    latest = {
        key: max(day for _, day in pairs)
        for key, pairs in groups(facts.active, lambda pair: pair[0].key).items()
    }
    for app, keys in groups(latest, lambda key: key[0]).items():
        away = sum(latest[key] < newest - timedelta(14) for key in keys)
        yield app, len(keys), away


@answer(17)
def funnel(facts: NaiveFacts) -> Answer:
    done = _tutorials(facts)
    # Seven days of 24 hours are over for all installs of a day eight days later.
    for app, lives in groups(facts.mature(6), lambda life: life.app).items():
        week = 7 * 86_400
        yield app, "install", len(lives), len(lives)
        yield (
            app,
            "tutorial_complete",
            len(lives),
            sum(done.get(life.key, week) < week for life in lives),
        )
        yield app, "paid", len(lives), sum(_bought_in_a_week(facts, life) for life in lives)


def _bought_in_a_week(facts: NaiveFacts, life: Any) -> bool:
    own = [money for money in facts.moneys if money.life == life and money.kind == "purchase"]
    return any(money.day_of_life < 7 for money in own)


def _tutorials(facts: NaiveFacts) -> dict[Any, int]:
    """Seconds to the first one."""
    found: dict[Any, int] = {}
    for event in facts.log.of("in_app_event"):
        life = facts.life_of(event)
        seconds = event["event_time"] // 1000 - life.at // 1000
        found[life.key] = min(seconds, found.get(life.key, seconds))
    return found


@answer(18)
def tutorial_times(facts: NaiveFacts) -> Answer:
    done = _tutorials(facts)
    for app, keys in groups(done, lambda key: key[0]).items():
        yield app, len(keys), median(done[key] for key in keys)


@answer(19)
def revenue_a_day(facts: NaiveFacts) -> Answer:
    for key, moneys in groups(facts.moneys, lambda money: (money.day, money.kind)).items():
        known = [money.usd for money in moneys if money.usd is not None]
        yield *key, sum_of(known) if known else None


@answer(20)
def revenue_of_the_active(facts: NaiveFacts) -> Answer:
    for day, pairs in groups(facts.active, lambda pair: pair[1]).items():
        dau = len({life.key for life, _ in pairs})
        yield day, dau, sum_of(money.usd for money in facts.moneys if money.day == day) / dau


@answer(21)
def payers_and_what_they_pay(facts: NaiveFacts) -> Answer:
    for source, lives in groups(facts.mature(7), lambda life: life.source).items():
        payers = sum(facts.has_paid(life, 7) for life in lives)
        yield source, payers / len(lives), facts.dollars_by(lives, 7) / payers if payers else None


@answer(22)
def lifetime_value(facts: NaiveFacts) -> Answer:
    month = groups(facts.mature(30), lambda life: life.source)
    for source, lives in groups(facts.mature(7), lambda life: life.source).items():
        old = month[source]
        yield source, facts.dollars_by(lives, 7) / len(lives), facts.dollars_by(old, 30) / len(old)


@answer(23)
def first_purchases(facts: NaiveFacts) -> Answer:
    sales = [money for money in facts.moneys if money.kind == "purchase"]
    firsts = [
        min(own, key=lambda one: one.at) for own in groups(sales, lambda m: m.life.key).values()
    ]
    seconds = [money.at // 1000 - money.life.at // 1000 for money in firsts]
    yield from Counter(second // 86_400 for second in seconds).items()


@answer(24)
def most_of_the_money(facts: NaiveFacts) -> Answer:
    own = groups([m for m in facts.moneys if m.kind != "ad_revenue"], lambda m: m.life.key)
    sums = sorted((sum_of(money.usd for money in one) for one in own.values()), reverse=True)
    sums = [total for total in sums if total > 0]
    yield len(sums), sum(sums[: ceil(len(sums) / 10)]) / sum(sums)


@answer(25)
def buy_again(facts: NaiveFacts) -> Answer:
    sales = [money for money in facts.moneys if money.kind == "purchase"]
    counts = Counter(money.life.key for money in sales)
    for app, keys in groups(counts, lambda key: key[0]).items():
        yield app, len(keys), sum(counts[key] > 1 for key in keys)


@answer(26)
def refunds(facts: NaiveFacts) -> Answer:
    for source, moneys in groups(facts.moneys, lambda money: money.life.source).items():
        sold = sum_of(money.usd for money in moneys if money.kind == "purchase")
        back = [money.usd for money in moneys if money.kind == "refund" and money.usd is not None]
        yield source, sold, -sum_of(back) if back else None


@answer(27)
def products(facts: NaiveFacts) -> Answer:
    sales = [money for money in facts.moneys if money.kind == "purchase"]
    for product, own in groups(sales, lambda money: money.event["product_id"]).items():
        yield product, len(own), sum_of(money.usd for money in own)


@answer(28)
def currencies(facts: NaiveFacts) -> Answer:
    for currency, moneys in groups(facts.moneys, lambda money: money.currency).items():
        total = sum((money.amount for money in moneys), Fraction())
        yield currency, total, sum(money.usd is None for money in moneys)


@answer(29)
def advertisements(facts: NaiveFacts) -> Answer:
    shown = [money for money in facts.moneys if money.kind == "ad_revenue"]
    for network, own in groups(shown, lambda money: money.event["monetization_network"]).items():
        usd = sum_of(money.usd for money in own)
        yield network, len(own), usd, usd / len(own) * 1000


@answer(30)
def return_within_a_week(facts: NaiveFacts) -> Answer:
    for source, campaign in CAMPAIGNS:
        cost = returned = Fraction()
        own = [
            life for life in facts.mature(6) if (life.source, life.campaign) == (source, campaign)
        ]
        for (app, day), lives in groups(own, lambda life: (life.app, life.day)).items():
            of_day = facts.cost(day, app_id=app, media_source=source, campaign_id=campaign)
            if of_day and not _has_unknown(facts, lives):
                cost += of_day
                returned += facts.dollars_by(lives, 6)
        if cost:
            yield source, campaign, cost, returned / cost


def _has_unknown(facts: NaiveFacts, lives: list[Any]) -> bool:
    """Money without a rate, of whatever day: the return of such a cohort is not known."""
    return any(money.usd is None and money.life in lives for money in facts.moneys)
