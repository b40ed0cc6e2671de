"""The step of a match key: what one record, or a deadline, does to its state."""

from __future__ import annotations

from typing import assert_never

from attribution.matching import accounts, touch_index, transactions
from attribution.matching.account_state import AccountState
from attribution.matching.facts import MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction, TransactionBefore
from attribution.postbacks import seen_postback
from attribution.postbacks.seen_postback import SeenPostback
from attribution.privacy import erased_installs, key_requests
from attribution.rules.rules import Rules
from schemas.records import (
    SANDBOX_SCOPE,
    AccessSeen,
    AccountLinked,
    AccountMoney,
    ChoiceSeen,
    ErasureSeen,
    InstallErased,
    InstallSeen,
    MatchRecord,
    MoneySeen,
    OriginalSeen,
    PostbackSeen,
    RestoreSeen,
    TouchSeen,
)
from schemas.time import MILLISECOND, LogMs
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.matching.key_states import KeyState


def advance_key(
    state: KeyState | None, record: MatchRecord, rules: Rules
) -> tuple[KeyState | None, list[MatchFact]]:
    """Apply a record to the state of its key. Key prefixes guarantee that the types agree."""
    if isinstance(state, TransactionBefore):
        state = state.upgraded(rules)
    match record:
        case TouchSeen():
            assert state is None or isinstance(state, TouchIndex)
            return touch_index.index_touch(state, record, rules)
        case InstallSeen():
            assert state is None or isinstance(state, TouchIndex)
            return touch_index.index_install(state, record, rules)
        case AccountLinked():
            assert state is None or isinstance(state, AccountState)
            return accounts.link_account(state, record, rules)
        case AccountMoney():
            assert state is None or isinstance(state, AccountState)
            return accounts.place_money(state, record, rules)
        case MoneySeen() | RestoreSeen() | OriginalSeen():
            assert state is None or isinstance(state, Transaction)
            return transactions.take_record(state, record, rules)
        case PostbackSeen():
            assert state is None or isinstance(state, SeenPostback)
            return seen_postback.count_postback(state, record)
        case AccessSeen():
            return state, []  # Its answer is a receipt.
        case ErasureSeen() | ChoiceSeen():
            return _ask(state, record, rules)
        case InstallErased():
            assert state is None or isinstance(state, TouchIndex | AccountState)
            if isinstance(state, AccountState):
                return erased_installs.erase_linked(state, record, rules)
            return erased_installs.erase_install(state, record, rules)
    assert_never(record)


def _ask(
    state: KeyState | None, record: ErasureSeen | ChoiceSeen, rules: Rules
) -> tuple[KeyState, list[MatchFact]]:
    """Take a privacy request by a device id or an account."""
    if record.key.removeprefix(SANDBOX_SCOPE).startswith(ACCOUNT_PREFIX):
        assert state is None or isinstance(state, AccountState)
        if isinstance(record, ErasureSeen):
            return key_requests.erase_account(state, record, rules)
        return key_requests.choose_by_account(state, record, rules)
    assert state is None or isinstance(state, TouchIndex)
    if isinstance(record, ErasureSeen):
        return key_requests.erase_key(state, record, rules)
    return key_requests.choose_by_key(state, record, rules)


def expire_key(
    key: bytes, state: KeyState | None, now: LogMs, rules: Rules
) -> tuple[KeyState | None, list[MatchFact]]:
    """Meet the deadlines of a key that are due at log time `now`."""
    match state:
        case Transaction():
            return transactions.expire_refunds(state, now, rules)
        case TransactionBefore():
            return transactions.expire_refunds(state.upgraded(rules), now, rules)
        case AccountState():
            return accounts.expire_account_money(state, now)
        case TouchIndex():
            return _expire_index(key.decode(), state, now, rules)
        case SeenPostback() | None:
            return state, []
    assert_never(state)


def _expire_index(key: str, index: TouchIndex, now: LogMs, rules: Rules) -> touch_index.IndexStep:
    """Report the paths that ended before anything is forgotten; however far log time leaps, they
    are the same."""
    due, facts = key_requests.contents_due(index, rules), list[MatchFact]()
    if due is not None and due <= now:
        before = LogMs(due - MILLISECOND)
        index, facts = touch_index.close_sampled_paths(index, key, before, rules)
        index = key_requests.forget_contents(index, now, rules)
    index, closed = touch_index.close_sampled_paths(index, key, now, rules)
    return index, facts + closed
