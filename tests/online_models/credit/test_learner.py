"""The credit learner: when it publishes, what it refuses, and that it goes on where it was."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from online_models.credit import learner_parts
from online_models.credit.counts import SETS_MAX, PathCounts
from online_models.credit.exposures import watch_path
from online_models.credit.gates import CreditGateRules
from online_models.credit.hazard_fit import fit_hazard
from online_models.credit.learner import (
    TOUCHES_MAX,
    CreditLearner,
    CreditRules,
)
from online_models.credit.persistence import (
    CreditModel,
    MarkovWeights,
    dump_credit_model,
    load_credit_model,
)
from online_models.credit.window import (
    BLOCKS_MAX,
    INSTALLS_MAX,
    ChannelCodes,
    PathWindow,
    WindowInstall,
)
from online_models.learning.verdicts import NewChampion, Publication, Refusal, Verdict
from online_models.persistence.envelope import Unusable
from schemas.records import ExposurePath
from tests.worlds import credit_world
from tests.worlds.credit_world import APP, path

LENIENT = CreditGateRules(
    loss_over_base=9.0, loss_over_champion=9.0, calibration_min=0.0, calibration_max=99.0
)
RULES = CreditRules(first_publication=300, publish_every=400, window=600, gate=LENIENT)
PATHS = credit_world.paths(1500, seed=7)


def weigh(counts: PathCounts, names: ChannelCodes) -> MarkovWeights:
    """Stands in for removal effects: how many paths began with each channel."""
    return {name: counts.starts.get(code, 0.0) for name, code in names.channels.items()}


def learner(rules: CreditRules = RULES) -> CreditLearner:
    return CreditLearner(rules, weigh)


def restored(known: CreditLearner, parts: dict[str, bytes] | None = None) -> CreditLearner:
    loaded = known.restored(parts or known.dump({}))
    assert isinstance(loaded, CreditLearner)
    return loaded


def test_versions_come_by_number_of_paths_whatever_the_batches() -> None:
    at_once, one_by_one = learner(), learner()

    verdicts = at_once.learn(PATHS)

    assert [v for one in PATHS for v in one_by_one.learn([one])] == verdicts
    assert [type(verdict) for verdict in verdicts] == [Publication] * 4
    assert [
        int(one.version.split("-")[1]) for one in verdicts if not isinstance(one, NewChampion)
    ] == [
        300,
        700,
        1100,
        1500,
    ]


def test_a_published_model_foretells_installs_better_than_one_rate_for_all() -> None:
    rules = CreditRules(first_publication=500, publish_every=1000)

    last = learner(rules).learn(credit_world.paths(4500, seed=8))[-1]

    assert isinstance(last, Publication)
    assert last.figures["gain_over_base"] > 0.05
    assert last.figures["calibration"] == pytest.approx(1.0, abs=0.15)


def test_too_few_installs_are_no_ground_for_a_version() -> None:
    nobody = [path(number, [(0.0, "video")]) for number in range(500)]

    verdicts = learner().learn(nobody)

    assert [getattr(one, "reason", "")[:11] for one in verdicts] == ["0 installs "]


def test_a_model_that_expects_another_number_of_installs_is_refused() -> None:
    strict = CreditRules(first_publication=300, gate=CreditGateRules(calibration_max=0.5))

    verdict = learner(strict).learn(PATHS)[0]

    assert isinstance(verdict, Refusal)
    assert "times the installs that came" in verdict.reason
    assert verdict.suspends is False


def test_a_live_version_that_has_become_worse_than_a_rate_is_suspended() -> None:
    """Touchpoints that used to bring everyone now keep everyone away."""
    bring = [path(n, [(0.0, "a")], 0.1 if n % 2 else None) for n in range(300)]
    deter = [path(n, [(0.0, "a")], 9.0 if n % 2 else None) for n in range(400)]
    rules = CreditRules(first_publication=300, publish_every=400, window=300)

    learning = learner(rules)
    first, last = learning.learn([*bring, *deter])

    assert isinstance(first, Publication)
    assert isinstance(last, Refusal)
    assert last.suspends
    assert learning.published() == []


@pytest.mark.parametrize(
    "broken",
    [
        replace(PATHS[0], weight=math.nan),
        replace(PATHS[0], weight=0.0),
        replace(PATHS[0], end_time=PATHS[0].begin_time - 1),
        path(1, [(0.0, "a")] * (TOUCHES_MAX + 1)),
    ],
)
def test_a_path_that_cannot_be_is_skipped_and_counted(broken: ExposurePath) -> None:
    learning = learner()

    learning.learn([broken, PATHS[1]])

    assert (learning.counts.seen, learning.counts.skipped) == (2, 1)
    assert learning.window.blocks[-1].paths == 1


@pytest.mark.parametrize("cut", [0, 1, 299, 300, 301, 700, 1234])
def test_stored_and_read_back_it_goes_on_bit_for_bit(cut: int) -> None:
    whole, first = learner(), learner()
    expected = whole.learn(PATHS)

    verdicts: list[Verdict] = first.learn(PATHS[:cut])
    second = restored(first)
    verdicts += second.learn(PATHS[cut:])

    assert verdicts == expected
    assert second.dump({}) == whole.dump({})


def test_closed_parts_of_the_window_are_written_once() -> None:
    learning = learner()
    learning.learn(PATHS[:750])
    before = learning.dump({})
    learning.learn(PATHS[750:])

    after = learning.dump(before)

    kept = {name for name in before if name.startswith("block/")}
    assert len(kept) == 2
    assert all(after[name] is before[name] for name in kept)
    assert after == learning.dump({})


@pytest.mark.parametrize(
    "name", [learner_parts.CREDIT_HEAD, learner_parts.OPEN_BLOCK, "block/00000000"]
)
def test_a_part_that_is_missing_or_altered_is_unusable(name: str) -> None:
    learning = learner()
    learning.learn(PATHS[:400])
    parts = learning.dump({})
    missing = {key: part for key, part in parts.items() if key != name}
    altered = {**parts, name: parts[name][:-1] + bytes([parts[name][-1] ^ 1])}

    for broken in (missing, altered):
        assert isinstance(learner().restored(broken), Unusable)


def test_a_snapshot_shares_credit_exactly_as_the_model_it_was_made_of() -> None:
    published = learner().learn(PATHS)[-1]
    assert isinstance(published, Publication)
    window = PathWindow()
    for one in PATHS[:10]:
        window.add(one, watch_path(one))
    hazard = fit_hazard(window, None)
    weights = dict.fromkeys(hazard.effects, 0.5)

    loaded = load_credit_model(dump_credit_model(10, hazard, weights).content)

    assert isinstance(loaded, CreditModel)
    assert (loaded.hazard, loaded.markov) == (hazard, weights)
    assert isinstance(load_credit_model(published.content[:-1]), Unusable)


def test_the_window_forgets_its_oldest_paths() -> None:
    window = PathWindow()
    for _ in range(BLOCKS_MAX + 5):
        window.roll()
    many = WindowInstall((0, 0, 0), [], 1.0)
    window.blocks[-1].installs += [many] * INSTALLS_MAX
    numbers = [block.number for block in window.blocks]
    window.roll()
    window.blocks[-1].installs.append(many)
    window.roll()

    assert len(numbers) == BLOCKS_MAX + 1
    assert numbers[0] == 5
    assert sum(len(block.installs) for block in window.blocks) == 1


def test_sets_of_channels_beyond_the_limit_are_counted_apart() -> None:
    counts = PathCounts()

    for number in range(SETS_MAX + 7):
        counts.add([number, number + 1], is_installed=True, weight=2.0)
    counts.add([], is_installed=True, weight=1.0)

    assert (len(counts.sets), counts.sets_dropped) == (SETS_MAX, 14.0)


def test_every_bound_tells_how_often_it_was_hit() -> None:
    learning = learner()
    many = [path(n, [(0.0, f"c{n}"), (0.1, "a"), (0.2, f"d{n}")], 1.0) for n in range(200)]

    learning.learn([*many, path(1, [(0.0, "a")] * (TOUCHES_MAX + 1))])

    hit = learning.bounds_hit()
    assert hit["credit_channels_max"] > 0
    assert (hit["credit_sets_max"], hit["credit_touches_max"]) == (0, 1)
    assert restored(learning).bounds_hit() == hit


def test_an_app_of_its_own_has_rates_of_its_own() -> None:
    other = [replace(one, app_id="app.two", is_installed=False) for one in PATHS[:600]]
    learning = learner()
    learning.learn([*PATHS[:600], *other])
    learning.learn(PATHS[600:700])

    assert learning.fitted is not None
    assert learning.fitted.levels["app.two"] < learning.fitted.levels[APP] - 3
