"""A verb that is tried in many ways on each site, with what came of it counted."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.live.crash import Call

from .calls import record
from .places import Patient
from .results import Table
from .verbs import Verb

Attempt = tuple[str, Callable[[], list[str]]]
"""What is done in words, and what does it and returns the columns that count it."""
Choose = Callable[[Verb, list[Call]], Iterable[Attempt]]
"""What chooses the attempts among the calls that a verb makes."""


def try_everywhere(
    sites: list[Patient], kind: type[Verb], table: Table, choose: Choose
) -> None:
    """Try a verb on all sites at a time; fail if an attempt did on one."""
    with ThreadPoolExecutor(len(sites)) as pool:
        for done in [pool.submit(try_all, kind(site), table, choose) for site in sites]:
            done.result()
    table.store()
    assert table.failures_of(f"{kind.__name__.lower()},") == []


def try_all(verb: Verb, table: Table, choose: Choose) -> None:
    row = f"{verb.name}, {verb.patient.mode}"
    began = time.monotonic()
    for what, attempt in choose(verb, record_calls(verb)):
        start = time.monotonic()
        try:
            table.count(row, *attempt())
        except AssertionError as reason:
            table.fail(row, f"{what}: {reason}")
            table.store()
        table.took(f"{row}: {what}", start)
        verb.clean()
    table.timed(row, began)


def record_calls(verb: Verb) -> list[Call]:
    """Return the calls of an undisturbed run that change the site."""
    patient = verb.patient
    verb.prepare()
    calls = record(patient.site, patient.launcher, *verb.arguments)
    verb.judge()
    verb.clean()
    return calls
