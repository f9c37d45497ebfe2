"""Take the lease in many processes at one moment; run by ``test_one_at_a_time``.

Prints one line of JSON: how many processes got it in each round.
"""

import json
import multiprocessing
import sys
import uuid

import django


def run(rounds: int, barrier, won, lost_at_release) -> None:
    django.setup()
    from backups import lease

    for number in range(rounds):
        token = uuid.uuid4()
        barrier.wait(30)
        has_it = lease.acquire(token)
        if has_it:
            with won.get_lock():
                won[number] += 1
        barrier.wait(30)
        if has_it:
            if lease.holder() != token or not lease.renew(token):
                lost_at_release.value += 1
            lease.release(token)


def main(processes: int, rounds: int) -> None:
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(processes)
    won = fork.Array("i", rounds)
    lost = fork.Value("i", 0)
    children = [
        fork.Process(target=run, args=(rounds, barrier, won, lost))
        for _ in range(processes)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    statuses = [child.exitcode for child in children]
    print(json.dumps({"won": list(won), "lost": lost.value, "statuses": statuses}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
