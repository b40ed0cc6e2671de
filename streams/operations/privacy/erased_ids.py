"""Recognises erased people in bytes, whatever wrote them: JSON, MessagePack or keys of states.

Only keyed hashes of their ids are known. So every word that may be an id is hashed and looked up:
as it stands, as the pseudonym of a device id or an account, and as the match key of a pseudonym.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from attribution.matching.sampled_paths import DEVICE_PREFIX
from schemas.ids import normal_device_id, normal_id
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.common.pseudonyms import AnonymousIds, Pseudonyms, is_anonymous_text

_WORD = re.compile(rb"[A-Za-z0-9_.@+~:-]{4,400}")
_KNOWN_MAX = 500_000
"""Words that are remembered as naming nobody: names of fields and ids of others come again."""


class ErasedIds:
    """The ids of one request. It holds secrets: never log it."""

    def __init__(
        self, hashes: Collection[str], apps: Collection[str], secrets: Sequence[bytes]
    ) -> None:
        """`hashes`: anonymous ids. `secrets`: of pseudonyms, the one in force first."""
        self._hashes = frozenset(hashes)
        self._apps = tuple(apps)
        self._pseudonyms = [Pseudonyms(secret) for secret in secrets]
        self._anonymous = AnonymousIds(secrets[0])
        self._strangers: set[bytes] = set()

    def are_in(self, octets: bytes) -> bool:
        """Whether any of these bytes name an erased person."""
        return any(self._is_of_erased(word) for word in set(_WORD.findall(octets)))

    def _is_of_erased(self, word: bytes) -> bool:
        if word in self._strangers:
            return False
        if any(self._anonymous.of(name) in self._hashes for name in self._names(word)):
            return True
        if len(self._strangers) >= _KNOWN_MAX:
            self._strangers.clear()
        self._strangers.add(word)
        return False

    def _names(self, word: bytes) -> Iterator[str]:
        """Whatever a word may name."""
        text = word.decode()
        # In MessagePack the length before a text, or a number after it, may look like a letter.
        wholes = (text, text[1:], text[:-1], text[1:-1])
        parts = {part for whole in wholes for part in (whole, *whole.split(":")) if len(part) > 3}
        for part in parts:
            if is_anonymous_text(part):
                continue  # It stands in the place of an id.
            yield part
            for pseudonym in self._pseudonyms_of(part):
                for app in self._apps:
                    yield f"{DEVICE_PREFIX}{app}:{pseudonym}"
                    yield f"{ACCOUNT_PREFIX}{app}:{pseudonym}"

    def _pseudonyms_of(self, part: str) -> set[str]:
        forms = {part, normal_id(part), normal_device_id(part)}
        return {part, *(known.of(form) for known in self._pseudonyms for form in forms)}
