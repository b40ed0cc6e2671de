"""Sites: history of each site, what is usual in its app, and the probability that it cheats."""

__all__ = ["history", "judgement", "mixture", "norms"]
