"""Topics that workers read as a whole when they start."""

__all__ = ["rule_log", "source_logs"]
