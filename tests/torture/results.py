"""What a suite found: counted, printed as a table, kept as JSON and Markdown."""

import datetime
import json
import os
import platform
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("TORTURE_RESULTS", "")
"""Where the tables are written; nowhere if it is empty."""


class Table:
    """Rows by name, each of them counts by column; safe for several threads."""

    def __init__(self, name: str, title: str, command: str) -> None:
        self.name = name
        self.title = title
        self.command = command
        self.rows: dict[str, Counter[str]] = {}
        self.seconds: dict[str, float] = {}
        self.failures: list[str] = []
        self.notes: dict[str, Any] = {}
        self._longest = 0.0
        self._lock = threading.Lock()

    def count(self, row: str, *columns: str) -> None:
        with self._lock:
            self.rows.setdefault(row, Counter()).update(["points", *columns])

    def fail(self, row: str, text: str) -> None:
        with self._lock:
            self.rows.setdefault(row, Counter()).update(["points", "FAILED"])
            self.failures.append(f"{row}: {text}")

    def failures_of(self, row: str) -> list[str]:
        """Return the failures of the rows whose name begins so."""
        return [text for text in self.failures if text.startswith(row)]

    def took(self, what: str, began: float) -> None:
        """Note what took longest."""
        taken = time.monotonic() - began
        with self._lock:
            if taken > self._longest:
                self._longest = taken
                self.notes["longest"] = f"{taken:.1f} s, {what}"

    def timed(self, row: str, began: float) -> None:
        with self._lock:
            taken = time.monotonic() - began
            self.seconds[row] = self.seconds.get(row, 0) + taken

    @property
    def columns(self) -> list[str]:
        names = dict.fromkeys(c for counts in self.rows.values() for c in counts)
        names.pop("FAILED", None)
        return [*names, "FAILED"]

    def lines(self) -> list[str]:
        """Return the table in Markdown."""
        columns = self.columns
        total = sum(self.rows.values(), Counter())
        lines = [
            "| | " + " | ".join(columns) + " | seconds |",
            "|---|" + "---:|" * (len(columns) + 1),
        ]
        for row, counts in [*self.rows.items(), ("**all**", total)]:
            seconds = self.seconds.get(row, 0) or sum(self.seconds.values())
            cells = [str(counts[c]) for c in columns] + [f"{seconds:.0f}"]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
        return lines

    def store(self) -> None:
        """Write both files, as far as the suite has got."""
        if not FOLDER:
            return
        folder = Path(FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "command": self.command,
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "cpus": os.cpu_count(),
            **self.notes,
        }
        with self._lock:
            document = {
                "title": self.title,
                **facts,
                "rows": self.rows,
                "seconds": self.seconds,
                "failures": self.failures,
            }
            (folder / f"{self.name}.json").write_text(
                json.dumps(document, indent=1, ensure_ascii=False)
            )
            words = [f"- {name}: {value}" for name, value in facts.items()]
            failures = [f"- {failure}" for failure in self.failures]
            text = [f"## {self.title}", "", *self.lines(), "", *words, "", *failures]
            (folder / f"{self.name}.md").write_text("\n".join(text).rstrip() + "\n")
