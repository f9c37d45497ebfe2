"""Puts the tables of a run between two markers in a Markdown file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report import Table

BEGIN = "<!-- The last run begins: written by python -m bench --markdown -->"
END = "<!-- The last run ends -->"


def require_markers(path: Path) -> None:
    """End the program unless the tables have a place in that file."""
    before, _, after = path.read_text().partition(BEGIN) if path.exists() else ("",) * 3
    if END not in after or END in before:
        raise SystemExit(f"{path} lacks the two markers, {BEGIN} and {END}.")


def write_markdown(
    path: Path, machine: Mapping[str, str], started: str, tables: Sequence[Table]
) -> None:
    before, _, rest = path.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    described = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    parts = [
        f"Run of {started}.",
        f"| machine | |\n|---|---|\n{described}",
        *map(str, tables),
    ]
    body = "\n\n".join(part.strip() for part in parts)
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
