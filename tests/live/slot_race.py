"""Follow one schedule from many processes; run by ``test_schedule``.

Prints one line of JSON: how many processes ran each slot.
"""

import json
import multiprocessing
import random
import sys
import time

import django

SLOW = 0.002
"""Seconds that a process may come too late to a slot."""


def run(slots: int, barrier, runs) -> None:
    django.setup()
    from backups import scheduler
    from backups.site_settings import current_minute

    first = current_minute() + 1
    for number in range(slots):
        barrier.wait(30)
        time.sleep(random.uniform(0, SLOW))
        if scheduler.run_due(lambda: None, first + number):
            with runs.get_lock():
                runs[number] += 1


def main(processes: int, slots: int) -> None:
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(processes)
    runs = fork.Array("i", slots)
    children = [
        fork.Process(target=run, args=(slots, barrier, runs)) for _ in range(processes)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    statuses = [child.exitcode for child in children]
    print(json.dumps({"runs": list(runs), "statuses": statuses}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
