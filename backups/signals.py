"""Signals for those who watch; no operation depends on a receiver."""

from django.dispatch import Signal

operation_started = Signal()
"""Sent with ``operation`` (the history row) once the lease is taken."""

operation_finished = Signal()
"""Sent with ``operation`` once it has an outcome and the lease is free."""

site_restored = Signal()
"""Sent in every process of the site when it notices that a restore replaced
the data: drop here whatever your code keeps in memory."""
