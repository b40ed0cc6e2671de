"""A damaged state folder is noticed, and read anew; one that cannot be used says why."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.time import HOUR_MS, LogMs
from streams.runtime.rocks.faults import StateDamagedError, StateFolderError
from streams.runtime.state import RocksStore
from tests.checkout import ROOT

KEYS = 1_000
Damage = Callable[[Path], None]


def hourly(key: bytes, value: bytes) -> int:
    return HOUR_MS


def filled(folder: Path) -> Path:
    store = RocksStore(folder, hourly)
    for burst in range(10):
        store.apply({b"%02d-%03d" % (burst, n): os.urandom(500) for n in range(KEYS // 10)}, burst)
    store.close()
    return folder


def each(pattern: str, do: Callable[[Path], object]) -> Damage:
    def damage(folder: Path) -> None:
        for path in list(folder.glob(pattern)):
            do(path)

    return damage


def remove(pattern: str) -> Damage:
    return each(pattern, Path.unlink)


def halve(pattern: str) -> Damage:
    return each(pattern, lambda path: os.truncate(path, path.stat().st_size // 2))


def garble(pattern: str) -> Damage:
    return each(pattern, lambda path: path.write_bytes(b"garbage" * 20))


def spoil_a_block(folder: Path, at: float = 0.5) -> None:
    """The file keeps its size, so that only reading the block shows it; `at`: a share of it."""
    (table,) = folder.glob("*.sst")
    octets = table.read_bytes()
    middle = int(len(octets) * at)
    table.write_bytes(octets[:middle] + os.urandom(100) + octets[middle + 100 :])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(remove("MANIFEST*"), id="the manifest is gone"),
        pytest.param(remove("CURRENT"), id="CURRENT is gone"),
        pytest.param(remove("*.sst"), id="a table is gone"),
        pytest.param(halve("*.sst"), id="a table is cut in half"),
        pytest.param(garble("CURRENT"), id="garbage in CURRENT"),
        pytest.param(garble("MANIFEST*"), id="garbage in the manifest"),
    ],
)
def test_a_damaged_folder_is_emptied_with_one_line(
    damage: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(filled(tmp_path / "0"))
    store = RocksStore(tmp_path / "0")
    assert (store.position, store.origin, list(store.entries())) == (0, "", [])
    store.apply({b"a": b"1"}, 1)
    store.close()
    (line,) = caplog.messages
    assert line.startswith(f"state folder {tmp_path / '0'} is damaged")
    assert line.endswith("it is read anew from the changelog")


def test_garbage_in_the_log_of_rocksdb_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    garble("LOG")(filled(tmp_path / "0"))
    store = RocksStore(tmp_path / "0")
    assert len(list(store.entries())) == KEYS
    store.close()
    assert caplog.messages == []


def test_damage_within_a_table_never_looks_like_the_end_of_the_state(tmp_path: Path) -> None:
    """RocksDB's iterator just ends there, with half of the keys."""
    spoil_a_block(filled(tmp_path / "0"))
    store = RocksStore(tmp_path / "0", hourly)
    with pytest.raises(StateDamagedError):
        list(store.entries())
    with pytest.raises(StateDamagedError, match="checksum"):
        store.get_many([b"%02d-%03d" % (burst, n) for burst in range(10) for n in range(100)])
    store.clear()
    assert (store.position, list(store.entries())) == (0, [])
    store.close()


def test_damage_in_the_index_of_hours_hides_no_expired_key(tmp_path: Path) -> None:
    """The index comes before the keys, so only an index without keys behind it can end early."""
    store = RocksStore(tmp_path / "0", hourly)
    keys = [os.urandom(300) for _ in range(2_000)]
    store.apply(dict.fromkeys(keys, b""), 1)
    store.apply(dict.fromkeys(keys), 2)
    store.close()
    spoil_a_block(tmp_path / "0", at=0.25)  # The other half of it is deletions of the keys.
    again = RocksStore(tmp_path / "0", hourly)
    with pytest.raises(StateDamagedError):
        again.expired(LogMs(5 * HOUR_MS))
    again.close()


HOLDER = """
import sys
from pathlib import Path
from streams.runtime.state import RocksStore
store = RocksStore(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_folder_that_another_worker_uses_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path / "0")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "0")],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StateFolderError, match="HEADWATER_STATE_DIR of its own"):
            RocksStore(tmp_path / "0")
        other.stdin.close()
    store = RocksStore(tmp_path / "0")
    assert len(list(store.entries())) == KEYS
    store.close()


def test_a_file_in_the_place_of_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("not a folder")
    with pytest.raises(StateFolderError, match="it is a file"):
        RocksStore(tmp_path / "0")
    assert (tmp_path / "0").read_text() == "not a folder"


def test_a_folder_that_cannot_be_made_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "gone")
    for place in (tmp_path / "gone" / "0", Path("/proc/headwater/0")):
        with pytest.raises(StateFolderError, match="choose another HEADWATER_STATE_DIR"):
            RocksStore(place)


def test_the_log_that_a_store_is_bound_to_survives_a_restart_and_no_clearing(
    tmp_path: Path,
) -> None:
    store = RocksStore(tmp_path / "0")
    store.bind("cluster/topic/0")
    store.apply({b"a": b"1"}, 3)
    store.close()
    again = RocksStore(tmp_path / "0")
    assert (again.origin, list(again.entries())) == ("cluster/topic/0", [(b"a", b"1")])
    again.clear()
    assert again.origin == ""
    again.close()
