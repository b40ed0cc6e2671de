"""Commands of the laboratory: `simulate`, `evaluate`, `demo` and `bench`."""

__all__ = ["bench", "demo", "evaluate", "options", "simulate"]
