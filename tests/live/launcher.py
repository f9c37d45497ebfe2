"""Commands of ``manage.py`` in processes that stop before their first step.

A test reads the process ids, attaches what it likes, sends SIGCONT, and reads
the exit statuses. Forking an interpreter that has Django loaded saves a second
each time, which is what makes killing a command at many points affordable.

stdin: one line of JSON ``[arguments, how many, file for the output]``
stdout: a line with the ids, then a line with the statuses
"""

import json
import os
import signal
import sys
import traceback

import django
from django.core.checks import run_checks
from django.core.management import (
    ManagementUtility,
    get_commands,
    load_command_class,
)
from django.db import connections


def main() -> None:
    django.setup()
    for command, app in get_commands().items():
        if app == "backups":
            load_command_class(app, command)
    run_checks()  # Which imports the views.
    connections.close_all()
    for line in sys.stdin:
        arguments, count, output = json.loads(line)
        pids = [start(arguments, output) for _ in range(count)]
        print(json.dumps(pids), flush=True)
        ends = [os.waitpid(pid, 0)[1] for pid in pids]
        print(json.dumps([os.waitstatus_to_exitcode(end) for end in ends]), flush=True)


def start(arguments: list[str], output: str) -> int:
    """Return the id of a new process that waits for SIGCONT."""
    if child := os.fork():
        return child
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    status = 70
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
        ManagementUtility(["manage.py", *arguments]).execute()
        status = 0
    except SystemExit as error:
        status = int(error.code or 0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
