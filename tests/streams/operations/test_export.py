"""A view becomes a file, as a whole or not at all, and what cannot be meant is one line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from schemas.time import DAY_MS
from streams.cli.command_line import main
from streams.store.migrations import apply_migrations
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, decision

pytest.importorskip("chdb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from streams.store.embedded import EmbeddedStore

    made = tmp_path_factory.mktemp("export")
    store = EmbeddedStore(made / "chdb")
    apply_migrations(store)
    late = {"install_time": NOON + DAY_MS, "conversion_time": NOON + DAY_MS}
    formula = decision("i2", campaign_name="=1+1", **late)
    put(store, [decision("i1"), formula, decision("i3", app_id="run", **late)])
    store.close()
    return made


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(folder: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["export", *arguments, "--data", str(folder)])
    return int(end.value.code or 0)


def test_files_hold_what_the_view_says(folder: Path, place: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    assert export(folder, "v_attributions") == 0
    table = parquet.read_table(io.BytesIO((place / "v_attributions.parquet").read_bytes()))
    assert sorted(table["install_id"].to_pylist()) == ["i1", "i2", "i3"]
    assert export(folder, "v_attributions", "--format", "arrow", "--out", "a") == 0
    assert pa.ipc.open_file(place / "a").read_all().num_rows == 3
    assert export(folder, "v_attributions", "--format", "csv", "--out", "c.csv") == 0
    lines = (place / "c.csv").read_text().splitlines()
    assert lines[0].startswith('"attribution_id","conversion_id"')
    assert len(lines) == 4


def test_csv_holds_no_formula_and_parquet_the_text_itself(folder: Path, place: Path) -> None:
    from pyarrow import parquet

    assert export(folder, "v_credited_conversions", "--format", "csv", "--out", "c.csv") == 0
    assert '"\'=1+1"' in (place / "c.csv").read_text()
    assert export(folder, "v_credited_conversions", "--out", "p") == 0
    assert "=1+1" in parquet.read_table(place / "p")["campaign_name"].to_pylist()


def test_days_and_apps_narrow_it(
    folder: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, rows in (
        (["--since", "2026-01-02"], 2), (["--app", "puzzle"], 2),
        (["--since", "2026-01-02", "--app", "run"], 1),
        # 12:00 UTC is 2 January, 01:00 in Auckland.
        (["--since", "2026-01-02", "--zone", "Pacific/Auckland"], 3),
    ):  # fmt: skip
        assert export(folder, "v_attributions", *arguments, "--out", "x", "--json") == 0
        assert json.loads(capsys.readouterr().out)["rows"] == rows


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["v_nothing"], "there is no view 'v_nothing'; the views are v_"),
        (["v_attributions; DROP TABLE touches"], "there is no view"),
        (["v_attributions", "--app", "x'"], 'there is no app "x\'"; the apps are puzzle, run'),
        (["v_attributions", "--since", "2999-01-01"], "in the future"),
        (["v_attributions", "--since", "2026-01-01", "--zone", "Mars/Base"], "no time zone"),
        (["v_log_time", "--app", "puzzle"], "no column app_id"),
        (["v_app_zones", "--since", "2026-01-01"], "no day and no time"),
        (["v_retention", "--since", "2026-01-01", "--zone", "Asia/Tokyo"], "are UTC"),
        (["v_attributions", "--out", "missing/x.parquet"], "missing/x.parquet: No such file"),
        (["v_attributions", "--out", "/dev/full/x"], "/dev/full/x: Not a directory"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    folder: Path,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    assert export(folder, *arguments) == 1
    line = capsys.readouterr().err
    assert text in line
    assert line.count("\n") == 1
    assert list(place.iterdir()) == []


def test_a_full_disk_leaves_the_file_of_yesterday(
    folder: Path, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "x.csv").write_text("yesterday")
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system refuses to write further, as on a full disk; too small even for three rows.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        code = export(folder, "v_attributions", "--format", "csv", "--out", "x.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1
    assert capsys.readouterr().err.startswith("headwater: x.csv: ")
    assert (place / "x.csv").read_text() == "yesterday"
    assert [file.name for file in place.iterdir()] == ["x.csv"]
