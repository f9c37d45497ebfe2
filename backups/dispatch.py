"""Where a claimed operation runs, and waiting for it.

In a process of its own: a web server kills workers that are busy for long and
replaces them when it reloads, and an operation must survive both.
"""

import logging
import subprocess
import threading
import time

from django.db import close_old_connections, connections

from backups.texts import gettext_noop as _

from . import operations
from .conf import get_settings
from .exceptions import OperationFailed
from .logs import log_event
from .models import Operation
from .process import start_command
from .texts import Text

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.25


def run(claim: operations.Claim) -> None:
    """Start what was claimed. Raises BackupError only if it runs inline."""
    if is_inline():
        operations.run_operation(claim)
        return
    try:
        child = start_command(
            "backup_run", str(claim.token), "--lock", str(claim.lock), lock=claim.lock
        )
    except Exception as error:
        log_event(
            logger, claim.token, "unstarted", level=logging.ERROR, exception=error
        )
        with claim:  # Settles it as failed.
            raise OperationFailed(
                _("The operation could not be started; the log says why.")
            ) from error
    log_event(logger, claim.token, "started", pid=child.pid)
    claim.hand_over()
    threading.Thread(target=_reap, args=(child, claim), daemon=True).start()


def is_inline() -> bool:
    """Whether operations run in the process and the request that start them."""
    return get_settings().DISPATCH == "inline"


def wait(claim: operations.Claim, *, phase: str | None = None) -> Operation:
    """Return the operation once it has ended, or has reached *phase*.

    The work does not depend on anybody waiting. While this request waits it
    holds nothing but a thread.
    """
    pause = FIRST_PAUSE
    while True:
        operation = Operation.objects.get(token=claim.token)
        if operation.state != Operation.State.RUNNING:
            return operation
        if phase and operation.phase == phase:
            return operation
        close_old_connections()
        time.sleep(pause)
        pause = min(pause * 1.3, LONGEST_PAUSE)


def _reap(child: subprocess.Popen[bytes], claim: operations.Claim) -> None:
    """Wait for the process, and settle the operation if it could not itself."""
    try:
        status = child.wait()
        if status != 0:
            operations.settle_dead(claim.token, _cause(status))
    except Exception as error:  # noqa: BLE001  # A thread has no caller to tell.
        log_event(
            logger, claim.token, "unsettled", level=logging.ERROR, exception=error
        )
    finally:
        connections.close_all()


def _cause(status: int) -> Text:
    if status < 0:
        return Text(_("The process that ran it was killed by signal %(n)d."), n=-status)
    return Text(_("The process that ran it ended with status %(n)d."), n=status)
