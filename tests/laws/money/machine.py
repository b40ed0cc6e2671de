"""The product's own way of money, from events to bookings, in one order of arrival."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attribution.matching import transactions
from attribution.matching.facts import MatchFact, Settled
from attribution.matching.transaction_state import Transaction
from attribution.rules.rules import Rules
from schemas.records import (
    AccountMoney,
    MoneyRouted,
    MoneySeen,
    OriginalSeen,
    RestoreSeen,
)
from schemas.time import LogMs
from streams.stages.intake.money_steps import money_seen
from tests.laws.money.histories import START, Payment

RULES = Rules()


class MoneyMachine:
    """Reads events one by one; records between keys arrive at once."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.states: dict[str, Transaction] = {}
        self.booked: Counter[tuple[str, str, str]] = Counter()
        """(transaction, payer, currency) -> micros"""
        self.live: Counter[tuple[str, int]] = Counter()
        """(step, revision) -> how often it is booked"""
        self.settled: Counter[str] = Counter()

    def read(self, events: Sequence[Payment]) -> None:
        for offset, event in enumerate(events):
            account = f"account:{event.customer_user_id}" if event.customer_user_id else ""
            seen = money_seen(event, account, (3, 0, offset), LogMs(START + offset))
            self._take(seen)

    def _take(self, record: MoneySeen | RestoreSeen | OriginalSeen) -> None:
        state, facts = self._step(self.states.get(record.key), record)
        self.states[record.key] = state
        for fact in facts:
            self._note(fact)

    def _step(
        self, state: Transaction | None, record: MoneySeen | RestoreSeen | OriginalSeen
    ) -> tuple[Transaction, list[MatchFact]]:
        if isinstance(record, MoneySeen):
            return transactions.fold_money(state, record.money, self.rules, record.key)
        if isinstance(record, RestoreSeen):
            return transactions.note_restore(state, record, self.rules)
        return transactions.note_original(state, record, self.rules)

    def _note(self, fact: MatchFact) -> None:
        if isinstance(fact, RestoreSeen | OriginalSeen):
            self._take(fact)
        elif isinstance(fact, MoneyRouted | AccountMoney):
            money, sign = fact.money, fact.sign
            payer = f"install:{fact.install_id}" if isinstance(fact, MoneyRouted) else fact.key
            place = money.transaction_id, payer, money.currency
            self.booked[place] += sign * money.amount_micros
            self.live[money.booking_id, money.revision] += sign
        elif isinstance(fact, Settled):
            self.settled[fact.disposition] += 1
