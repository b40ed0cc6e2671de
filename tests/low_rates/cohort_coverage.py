"""How often intervals of predicted payers hold what came, in worlds that change after forty days.

python -m tests.low_rates.cohort_coverage --worlds frailty renewal --installs 40000

Predictions at the install by the payer model, as it learned by then, are stored with what came of
them, and `v_predicted_payers` is asked. The first fifteen days have too little before them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from schemas.time import DAY_MS
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerReplay
from streams.lab.evaluation.replay.world_plan import WorldPlan, replay_worlds
from streams.lab.simulator.paying_worlds import BEGIN_MS, NEVER_PAYS, PayingWorld, make_paying_world
from streams.progress import ignore_progress
from streams.store.base import Store
from streams.store.embedded import EmbeddedStore
from streams.store.migrations import apply_migrations
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import booking, decision, prediction

Line = tuple[int, int, str, str, str, float, int]
"""Number, time, app, source and campaign of an install, its chance, and when it paid; 0: never."""

COLUMNS = (
    "n Int64, at Int64, app String, source String, campaign String, chance Float64, paid Int64"
)
_ID, _AT = "concat('i', toString(n.n))", "fromUnixTimestamp64Milli(n.at, 'UTC')"
INTO = {
    "attributions": f"""{_ID} AS install_id, {_ID} AS conversion_id,
        concat({_ID}, ':1') AS attribution_id, n.app AS app_id, n.source AS media_source,
        n.campaign AS campaign_id, {_AT} AS install_time, {_AT} AS conversion_time""",
    "predictions": f"""{_ID} AS install_id, concat({_ID}, ':payer:install') AS prediction_id,
        n.app AS app_id, {_AT} AS landmark_time, {_AT} AS predicted_at,
        CAST(map('d7', n.chance), 'Map(LowCardinality(String), Float64)') AS chances""",
    "revenue": f"""{_ID} AS install_id, {_ID} AS booking_id, {_ID} AS money_id,
        {_ID} AS transaction_id, n.app AS app_id, {_AT} AS install_time,
        fromUnixTimestamp64Milli(n.paid, 'UTC') AS event_time""",
}
"""What is replaced in the row of a template, by table."""

COVERED = f"""
SELECT grain, multiIf(day < toDate({BEGIN_MS // 1000}), 'before',
        day < toDate({BEGIN_MS // 1000}) + 7, 'week after', 'later') AS period,
    count(), avg(payers BETWEEN predicted_low AND predicted_high),
    countIf(predicted_payers >= 1),
    ifNull(avgIf(payers BETWEEN predicted_low AND predicted_high, predicted_payers >= 1), nan),
    avg(is_after_change), sum(payers) / sum(predicted_payers)
FROM v_predicted_payers
WHERE is_matured AND app_id != 'template'
    AND day >= (SELECT min(day) + 15 FROM v_predicted_payers WHERE app_id != 'template')
GROUP BY grain, period ORDER BY grain, period
"""
HEAD = (
    "world, disturbance: grain, period | cohorts, covered | of 1 or more predicted: cohorts, "
    "covered | after a change | actual over predicted"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=["frailty", "renewal"])
    parser.add_argument(
        "--disturbances", nargs="+", default=["steady", "campaign_shift", "price_change"]
    )
    parser.add_argument("--installs", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    plan = WorldPlan(chosen.installs, chosen.seed, tuple(chosen.worlds), tuple(chosen.disturbances))
    print(HEAD, flush=True)
    before: dict[str, list[Line]] = {}

    def make_world(name: str, disturbance: str) -> PayingWorld:
        return make_paying_world(name, disturbance, plan.seed, plan.installs)

    def replay_of(world: PayingWorld, earlier: PayerReplay | None) -> PayerReplay:
        if earlier is None:
            return PayerReplay.of_world(world, plan.seed, PayerModels(river=None))
        # What was predicted before the change is no part of a fork.
        before["lines"] = [*_lines(world, earlier)]
        return earlier.fork(world, plan.seed)

    for name, disturbance, world, replay in replay_worlds(
        plan, make_world, replay_of, ignore_progress
    ):
        for row in _covered([*before["lines"], *_lines(world, replay)]):
            grain, period, cohorts, held, large, held_large, changed, ratio = row
            print(
                f"{name}, {disturbance}: {grain}, {period} | {cohorts} {held:.3f} |"
                f" {large} {held_large:.3f} | {changed:.2f} | {ratio:.2f}",
                flush=True,
            )


def _lines(world: PayingWorld, replay: PayerReplay) -> Iterator[Line]:
    made, people = replay.predictions(), world.people
    for at in np.flatnonzero(made.landmark == 0).tolist():
        install, time = int(made.install[at]), int(made.time[at])
        after = int(world.lives.paid_ms[install])
        yield (
            install, time, f"a{people.app[install]}", f"s{people.source[install]}",
            f"c{people.campaign[install]}", float(made.predicted["full"][at, 0]),
            0 if after == NEVER_PAYS else time + after,
        )  # fmt: skip


def _covered(lines: list[Line]) -> list[tuple[str, str, int, float, int, float, float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "store")
        try:
            apply_migrations(store)
            _store(store, lines, Path(folder) / "lines.tsv")
            rows = store.query(COVERED).rows
        finally:
            store.close()
    return [tuple(row) for row in rows]


def _store(store: Store, lines: list[Line], path: Path) -> None:
    """As rows of one template for each table; one by one would take minutes."""
    first = lines[0][1] - DAY_MS
    put(
        store,
        [
            decision("t", install_time=first, conversion_time=first, app_id="template"),
            prediction("t", landmark_time=first, predicted_at=first, app_id="template"),
            booking("t", "t", install_time=first, event_time=first, app_id="template"),
        ],
    )
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    for table, values in INTO.items():
        who = "WHERE n.paid > 0" if table == "revenue" else ""
        store.execute(
            f"INSERT INTO {table} SELECT t.* REPLACE ({values}, n.n + 1 AS log_offset) "
            f"FROM (SELECT * FROM {table} LIMIT 1) AS t "
            f"CROSS JOIN file('{path}', 'TSV', '{COLUMNS}') AS n {who}"
        )


if __name__ == "__main__":
    main()
