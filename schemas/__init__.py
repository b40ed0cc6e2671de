"""The vocabulary of Headwater: events, records between stages, outcomes, topics, time, SQL.

Everything else imports it; it imports nothing of Headwater. `README.md` is for producers of events,
`VIEWS.md` for analysts.
"""

__all__ = [
    "buckets",
    "contracts",
    "currencies",
    "decode",
    "events",
    "ids",
    "json_text",
    "outcomes",
    "parts",
    "records",
    "time",
    "topics",
]
