"""What became of the mutants, as a table, and as files for those who keep them."""

import collections
import dataclasses
import json
import re
from pathlib import Path

from .hostile_trial import Outcome

PHASES = ("upload", "fetching", "verifying", "checking", "migrating", "accepted")
"""A restore opens the archive and compares the site while it is “fetching”."""


def write_report(
    outcomes: list[Outcome], failures: list[str], summary: str, folder: str | None
) -> str:
    """Return the report; store it as JSON and Markdown if there is a folder."""
    text = "\n".join([summary, "", *table(outcomes), "", *sentences(outcomes)])
    if folder:
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        (target / "hostile.md").write_text(f"# Hostile archives\n\n{text}\n")
        content = {
            "summary": summary,
            "failures": failures,
            "outcomes": [dataclasses.asdict(outcome) for outcome in outcomes],
        }
        (target / "hostile.json").write_text(json.dumps(content, indent=1))
    return text


def table(outcomes: list[Outcome]) -> list[str]:
    counts = collections.Counter((o.family, o.phase) for o in outcomes)
    phases = [*PHASES, *sorted({o.phase for o in outcomes} - {*PHASES})]
    lines = [
        f"| family | mutants | {' | '.join(phases)} |",
        "|---" * 2 + "|--:" * len(phases) + "|",
    ]
    for family in [*dict.fromkeys(sorted(o.family for o in outcomes)), None]:
        cells = [
            sum(n for (f, p), n in counts.items() if p == phase and family in (f, None))
            for phase in phases
        ]
        numbers = " | ".join(str(n) if n else "" for n in cells)
        lines.append(f"| {family or 'all'} | {sum(cells)} | {numbers} |")
    return lines


def sentences(outcomes: list[Outcome]) -> list[str]:
    """Return the refusals of each family, alike ones only once."""
    lines: list[str] = []
    for family in dict.fromkeys(sorted(o.family for o in outcomes)):
        found = collections.Counter(
            shape(o.refusal) for o in outcomes if o.family == family and o.refusal
        )
        lines += ["", f"### {family}", ""]
        lines += [f"* {n} × {text}" for text, n in found.most_common()]
    return lines


def shape(refusal: str) -> str:
    """Return the sentence without the names and numbers that vary."""
    return re.sub(r"\d+", "N", re.sub("“.*?”", "“…”", refusal))
