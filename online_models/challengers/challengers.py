"""All River challengers of one target, and which of them leads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from online_models.challengers.declaration import PromotionRules, RiverDeclaration, no_clock
from online_models.challengers.persistence import dump_challenger, dump_scorer, fill_challenger
from online_models.challengers.plain_state import NotPlainError
from online_models.challengers.river_challenger import ChallengerRow, References, RiverChallenger
from online_models.challengers.row_features import RowNames
from online_models.features.frozen import whole
from online_models.hazard.rules import HazardRules, Numbers
from online_models.learning.verdicts import NewChampion, Publication, Refusal, Verdict
from online_models.persistence.envelope import version_name
from schemas.records import Example

_PARTS = "river/"
_NOTHING = bytes(4)


class Challengers:
    """Learns them all; decides about their versions. The champion never depends on one, unless it
    was promoted."""

    def __init__(
        self, target: str, declared: Sequence[RiverDeclaration], hazard: HazardRules, window: int
    ) -> None:
        self.target = target
        self.leader = ""
        """Name of the challenger that leads; empty: none of these."""
        self.clock: Callable[[], float] = no_clock
        """Time that rows cost, in seconds. It decides nothing here."""
        prior = 1.0 - (1.0 - hazard.prior) ** (1.0 / hazard.shape.bins)
        self.all = {one.name: RiverChallenger(target, one, prior, window) for one in declared}
        self._names = RowNames(hazard)
        self._noted: set[str] = set()  # challengers whose suspension was reported

    def __bool__(self) -> bool:
        return bool(self.all)

    def learn(
        self, examples: Sequence[Example], own: Numbers, by_rates: Numbers, base: Numbers
    ) -> None:
        """Learn a block. `own`: the champion's hazard of each row, NaN where its bytes or values
        are unusable. `by_rates`: one hazard per row. `base`: one rate per bin."""
        sizes = [len(one.snapshots) for one in examples]
        bins = np.repeat(np.array([one.bin for one in examples], np.int64), sizes)
        references = References(own, by_rates, base[bins])
        starts = np.cumsum([0, *sizes]).tolist()
        known: dict[int, list[ChallengerRow]] = {}
        for challenger in self.all.values():
            rows: list[ChallengerRow] = []
            for number, example in enumerate(examples):
                if not challenger.takes(example.install_id):
                    continue
                if number not in known:
                    known[number] = self._rows(example, own, starts[number])
                rows += known[number]
            challenger.learn(rows, references, self.clock)

    def suspensions(self) -> list[Verdict]:
        """What has to be said of challengers that were suspended since the last call."""
        verdicts: list[Verdict] = []
        for name, challenger in self.all.items():
            if challenger.suspended and name not in self._noted:
                self._noted.add(name)
                verdicts.append(_suspension(challenger, challenger.model))
                if name == self.leader:
                    self.leader = ""
                    verdicts.append(_suspension(challenger, self.target))
        return verdicts

    def try_versions(self, champion: str, rules: PromotionRules) -> list[Verdict]:
        """A version of each to promote, or why there is none; and who leads from here on.
        `champion`: name of the product's own best model."""
        verdicts = [_version(one, one.model) for one in self.all.values() if not one.suspended]
        change = self._fallen(champion) or self._better(rules)
        if change is not None:
            self.leader = change.challenger if change.challenger in self.all else ""
            verdicts.append(change)
        return verdicts

    def _better(self, rules: PromotionRules) -> NewChampion | None:
        """The challenger with the most to gain that is shown to be better than the champion, if it
        can be stored."""
        found: list[tuple[float, RiverChallenger]] = []
        for challenger in self.all.values():
            figures, compared = challenger.figures(), challenger.compared("champion")
            if (
                challenger.suspended
                or figures.get("rows", 0.0) < rules.rows
                or figures.get("positives", 0.0) < rules.positives
                or isinstance(challenger.plain(), NotPlainError)
            ):
                continue
            own = figures[f"log_loss:challenger:{challenger.declared.name}"]
            if compared.high < 0.0 and compared.mean < -rules.margin * (own - compared.mean):
                found.append((compared.mean, challenger))
        if not found or self.leader:
            return None
        mean, best = min(found, key=lambda one: one[0])
        figures, compared = best.figures(), best.compared("champion")
        reason = (
            f"log loss lower by {-mean:.5f} [{-compared.high:.5f}, {-compared.low:.5f}] over "
            f"{int(figures['rows'])} rows"
        )
        return NewChampion(self.target, best.declared.name, reason, figures)

    def _fallen(self, champion: str) -> NewChampion | None:
        """The champion of this product once more, where the leader is shown to be worse than it."""
        if not self.leader:
            return None
        challenger = self.all[self.leader]
        compared = challenger.compared("champion")
        if not compared.low > 0.0:
            return None
        reason = (
            f"log loss of {challenger.declared.name} higher by {compared.mean:.5f}, at least "
            f"{compared.low:.5f}"
        )
        return NewChampion(self.target, champion, reason, challenger.figures())

    def lead(self, name: str) -> bool:
        """Let this challenger lead, if it is one of these and is not suspended."""
        challenger = self.all.get(name)
        if challenger is None or challenger.suspended:
            return False
        self.leader = name
        return True

    def lead_version(self, rules: PromotionRules) -> Verdict:
        """The next version of the leader, under the name of the target."""
        leader = self.all[self.leader]
        if leader.positives < rules.positives_min:
            learned = f"learned {leader.positives} positives, needs {rules.positives_min}"
            return _refusal(leader, self.target, learned)
        return _version(leader, self.target)

    def suspend(self, name: str, reason: str) -> None:
        """As ordered: it neither learns nor predicts until it is resumed."""
        if challenger := self.all.get(name):
            challenger.suspended = challenger.suspended or reason
            self._noted.add(name)  # The order itself is reported.
            if self.leader == name:
                self.leader = ""

    def resume(self, name: str) -> None:
        """As ordered: one that was suspended begins again, with nothing learned."""
        challenger = self.all.get(name)
        if challenger and challenger.suspended:
            challenger.begin_again()
            self._noted.discard(name)

    def too_slow(self, rows_min: int) -> list[tuple[RiverChallenger, float]]:
        """Challengers whose rows took more than they may, and microseconds per row, as soon as so
        many rows would have taken too much even if the next ones took nothing."""
        return [
            (one, 1e6 * one.seconds / one.timed_rows)
            for one in self.all.values()
            if not one.suspended
            and 1e6 * one.seconds > one.declared.row_microseconds * max(one.timed_rows, rows_min)
        ]

    def dump(self) -> dict[str, bytes]:
        """One part for each."""
        return {
            f"{_PARTS}{name}": dump_challenger(one, is_leading=name == self.leader)
            for name, one in self.all.items()
        }

    def fill(self, parts: Mapping[str, bytes]) -> None:
        """Go on from parts; what is of no use begins with nothing."""
        for name, challenger in self.all.items():
            content = parts.get(f"{_PARTS}{name}")
            if content is not None and fill_challenger(challenger, content):
                self.leader = name
            if challenger.suspended:
                self._noted.add(name)

    def _rows(self, example: Example, own: Numbers, start: int) -> list[ChallengerRow]:
        names = self._names
        rows = []
        for number, frozen in enumerate(whole(example.snapshots), start):
            if not np.isnan(own[number]):
                snapshot = names.snapshot(frozen.slots, frozen.values, frozen.landmark)
                features = names.row(snapshot, example.bin)
                rows.append(ChallengerRow(features, example.label, number))
        return rows


def _version(challenger: RiverChallenger, model: str) -> Verdict:
    name, figures = challenger.declared.name, challenger.figures()
    plain = challenger.plain()
    if isinstance(plain, NotPlainError):
        reason = f"stays in the shadow: what it learned is not plain values ({plain})"
        return _refusal(challenger, model, reason)
    worse = challenger.compared("rates")
    if worse.low > 0.0:
        reason = f"log loss above that of rates by {worse.mean:.5f} a row, at least {worse.low:.5f}"
        return _refusal(challenger, model, reason)
    sealed = dump_scorer(challenger, plain)
    return Publication(
        model=model,
        version=version_name(model, challenger.rows, sealed.checksum),
        content=sealed.content,
        challenger=name,
        figures=figures,
    )


def _refusal(
    challenger: RiverChallenger, model: str, reason: str, *, suspends: bool = False
) -> Refusal:
    checksum = hashlib.sha256(reason.encode()).digest() if suspends else _NOTHING
    return Refusal(
        model=model,
        version=version_name(model, challenger.rows, checksum),
        reason=reason,
        challenger=challenger.declared.name,
        figures=challenger.figures(),
        suspends=suspends,
    )


def _suspension(challenger: RiverChallenger, model: str) -> Refusal:
    return _refusal(challenger, model, f"suspended: {challenger.suspended}", suspends=True)
