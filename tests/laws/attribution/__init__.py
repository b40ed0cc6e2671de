"""Laws of decisions, credit, money, fraud and matching."""
