"""Journeys: the stage that decides attribution, books money, shares credit and scores installs."""

__all__ = [
    "active_models",
    "booking_row",
    "credit_revision",
    "decision_rows",
    "fact_reports",
    "install_steps",
    "journeys",
    "prospect_steps",
    "rule_change",
]
