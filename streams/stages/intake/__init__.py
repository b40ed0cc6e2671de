"""Intake: decodes source events, pseudonymises ids, checks signatures, and routes to other
stages."""

__all__ = [
    "intake",
    "money_records",
    "openings",
    "routing",
    "rows",
    "signatures",
    "site_touches",
    "stage_records",
    "traits",
]
