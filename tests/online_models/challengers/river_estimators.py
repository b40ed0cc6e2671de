"""Code of users as a file of targets names it: factories of River classifiers, good and bad."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from river.base import Classifier
from river.linear_model import LogisticRegression
from river.optim import SGD
from river.preprocessing import AdaptiveStandardScaler

PATH = __name__


def scaled(rate: float = 0.005, fading_factor: float = 0.01) -> Any:
    """A pipeline: what is learned is scaled by how it was of late."""
    return AdaptiveStandardScaler(fading_factor) | LogisticRegression(
        SGD(rate), intercept_init=-3.0, intercept_lr=0.05
    )


class Hiding(dict[str, float]):
    """A mapping that does not say how much it holds."""

    def __len__(self) -> int:
        raise RuntimeError("not telling")


class Bad(Classifier):  # type: ignore[misc]  # River publishes no types.
    """Well behaved for some rows, then bad in the way it is asked to be."""

    def __init__(self, fault: str, after: int = 50) -> None:
        self.fault = fault
        self.after = after
        self.learned = 0
        self.kept: dict[str, float] = {}
        self.odd: Any = None

    def learn_one(self, x: Mapping[str, float], y: bool) -> None:
        self.learned += 1
        if self.fault == "grows":
            self.kept |= {f"{name}:{self.learned}": value for name, value in x.items()}
        self._grow_odd(x)
        if self.learned > self.after and self.fault == "raises":
            raise RuntimeError("no more\nrows, please")
        if self.learned > self.after and self.fault == "exits":
            raise SystemExit(3)

    def _grow_odd(self, x: Mapping[str, float]) -> None:
        """Hold what no checkpoint can store, or what does not answer."""
        match self.fault:
            case "nests":
                for _ in range(50):
                    self.odd = [self.odd]
            case "counts":
                self.odd = 2 ** (60 + self.learned)
            case "garbles":
                self.odd = "\ud800"
            case "hides":
                self.odd = Hiding()
            case "empties" if isinstance(x, dict):
                x.clear()
            case _:
                pass

    def predict_proba_one(self, x: Mapping[str, float]) -> dict[bool, float]:
        chance, bad = 0.05, {"nan": math.nan, "above": 1.5, "below": -0.1, "turns": 0.9}
        if self.learned > self.after:
            chance = bad.get(self.fault, chance)
        return {True: chance, False: 1.0 - chance}


def bad(fault: str, after: int = 50) -> Bad:
    """One that is not to be trusted."""
    return Bad(fault, after)


ONLY = Bad("none")


def shared() -> Bad:
    """The same object for everybody."""
    return ONLY


def quits() -> Bad:
    """Code that was written to be run by itself."""
    raise SystemExit(2)


def no_classifier() -> Any:
    """Nothing that can be a challenger."""
    return AdaptiveStandardScaler()
