"""One decision: candidates of an install, the waterfall, fraud rules, and re-engagements."""

__all__ = ["candidates", "fraud", "known_match", "reengagement", "waterfall"]
