"""Simulated events as the messages that producers would send."""

__all__ = [
    "apple_signatures",
    "installs",
    "malformed",
    "message_parts",
    "money",
    "postbacks",
    "reports",
    "touches",
    "uncounted",
]
