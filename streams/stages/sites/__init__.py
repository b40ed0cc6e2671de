"""Sites: the stage that judges sites by their history."""

__all__ = ["site_verdicts", "sites"]
