"""Intake: decodes source events, pseudonymises ids, checks signatures, and routes to other
stages."""

__all__ = [
    "install_evidence",
    "intake",
    "money_steps",
    "routing",
    "rows",
    "signatures",
    "site_touches",
    "stage_records",
    "traits",
]
