"""Every fenced block of every document is run, or read by the code that reads such files.

A block that cannot run here says why in its info string, `not-run="reason"`, and stands in NOT_RUN
below, so that nobody stops running a block unnoticed. Its commands and options are checked anyway.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from attribution.postbacks.conversion_schema import SchemaFile, read_schemas
from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules
from deploy.local.servers import KafkaServer
from online_models.targets.target_file import read_targets
from online_models.targets.targets import Targets
from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES
from streams.kafka.kcat import read_line
from streams.settings.tree import read_settings
from streams.store.base import Store
from streams.wiring.store import stored
from tests.documents.command_line import commands_in, fault_of
from tests.documents.conftest import clean_environment
from tests.documents.document import INDENTED, KAFKA, OUTPUT, Block, Document, blocks_in, documents

NOT_RUN: dict[tuple[str, str], int] = {
    ("CONTRIBUTING.md", "each takes minutes; CI runs them"): 1,
    ("CONTRIBUTING.md", "installs packages and runs everything"): 1,
    ("CONTRIBUTING.md", "runs tests inside a test"): 1,
    ("README.md", "takes minutes; tests and CI run both"): 1,
    ("README.md", "needs files of your own"): 1,
    ("schemas/README.md", "needs kcat"): 1,
    ("deploy/README.md", "changes the store"): 1,
    ("deploy/README.md", "changes the secrets of your installation"): 1,
    ("deploy/README.md", "needs the addresses of your servers"): 1,
    ("deploy/runbook.md", "needs a cluster"): 1,
    ("online_models/README.md", "needs versions with a history, and Kafka to take orders"): 1,
    ("online_models/experiments/README.md", "needs a file of your own"): 1,
    ("online_models/experiments/README.md", "needs the broker of your workers"): 1,
    ("tests/README.md", "takes long"): 1,
}
"""How many blocks of a document are not run, for which reason."""

LANGUAGES = {"sh", "sql", "json", "jsonl", "toml", "python", "text", "mermaid"}
BLOCK_SECONDS = 120
A_LATER_DAY = 1_900_000_000_000
PLACEHOLDERS = {
    "INSTALL_ID": "SELECT install_id FROM v_attributions ORDER BY install_id LIMIT 1",
}
"""What a reader replaces in a command, and where the test finds something to put there."""


def _named(block: Block) -> str:
    return block.location


def _with_commands() -> list[Document]:
    return [item for item in documents() if any(map(_is_script, item.blocks))]


def _is_script(block: Block) -> bool:
    return block.language in ("sh", "python") and block.not_run is None


@pytest.mark.parametrize("document", _with_commands(), ids=lambda item: item.name)
def test_commands_of_a_document_run_one_after_the_other(
    document: Document, workplace: Path
) -> None:
    blocks = [block for block in document.blocks if KAFKA not in block.marks]
    run_in_order(blocks, workplace, clean_environment())


@pytest.mark.parametrize(
    "document",
    [item for item in documents() if any(KAFKA in block.marks for block in item.blocks)],
    ids=lambda item: item.name,
)
def test_commands_of_a_document_run_beside_a_real_broker(
    document: Document, workplace: Path, kafka: KafkaServer
) -> None:
    environment = clean_environment() | {
        "HEADWATER_KAFKA": kafka.address,
        "HEADWATER_TOPIC_PREFIX": f"{document.name.replace('/', '-').lower()}-",
        "HEADWATER_METRICS_PORT": "0",
        "HEADWATER_PSEUDONYM_SECRET": "a secret of this test, of 32 bytes",
    }
    run_in_order(document.blocks, workplace, environment)


def run_in_order(
    blocks: tuple[Block, ...] | list[Block], folder: Path, environment: Mapping[str, str]
) -> None:
    """Run the scripts among the blocks, and compare the outputs that are shown of them."""
    printed = ""
    for block in blocks:
        if _is_script(block):
            printed = run(block, folder, environment)
        elif OUTPUT in block.marks and block.not_run is None:
            assert_shown(block, printed)


def run(block: Block, folder: Path, environment: Mapping[str, str]) -> str:
    """What one script printed to stdout; fails with its location and what it said."""
    text = block.text
    for name, sql in PLACEHOLDERS.items():
        if re.search(rf"\b{name}\b", text):
            text = re.sub(rf"\b{name}\b", _answer(sql, folder, environment), text)
    command = ["bash", "-euo", "pipefail"] if block.language == "sh" else ["python", "-"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(text, timeout=BLOCK_SECONDS)
    finally:
        _end_group(process.pid)
    assert process.returncode == 0, f"{block.location} fails:\n{text}\n{out}\n{errors}"
    return out


def _end_group(leader: int) -> None:
    """Whatever a script has left running in the background."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _answer(sql: str, folder: Path, environment: Mapping[str, str]) -> str:
    answer = subprocess.run(
        ["headwater", "query", "--json", sql],
        cwd=folder,
        env=dict(environment),
        check=True,
        capture_output=True,
        text=True,
    )
    return str(json.loads(answer.stdout)["rows"][0][0])


def assert_shown(block: Block, printed: str) -> None:
    """Every line that the document shows was printed, in this order; `…` stands for anything."""
    left = printed
    for line in filter(str.strip, block.text.splitlines()):
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        found = re.search(".*?".join(parts), left := _one_spaced(left))
        assert found, f"{block.location} shows a line that was not printed:\n{line}\n{left}"
        left = left[found.end() :]


def _one_spaced(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


@pytest.fixture(scope="module")
def store(replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("asked") / "data"
    shutil.copytree(replayed / ".headwater", folder, symlinks=True)
    with stored(read_settings({"HEADWATER_DATA": str(folder)})) as opened:
        yield opened


@pytest.mark.parametrize("block", blocks_in("sql"), ids=_named)
def test_every_statement_is_answered(block: Block, store: Store) -> None:
    if block.not_run is None:
        for statement in filter(str.strip, block.text.split(";")):
            store.query(statement)


@pytest.mark.parametrize("block", blocks_in("json", "jsonl"), ids=_named)
def test_every_json_is_what_it_looks_like(block: Block) -> None:
    texts = block.text.splitlines() if block.language == "jsonl" else [block.text]
    for text in texts:
        value = json.loads(text)
        if not isinstance(value, dict):
            continue
        if "payload" in value:
            read_line(text.encode(), block.location)
            value = value["payload"]
        if isinstance(value, dict) and (value.get("type"), value.get("schema_version")) in TYPES:
            _assert_event(value, block)


def _assert_event(value: dict[str, object], block: Block) -> None:
    topic = TOPIC_OF_TYPE[TYPES[str(value["type"]), int(str(value["schema_version"]))]]
    event = decode(json.dumps(value).encode(), topic, A_LATER_DAY, 0)
    assert not isinstance(event, Unreadable), f"{block.location}: {event}"


@pytest.mark.parametrize("block", blocks_in("toml"), ids=_named)
def test_every_toml_is_taken_as_the_file_it_shows(block: Block) -> None:
    names = set(tomllib.loads(block.text))
    if names & {"target", "value"}:
        assert isinstance(read_targets(block.text), Targets), block.location
    elif "schema" in names:
        assert isinstance(read_schemas(block.text), SchemaFile), block.location
    elif names & {"windows", "scope", "fraud", "probabilistic", "pair_model"}:
        assert isinstance(read_rules(block.text, Rules()), Rules), block.location


@pytest.mark.parametrize("block", blocks_in("sh", INDENTED), ids=_named)
def test_every_command_exists_and_takes_its_options(block: Block) -> None:
    faults = [fault for words in commands_in(block.text) if (fault := fault_of(words))]
    assert not faults, f"{block.location}: {faults}"


def test_every_block_names_a_language_that_is_checked() -> None:
    unknown = [
        f"{block.location}: {block.language!r}"
        for item in documents()
        for block in item.blocks
        if block.language not in LANGUAGES | {INDENTED}
    ]
    assert not unknown, f"use one of {sorted(LANGUAGES)}: {unknown}"


def test_blocks_that_are_not_run_are_those_that_are_known() -> None:
    found = Counter(
        (block.document, block.not_run)
        for item in documents()
        for block in item.blocks
        if block.not_run is not None
    )
    assert dict(found) == NOT_RUN, "change NOT_RUN where a block has good reason not to run"
