"""How calibrated probabilistic matching is, where ids say which touchpoint is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from attribution.probabilistic.pair_fit import KnownMatch, fit_pair_model
from attribution.probabilistic.pair_model import PairModel
from attribution.probabilistic.pair_score import confidences
from attribution.rules.rules import Rules
from streams.lab.evaluation.match.calibration import Guess, calibration_error, chance_error
from streams.lab.simulator import Truth


class HeldOut(NamedTuple):
    """Every second install: one half to fit a model to, the other half to judge it on."""

    learned: list[KnownMatch]
    judged: list[KnownMatch]


def known_answers(expected: Iterable[Truth]) -> dict[tuple[str, str], str]:
    """touch_id by app and install, of those that ids can decide; "" when nothing caused it."""
    return {
        (truth.app_id, truth.install_id): truth.touch_id or ""
        for truth in expected
        if truth.shares_id or truth.touch_id is None
    }


def held_out(known: Iterable[KnownMatch]) -> HeldOut:
    usable = [one for one in known if one.touches]
    return HeldOut(usable[0::2], usable[1::2])


def best_guesses(known: Sequence[KnownMatch], model: PairModel) -> Iterator[Guess]:
    """For each install the confidence in its best candidate, and whether that is the right one."""
    for match in known:
        certain = confidences(match.touches, match.install, model)
        best = max(range(len(certain)), key=certain.__getitem__)
        yield certain[best], match.touches[best].touch_id == match.touch_id


def pair_figures(known: Iterable[KnownMatch], rules: Rules, seed: int) -> dict[str, Any]:
    """Calibration of a model fitted to one half, on the other; and of the model in the rules."""
    halves = held_out(known)
    guesses = list(best_guesses(halves.judged, fit_pair_model(halves.learned)))
    by_default = list(best_guesses(halves.judged, rules.pair_model))
    confidence = rules.default.probabilistic.confidence
    return {
        "probabilistic_ece": round(calibration_error(guesses), 6),
        "probabilistic_ece_by_chance": round(chance_error(guesses, seed), 6),
        "probabilistic_ece_default_model": round(calibration_error(by_default), 6),
        "probabilistic_installs": len(guesses),
        "probabilistic_accepted": sum(one >= confidence for one, _ in guesses),
        "probabilistic_precision": precision(guesses, confidence),
        "probabilistic_precision_default_model": precision(by_default, confidence),
    }


def precision(guesses: Sequence[Guess], confidence: float) -> float | None:
    """Share of right guesses among those the rule accepts; None when it accepts none."""
    accepted = [is_right for certain, is_right in guesses if certain >= confidence]
    return round(sum(accepted) / len(accepted), 6) if accepted else None
