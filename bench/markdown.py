"""Puts the tables of a run between two markers in a Markdown file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report import Table

BEGIN = "<!-- The last run begins: written by python -m bench --markdown -->"
END = "<!-- The last run ends -->"


def write_markdown(
    path: Path, machine: Mapping[str, str], started: str, tables: Sequence[Table]
) -> None:
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path} lacks the two markers, {BEGIN} and {END}.")
    described = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    parts = [
        f"Run of {started}.",
        f"| machine | |\n|---|---|\n{described}",
        *map(str, tables),
    ]
    body = "\n\n".join(part.strip() for part in parts)
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
