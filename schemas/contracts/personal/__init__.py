"""What names a person, and the page about it."""

from __future__ import annotations

from schemas.contracts.personal.kept_as import PERSONAL_COLUMNS, PERSONAL_FIELDS, KeptAs
from schemas.contracts.personal.privacy_page import privacy_page

__all__ = ["PERSONAL_COLUMNS", "PERSONAL_FIELDS", "KeptAs", "privacy_page"]
