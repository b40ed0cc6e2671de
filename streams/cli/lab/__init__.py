"""Commands of the laboratory: `simulate`, `evaluate`, `demo` and `bench`."""

__all__ = ["bench", "demo", "evaluate", "evaluate_payer", "evaluate_value", "options", "simulate"]
