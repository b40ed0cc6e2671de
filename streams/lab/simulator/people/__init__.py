"""What people do: touchpoints, installs, usage, payments, and the reports about them. Columns."""

__all__ = ["installs", "money", "passers_by", "reports", "touches", "uncounted", "usage"]
