"""Writes the generated documents beside the structs: `python -m schemas.contracts`."""

from __future__ import annotations

from pathlib import Path

from schemas.contracts.documents import documents, read_examples, read_migrations
from schemas.contracts.example_blocks import with_examples


def _main() -> None:
    schemas = Path(__file__).parent.parent
    examples = read_examples(schemas / "examples")
    migrations = read_migrations(schemas / "migrations")
    metrics = (schemas / "metrics.toml").read_text(encoding="utf-8")
    for name, body in documents(examples, migrations, metrics).items():
        path = schemas / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    page = schemas / "README.md"
    page.write_text(with_examples(page.read_text(encoding="utf-8"), examples), encoding="utf-8")


if __name__ == "__main__":
    _main()
