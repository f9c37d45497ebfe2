"""``python -m bench``: measure, print tables, and keep them.

Every table has one line for each contestant, and its ratios are to the first
line, which is ours: 5.00 took five times as long in the same round.
"""

import argparse
import datetime
import json
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.dataset import SHAPES, get_dataset
from bench.goals import goals_table
from bench.jobs import JOBS, SITE_JOBS, Bench, run_other_jobs, run_site_jobs
from bench.machine import describe_machine
from bench.markdown import require_markers, write_markdown
from bench.measure import adopt_orphans
from bench.memory import COUNTS, MILLION


def main() -> None:
    options = parse_options()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if options.markdown:
        require_markers(options.markdown)
    adopt_orphans()
    # So that servers end and results are deleted when it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counts = (*COUNTS, MILLION) if options.million else COUNTS
    bench = Bench(folder, options.rounds, options.scale, options.only, counts)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    machine = describe_machine(folder)
    about = {"started": started, "scale": options.scale, "machine": machine}
    try:
        run_jobs(bench, options.sites, options.jobs)
    finally:
        # What was found until then is worth having, however it ends.
        target = options.json or folder / "results.json"
        target.write_text(json.dumps(about | bench.as_json(), indent=1))
    goals = goals_table(bench)
    print(goals)
    if options.markdown:
        write_markdown(options.markdown, machine, started, [goals, *bench.tables()])


def run_jobs(bench: Bench, kinds: list[str], jobs: list[str]) -> None:
    for kind in kinds if {*jobs} & {*SITE_JOBS} else ():
        data = get_dataset(kind, bench.scale, bench.folder / "sites")
        print(f"{data.name}: {data.files:,} files, {data.bytes / 1e6:,.0f} MB")
        run_site_jobs(bench, data, jobs)
    run_other_jobs(bench, jobs)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure backups beside what else there is."
    )
    parser.add_argument("--sites", type=names_of(SHAPES), default=[*SHAPES])
    parser.add_argument("--jobs", type=names_of(JOBS), default=[*JOBS])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("data/bench"))
    parser.add_argument("--json", type=Path, help="FOLDER/results.json by default.")
    parser.add_argument(
        "--markdown", type=Path, help="A file with the two markers for the tables."
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="Of all sizes and numbers."
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAMES",
        help="Parts of the names of the peers that run; ours always do.",
    )
    parser.add_argument(
        "--million", action="store_true", help="Memory at 1,000,000 files, too."
    )
    return parser.parse_args()


def names_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what turns a list with commas into names, all of them known."""
    allowed = list(known)

    def parse(text: str) -> list[str]:
        names = text.split(",")
        if strange := set(names) - set(allowed):
            raise argparse.ArgumentTypeError(
                f"{', '.join(strange)}: not one of {', '.join(allowed)}"
            )
        return names

    return parse


if __name__ == "__main__":
    main()
