"""What people ask for: to be forgotten, and to be opted out."""

from attribution.privacy.choices import PrivacyChoice

__all__ = ["PrivacyChoice"]
