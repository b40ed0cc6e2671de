"""The match index: joins touchpoints, installs, accounts, money and erasure requests by key.

Every function takes the state of one key and a record, and returns the next state with the facts to
report. Records may arrive in any order.
"""

__all__ = [
    "account_state",
    "accounts",
    "erasures",
    "facts",
    "referrer",
    "sampled_paths",
    "touch_index",
    "transaction_fold",
    "transaction_state",
    "transactions",
]
