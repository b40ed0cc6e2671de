"""Each rule finds the offence it is there for, in a tree made for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy.allowances import allowed, shrink, write
from tests.tidy.rules import RULES
from tests.tidy.source_tree import Tree

SETTING = 'class S(Struct):\n    a: int = field(name="HEADWATER_A", default=1)\n'
LONG = "\n".join(["    x = 1"] * 46)

EXAMPLES: list[tuple[str, dict[str, str], str]] = [
    ("crowded_folders", {f"streams/stages/m{i}.py": "" for i in range(13)}, "streams/stages"),
    ("long_functions", {"schemas/a.py": f"def f():\n{LONG}\n"}, "schemas/a.py: f"),
    ("long_files", {"schemas/a.py": "x = 1\n" * 301}, "schemas/a.py"),
    ("long_files", {"tests/test_a.py": "x = 1\n" * 401}, "tests/test_a.py"),
    ("long_readme", {"README.md": "line\n" * 151}, "README.md"),
    ("misnamed_files", {"streams/lag.py": "class Engine: ...\n"}, "streams/lag.py"),
    ("misnamed_files", {"streams/lag.py": "def caught_up(): ...\n"}, "streams/lag.py"),
    ("gerund_files", {"streams/opening.py": ""}, "streams/opening.py"),
    ("faceless_packages", {"streams/kafka/caught_up.py": ""}, "streams/kafka/__init__.py"),
    ("faceless_packages", {"streams/__init__.py": '__all__ = ["a"]\n'}, "streams/__init__.py"),
    ("faceless_packages", {"streams/__init__.py": '"""Room."""\n'}, "streams/__init__.py"),
    (
        "faceless_packages",
        {"streams/__init__.py": '"""Room."""\n__all__: list[str] = []\n'},
        "streams/__init__.py",
    ),
    ("shared_names", {"schemas/a.py": "DAY = 1\n", "streams/b.py": "DAY: int = 1\n"}, "DAY"),
    ("shared_names", {"schemas/a.py": "def f(): ...\n", "streams/b.py": "class f: ...\n"}, "f"),
    ("empty_names", {"streams/utils.py": ""}, "streams/utils.py"),
    ("empty_names", {"streams/a.py": "def process(): ...\n"}, "streams/a.py: process"),
    ("empty_names", {"streams/a.py": "class LaneManager: ...\n"}, "streams/a.py: LaneManager"),
    ("private_words", {"streams/a.py": "def f(told): ...\n"}, "told"),
    ("private_words", {"streams/a.py": "class LessonPlan: ...\n"}, "LessonPlan"),
    ("private_words", {"streams/ordeal.py": ""}, "ordeal"),
    ("vague_locals", {"streams/a.py": "for one in ():\n    pass\n"}, "one"),
    (
        "private_phrases",
        {"streams/a.py": '"""What becomes of it."""\n'},
        "what becomes of",
    ),
    (
        "private_phrases",
        {"streams/a.py": "# Matches\n# without ids.\n"},
        "matches without ids",
    ),
    ("private_phrases", {"streams/README.md": "The golden set.\n"}, "golden"),
    (
        "unread_settings",
        {"streams/settings/tree.py": SETTING},
        "HEADWATER_A",
    ),
    (
        "unexplained_metrics",
        {"streams/worker/metrics.py": 'READY = _gauge("ready", "Ready", "stage")\n'},
        "READY",
    ),
    ("unexplained_bounds", {"streams/a.py": "BYTES_MAX = 1\n"}, "BYTES_MAX"),
    (
        "unused_fields",
        {"schemas/events.py": "class Touchpoint:\n    cost_model: str\n"},
        "Touchpoint.cost_model",
    ),
    (
        "unjustified_exceptions",
        {"streams/a.py": "import os  # noqa: F401\n"},
        "streams/a.py: import os  # noqa: F401",
    ),
    (
        "unjustified_exceptions",
        {"streams/a.py": "x = 1  # type: ignore[misc]\n"},
        "streams/a.py: x = 1  # type: ignore[misc]",
    ),
    (
        "unjustified_exceptions",
        {"pyproject.toml": 'ignore = ["A"]\n'},
        'pyproject.toml: ignore = ["A"]',
    ),
]

INNOCENT: list[tuple[str, dict[str, str]]] = [
    (
        "crowded_folders",
        {f"streams/stages/m{i}.py": "" for i in range(12)} | {"streams/stages/__init__.py": ""},
    ),
    ("misnamed_files", {"streams/lag.py": "class LagWatch: ...\n"}),
    ("misnamed_files", {"streams/lag.py": "def f(): ...\ndef g(): ...\n"}),
    ("gerund_files", {"streams/learning.py": "", "tests/test_opening.py": ""}),
    ("faceless_packages", {"streams/__init__.py": '"""Room."""\n__all__ = ["a"]\n'}),
    (
        "shared_names",
        {"schemas/a.py": "_f = 1\ng = 1\n", "streams/b.py": "_f = 1\nfrom schemas.a import g\n"},
    ),
    ("vague_locals", {"streams/a.py": "x = [one for one in ()]\ny = lambda one: one\n"}),
    ("vague_locals", {"streams/a.py": "def f(one, other): ...\none, other = f(1, 2)\n"}),
    ("unexplained_bounds", {"streams/a.py": "BYTES_MAX = 1  # of a frame\n"}),
    ("unexplained_bounds", {"streams/a.py": 'BYTES_MAX = 1\n"""Of a frame."""\n'}),
    (
        "unread_settings",
        {
            "streams/settings/tree.py": SETTING,
            "streams/cli/x.py": "print(settings.a)\n",
        },
    ),
    (
        "unused_fields",
        {
            "schemas/events.py": "class Touchpoint:\n    cost_model: str\n    site_id: str\n",
            "schemas/migrations/0001.sql": "CREATE TABLE t (\n    site_id String\n)\n",
            "attribution/a.py": "print(touchpoint.cost_model)\n",
        },
    ),
    ("unjustified_exceptions", {"streams/a.py": "import os  # noqa: F401  # Registers itself.\n"}),
    ("unjustified_exceptions", {"streams/a.py": "# Registers itself.\nimport os  # noqa: F401\n"}),
]


def tree_of(root: Path, files: dict[str, str]) -> Tree:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Tree(root)


@pytest.mark.parametrize(("rule", "files", "offender"), EXAMPLES)
def test_a_rule_names_its_offender(
    tmp_path: Path, rule: str, files: dict[str, str], offender: str
) -> None:
    found = RULES[rule](tree_of(tmp_path, files))
    assert list(found) == [offender]
    assert len(found[offender]) > 20  # It says what to do.


@pytest.mark.parametrize(("rule", "files"), INNOCENT)
def test_a_rule_lets_the_innocent_pass(tmp_path: Path, rule: str, files: dict[str, str]) -> None:
    assert RULES[rule](tree_of(tmp_path, files)) == {}


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, _, _ in EXAMPLES} == set(RULES)


def test_allowances_are_read_as_they_are_written_and_shrink(tmp_path: Path) -> None:
    write("names", {"a: x": "", "b": "both are days"}, tmp_path)
    assert allowed("names", tmp_path) == {"a: x": "", "b": "both are days"}
    assert shrink("names", {"b": "still"}, tmp_path) == 1
    assert allowed("names", tmp_path) == {"b": "both are days"}
    assert shrink("names", {}, tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
