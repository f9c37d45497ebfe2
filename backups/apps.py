"""The app's place in Django."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class BackupsConfig(AppConfig):
    name = "backups"
    verbose_name = _("Backups")

    def ready(self) -> None:
        from . import checks, notifications  # noqa: F401

        put_gate_first()


def put_gate_first() -> None:
    """Let every request pass the gate, unless the project has placed it itself.

    A restore is only whole if no request reads or writes meanwhile, so that
    does not depend on a line that a project could forget.
    """
    from .checks import GATE

    if GATE not in settings.MIDDLEWARE:
        settings.MIDDLEWARE = [GATE, *settings.MIDDLEWARE]
