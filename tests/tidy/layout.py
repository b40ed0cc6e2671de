"""Rules on folders, files and sizes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import PurePosixPath

from tests.tidy.source_tree import PRODUCT, Module, Tree

MODULES_MAX = 12
FUNCTION_LINES_MAX = 45
FILE_LINES_MAX = 300
TEST_FILE_LINES_MAX = 400
README_LINES_MAX = 150
# Fields of study and stages of the pipeline: nouns of the trade that end in -ing.
NOUNS_IN_ING = frozenset(
    {
        "encoding",
        "parking",
        "matching",
        "learning",
        "routing",
        "accounting",
        "rounding",
        "scoring",
        "storing",
        "retargeting",
        "spending",
        "wording",
    }
)


def crowded_folders(tree: Tree) -> dict[str, str]:
    counts = Counter(module.folder for module in tree.modules() if not module.is_init)
    return {
        folder: f"holds {count} modules, at most {MODULES_MAX}: make rooms by subject"
        for folder, count in counts.items()
        if count > MODULES_MAX
    }


def long_functions(tree: Tree) -> dict[str, str]:
    found = {}
    for module in tree.modules():
        for node in module.definitions():
            lines = (node.end_lineno or 0) - node.lineno + 1
            if not isinstance(node, ast.ClassDef) and lines > FUNCTION_LINES_MAX:
                found[f"{module.path}: {node.name}"] = (
                    f"has {lines} lines, at most {FUNCTION_LINES_MAX}: give its steps names"
                )
    return found


def long_files(tree: Tree) -> dict[str, str]:
    found = {}
    for module in tree.modules():
        most = FILE_LINES_MAX if module.path.startswith(PRODUCT) else TEST_FILE_LINES_MAX
        if len(module.lines) > most:
            found[module.path] = f"has {len(module.lines)} lines, at most {most}: split by subject"
    return found


def long_readme(tree: Tree) -> dict[str, str]:
    lines = tree.documents().get("README.md", "").count("\n")
    if lines <= README_LINES_MAX:
        return {}
    return {
        "README.md": f"has {lines} lines, at most {README_LINES_MAX}: "
        "move what one kind of reader needs into the README of that package"
    }


def misnamed_files(tree: Tree) -> dict[str, str]:
    """A module with one public class, or one public function and no class, is named after it."""
    found = {}
    for module in tree.modules(PRODUCT):
        subject = _only_subject(module)
        if subject and not _are_related(module, subject):
            found[module.path] = f"holds only {subject}: give both the same name"
    return found


def _only_subject(module: Module) -> str | None:
    if module.name.startswith("__"):
        return None
    public = module.public()
    classes = [name for name, node in public.items() if isinstance(node, ast.ClassDef)]
    functions = [
        name
        for name, node in public.items()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    if len(classes) == 1 and not functions:
        return classes[0]
    return functions[0] if len(functions) == 1 and not classes else None


def _are_related(module: Module, subject: str) -> bool:
    """Whether they share a word, inflected or not; the name of the folder counts, too."""
    folder = module.folder.rsplit("/", 1)[-1]
    ours = words_of(module.name) + words_of(folder)
    return any(_share_stem(mine, other) for mine in ours for other in words_of(subject))


def _share_stem(left: str, right: str) -> bool:
    stem = min(len(left), len(right), 4)
    return left[:stem] == right[:stem] and stem >= 2


def words_of(name: str) -> list[str]:
    """The words of an identifier, in lower case: `HTTPServer_start` → http, server, start."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [part.lower() for part in parts]


def gerund_files(tree: Tree) -> dict[str, str]:
    return {
        module.path: "is named by a verb: name it after the thing it makes or holds"
        for module in tree.modules()
        if module.name.endswith("ing")
        and not module.name.startswith("test_")
        and module.name not in NOUNS_IN_ING
    }


def faceless_packages(tree: Tree) -> dict[str, str]:
    """Packages without a docstring and a non-empty `__all__`."""
    found = {}
    folders = {PurePosixPath(module.folder) for module in tree.modules(PRODUCT)}
    for folder in sorted(folders):
        path = f"{folder}/__init__.py"
        module = tree.module(path)
        if module is None:
            found[path] = "does not exist: say in a docstring what the room is, and set __all__"
        elif not ast.get_docstring(module.syntax):
            found[path] = "has no docstring: say in one or two sentences what the room is"
        elif not _is_listed(module):
            found[path] = "has no __all__: list what other rooms may use"
    return found


def _is_listed(module: Module) -> bool:
    node = module.top_level().get("__all__")
    value = getattr(node, "value", None)
    return isinstance(value, ast.List | ast.Tuple) and bool(value.elts)
