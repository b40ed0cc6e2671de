"""Makes the stored rows of erased people anonymous, so that every sum stays what it is."""

from __future__ import annotations

from streams.store.erasure.erase_rows import ErasedRows, erase_rows
from streams.store.erasure.search import Searched, search_rows

__all__ = ["ErasedRows", "Searched", "erase_rows", "search_rows"]
