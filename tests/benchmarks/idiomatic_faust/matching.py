"""What one record means for the state of its match key; the rules are Headwater's own."""

from __future__ import annotations

from typing import Any, NamedTuple

from attribution.matching import accounts, touch_index, transactions
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.postbacks import seen_postback
from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import (
    AccessSeen,
    AccountLinked,
    AccountMoney,
    Candidates,
    ChoiceSeen,
    Erased,
    ErasureSeen,
    InstallErased,
    InstallSeen,
    MatchRecord,
    MoneyRouted,
    MoneySeen,
    OriginalSeen,
    PostbackSeen,
    RestoreSeen,
    TouchSeen,
    journey_key,
)
from streams.stages.common.parked_rows import money_parked
from tests.benchmarks.idiomatic_faust.routing import Published


class Sent(NamedTuple):
    """Records for other keys, each with its key."""

    matches: list[tuple[str, AccountMoney | TouchSeen | RestoreSeen | OriginalSeen]]
    journeys: list[tuple[str, Candidates | MoneyRouted | Erased]]


def see(known: Any, record: MatchRecord, rules: Rules) -> tuple[Any, Sent, Published]:
    state, facts = _advance(known, record, rules)
    sent, published = Sent([], []), Published()
    for fact in facts:
        match fact:
            case Candidates() | MoneyRouted() | Erased():
                key = journey_key(fact.app_id, fact.install_id, is_sandbox=fact.is_sandbox)
                sent.journeys.append((key, fact))
            case AccountMoney() | TouchSeen() | RestoreSeen() | OriginalSeen():
                sent.matches.append((fact.key, fact))
            case MoneyWaiting():
                row = money_parked(fact.money, fact.state, fact.waits_for, fact.deadline)
                published.add(topics.PARKED.name, fact.money.booking_id, row)
            case Settled() | Evicted():
                pass
    return state, sent, published


def _advance(known: Any, record: MatchRecord, rules: Rules) -> tuple[Any, list[MatchFact]]:
    match record:
        case TouchSeen():
            return touch_index.index_touch(known, record, rules)
        case InstallSeen():
            return touch_index.index_install(known, record, rules)
        case AccountLinked():
            return accounts.link_account(known, record, rules)
        case AccountMoney():
            return accounts.place_money(known, record, rules)
        case MoneySeen():
            return transactions.fold_money(known, record.money, rules, record.key)
        case RestoreSeen():
            return transactions.note_restore(known, record, rules)
        case OriginalSeen():
            return transactions.note_original(known, record, rules)
        case PostbackSeen():
            return seen_postback.count_postback(known, record)
        case AccessSeen() | ChoiceSeen() | InstallErased():
            return known, []
        case ErasureSeen():
            return known, []
