"""What every learner is to the stage that feeds it: one protocol for target, value and credit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from online_models.learning.verdicts import Publication, Verdict
from online_models.persistence.envelope import Unusable

Record_contra = TypeVar("Record_contra", contravariant=True)
_Scorer = TypeVar("_Scorer")


class Learner(Protocol[Record_contra]):
    """A model that learns from one ordered log, and publishes gated versions of itself.

    `learn` and `lead` are the only ways forward. What they do depends on the records and their
    order alone: neither clocks nor batches change a version. Nothing here blocks, and no record
    raises: one that cannot be learned is counted. One thread at a time.
    """

    @property
    def skipped(self) -> int:
        """Records, or rows of them, that could not be learned since the beginning of the log.
        Those that a bound excluded are counted in `bounds_hit` instead."""

    def bounds_hit(self) -> Mapping[str, int]:
        """How often each bound of this learner was hit since the beginning of the log."""

    def learn(self, records: Iterable[Record_contra]) -> list[Verdict]:
        """Learn in log order. Returns versions that were tried, exactly where the log says so."""

    def lead(self, challenger: str) -> bool:
        """Publish the versions of this challenger from now on; False: there is none."""

    def published(self) -> list[Publication]:
        """What would be live by now, once more: for a learner that had to go back and relearn."""

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        """The whole learner as named parts. `known`: the parts of its last dump, from which parts
        that cannot have changed may be taken."""

    def restored(self, parts: Mapping[str, bytes]) -> Learner[Record_contra] | Unusable:
        """A learner under the rules of this one that goes on bit for bit from dumped parts. This
        one stays as it is."""


class Version(NamedTuple, Generic[_Scorer]):
    """A version of a model that was tried, published or not: its name, bytes, and scorer."""

    name: str
    content: bytes
    scorer: _Scorer
