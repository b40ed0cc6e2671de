"""The product's own way of money, from events to bookings, in one order of arrival."""

from __future__ import annotations

import random
from collections import Counter, deque
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
    """Reads events one by one. Records between two keys keep their order, as in a log; they arrive
    at once, or with `chance` at some time."""

    def __init__(self, rules: Rules = RULES, chance: random.Random | None = None) -> None:
        self.rules = rules
        self.chance = chance
        self.waiting: dict[tuple[str, str], deque[RestoreSeen | OriginalSeen]] = {}
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
            while self.waiting and (self.chance is None or self.chance.random() < 0.5):
                self._deliver()
        while self.waiting:
            self._deliver()

    def _deliver(self) -> None:
        way = next(iter(self.waiting)) if self.chance is None else self._drawn()
        queue = self.waiting[way]
        record = queue.popleft()
        if not queue:
            del self.waiting[way]
        self._take(record)

    def _drawn(self) -> tuple[str, str]:
        assert self.chance is not None
        return self.chance.choice(list(self.waiting))

    def _take(self, record: MoneySeen | RestoreSeen | OriginalSeen) -> None:
        state, facts = self._step(self.states.get(record.key), record)
        self.states[record.key] = state
        for fact in facts:
            self._note(fact, record.key)

    def _step(
        self, state: Transaction | None, record: MoneySeen | RestoreSeen | OriginalSeen
    ) -> tuple[Transaction, list[MatchFact]]:
        if isinstance(record, MoneySeen):
            return transactions.fold_money(state, record.money, self.rules, record.key)
        if isinstance(record, RestoreSeen):
            return transactions.note_restore(state, record, self.rules)
        return transactions.note_original(state, record, self.rules)

    def _note(self, fact: MatchFact, sender: str) -> None:
        if isinstance(fact, RestoreSeen | OriginalSeen):
            self.waiting.setdefault((sender, fact.key), deque()).append(fact)
        elif isinstance(fact, MoneyRouted | AccountMoney):
            money, sign = fact.money, fact.sign
            payer = f"install:{fact.install_id}" if isinstance(fact, MoneyRouted) else fact.key
            place = money.transaction_id, payer, money.currency
            self.booked[place] += sign * money.amount_micros
            self.live[money.booking_id, money.revision] += sign
        elif isinstance(fact, Settled):
            self.settled[fact.disposition] += 1
