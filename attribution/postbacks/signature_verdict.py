"""The verdict on the signature of a postback, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

SignatureState = Literal["valid", "invalid", "unverifiable"]


class SignatureReason(StrEnum):
    """Why a postback is not valid. The list is fixed, so it can be a metric label."""

    # Invalid: Apple has not signed this content.
    MALFORMED_BODY = "malformed_body"
    MISSING_FIELD = "missing_field"
    BAD_SIGNATURE = "bad_signature"
    # Unverifiable: the signature cannot be checked.
    MISSING_SIGNATURE = "missing_signature"
    UNSUPPORTED_VERSION = "unsupported_version"
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_KEY = "unknown_key"
    DEVELOPMENT_KEY = "development_key"


_INVALID = frozenset(
    {SignatureReason.MALFORMED_BODY, SignatureReason.MISSING_FIELD, SignatureReason.BAD_SIGNATURE}
)


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """Whether a postback is valid, and the key behind the verdict."""

    reason: SignatureReason | None  # None: valid
    key_id: str = ""  # the key that the postback names, or that verified it

    @property
    def state(self) -> SignatureState:
        """Valid, invalid, or unverifiable."""
        if self.reason is None:
            return "valid"
        return "invalid" if self.reason in _INVALID else "unverifiable"
