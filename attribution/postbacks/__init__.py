"""Postbacks of Apple's SKAdNetwork and AdAttributionKit: signature, content and conversion
value."""

__all__ = [
    "adattributionkit",
    "body_reader",
    "conversion_schema",
    "conversion_values",
    "keys",
    "postback",
    "postback_check",
    "seen_postback",
    "signature_verdict",
    "skadnetwork",
]
