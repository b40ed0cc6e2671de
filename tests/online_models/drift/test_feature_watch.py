"""Features that are watched: which, of whom, and that each snapshot tells them once."""

from __future__ import annotations

import random

import pytest

from online_models.drift.feature_watch import KEY_FEATURES, ONE_INSTALL_IN, FeatureWatch, is_watched
from online_models.drift.watch import DriftRules, DriftWatch
from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import Encoder
from schemas.records import Example, Frozen

ENCODER = Encoder(2**17, 1)
WATCHED = next(name for name in map(str, range(99)) if is_watched(name))


def example(frozen: list[Frozen], bin_: int, source: str = "north") -> Example:
    return Example("payer", WATCHED, "app", "ios", "DE", source, bin_, False, 0, frozen)


def frozen(landmark: int, features: dict[str, float]) -> Frozen:
    return Frozen(landmark, *ENCODER.pack(features))


class Reported(DriftWatch):
    """Remembers what it was fed."""

    def __init__(self) -> None:
        super().__init__(DriftRules())
        self.fed: list[tuple[str, str, float]] = []

    # The signature of the watch it stands for.
    def feed(self, stream, value, at):  # type: ignore[no-untyped-def]
        self.fed.append((stream.subject, stream.media_source, round(value, 4)))
        return super().feed(stream, value, at)


def test_a_snapshot_tells_its_features_once_and_each_at_its_landmark() -> None:
    watch = Reported()
    features = FeatureWatch(PAYER, ENCODER, watch)
    install = frozen(0, {"platform=ios": 1.0, "hour=3": 1.0})
    later = frozen(1, {"platform=ios": 1.0, "sessions@1h": 1.4, "events@1h": 0.7})
    for bin_ in range(PAYER.bins):
        first = PAYER.first_bin(1)
        features.read(example([install, later] if bin_ >= first else [install], bin_))

    assert watch.fed == [
        ("platform=ios", "north", 1.0), ("touch=click", "north", 0.0),
        ("match=referrer", "north", 0.0), ("sessions@1h", "north", 0.2),
        ("events@1h", "north", 0.1),
    ]  # fmt: skip


def test_every_key_feature_is_found_among_others_and_only_there() -> None:
    chance = random.Random(1)
    for key in KEY_FEATURES:
        mark = [one.name for one in PAYER.landmarks].index(key.landmark)
        for has_it in (True, False):
            names = [f"campaign={chance.random()}" for _ in range(200)]
            named = dict.fromkeys(names, 2.0) | ({key.name: key.most / 2} if has_it else {})
            watch = Reported()
            FeatureWatch(PAYER, ENCODER, watch).read(
                example([frozen(mark, named)], PAYER.first_bin(mark))
            )
            assert {name: value for name, _, value in watch.fed}[key.name] == has_it / 2


def test_a_change_of_a_feature_names_the_feature_and_the_source() -> None:
    chance = random.Random(2)
    features = FeatureWatch(PAYER, ENCODER, DriftWatch())
    alarms = []
    for number in range(4_000):
        share = 0.2 if number < 2_500 else 0.6
        has_it = chance.random() < share
        one = frozen(0, {"platform=ios": 1.0} if has_it else {"platform=android": 1.0})
        alarms += features.read(example([one], 0))
        other = frozen(0, {"platform=ios": 1.0} if chance.random() < 0.4 else {})
        alarms += features.read(example([other], 0, "south"))

    assert {(one.stream.subject, one.stream.media_source) for one in alarms} == {
        ("platform=ios", "north")
    }
    assert alarms[0].change.before == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(
    "bad",
    [Frozen(0, b"\x01\x02\x03", b""), Frozen(0, b"\x01\x00\x00\x00", b""), Frozen(99, b"", b"")],
)
def test_a_snapshot_that_was_cut_off_tells_nothing(bad: Frozen) -> None:
    watch = Reported()
    assert FeatureWatch(PAYER, ENCODER, watch).read(example([bad], 0)) == []
    assert watch.fed == []


def test_one_install_in_eight_is_watched_and_it_is_always_the_same() -> None:
    watched = sum(is_watched(f"install-{number}") for number in range(4_000))
    assert watched == pytest.approx(4_000 / ONE_INSTALL_IN, rel=0.15)
