"""Says at the end of every run which real servers the tests used; keeps long tests apart."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

from deploy.local.servers import clickhouse_absence, kafka_absence
from tests import servers_in_use

ABSENCE = {"Kafka": kafka_absence, "clickhouse-server": clickhouse_absence}


# Machines can be busy: how long an example takes says nothing about it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

BEGUN_FIRST = (
    "integration/workers/test_same_digest.py",
    "simulation/test_seeds.py",
    "integration/commands/test_doctor.py",
    "integration/commands/test_demo.py",
    "documents/test_blocks.py",
    "integration/workers/test_chaos_short.py",
    "real_data/test_complete_journey.py",
    "integration/storing/test_rebalance.py",
    "integration/workers/test_models_kafka.py",
    "real_data/test_cdnow.py",
    "integration/workers/test_worker_roles.py",
    "integration/commands/test_bench.py",
    "streams/store/views/test_revenue.py",
    "streams/store/views/test_money_issues.py",
    "streams/store/erasure/test_erase_rows.py",
    "streams/store/test_digest.py",
    "streams/store/test_retention.py",
    "streams/store/cohorts/test_cohorts.py",
    "streams/cli/test_dead_letters.py",
    "streams/operations/validation/test_verdict.py",
    "streams/operations/validation/test_submissions.py",
)
"""The files that take longest. Where several run at a time, one of them at the end would leave the
other cores idle for minutes. Those of servers, which wait, and those that compute take turns."""

CHAOS = "chaos: kills for many minutes; `make chaos` runs these, a plain run leaves them out"
SOAK = "soak: computes for minutes; `make soak` runs these, a plain run leaves them out"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", CHAOS)
    config.addinivalue_line("markers", SOAK)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests out unless they are asked for by their marker; begin with long files.

    Laws go through the same lines hundreds of times, which takes twice as long under a tracer: what
    is covered, examples cover.
    """
    for item in items:
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):  # A process of xdist.
        items.sort(key=_place)
    if "chaos" in config.option.markexpr or "soak" in config.option.markexpr:
        return
    config.hook.pytest_deselected(items=[item for item in items if _is_long(item)])
    items[:] = [item for item in items if not _is_long(item)]


def _place(item: pytest.Item) -> int:
    """Stable: files that are not named stay in their order, behind those that are."""
    file = item.nodeid.partition("::")[0].removeprefix("tests/")
    return BEGUN_FIRST.index(file) if file in BEGUN_FIRST else len(BEGUN_FIRST)


def _is_long(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) is not None for name in ("chaos", "soak"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test of a required server may not be skipped, whatever its reason."""
    report = yield
    fixtures = getattr(item, "fixturenames", ())
    markers = [marker.name for marker in item.iter_markers()]
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and servers_in_use.needs_required(fixtures, markers)
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped although HEADWATER_REQUIRE is set: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under xdist, tell the process that prints the summary what this one used."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["servers"] = servers_in_use.noted(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect what a finished xdist worker used."""
    for server, version in getattr(node, "workeroutput", {}).get("servers", {}).items():
        servers_in_use.note(node.config, server, version)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.option.collectonly:
        return
    used = servers_in_use.noted(config)
    say = terminalreporter.write_line
    terminalreporter.section("servers")
    for server, absence in ABSENCE.items():
        if server in used:
            say(f"{server} {used[server]}: used, a real server on loopback")
        else:
            say(f"{server}: not used, {absence() or 'no test of this run asked for it'}")
    for name, version in servers_in_use.embedded_installed().items():
        what = {"chdb": "ClickHouse in a folder", "confluent-kafka": "in-memory broker"}[name]
        say(f"{name} {version}: {'used' if name in used else 'installed'}, embedded {what}")
