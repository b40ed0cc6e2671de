"""What matching keeps under one key, and how it is stored."""

from __future__ import annotations

from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction, TransactionBefore
from attribution.postbacks.seen_postback import SeenPostback
from schemas.records import StoredFormat

KeyState = TouchIndex | Transaction | TransactionBefore | AccountState | SeenPostback

KEY_STATES: StoredFormat[KeyState] = StoredFormat("a state of matching", KeyState)
