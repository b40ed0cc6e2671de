"""Journeys: the stage that decides attribution, books money, shares credit and scores installs."""

__all__ = [
    "active_models",
    "booking_row",
    "credit_revision",
    "credit_shares",
    "decision_rows",
    "install_steps",
    "journeys",
    "prospect_steps",
    "rule_change",
]
