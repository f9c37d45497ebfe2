"""The operational tables: lease, history, settings and login limiter.

They stay out of every archive and survive every restore, so they hold no
foreign key into the site's own tables and no key that a sequence hands out.
"""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from .texts import Text


class Lease(models.Model):
    """The one row that lets one operation run at a time.

    Free while ``token`` is empty or ``expires`` has passed by the clock of the
    database.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    token = models.UUIDField(null=True)
    expires = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("lease")

    def __str__(self) -> str:
        return str(self.token or "free")


class Operation(models.Model):
    """One row of the history: what ran, for whom, and how it ended."""

    class Kind(models.TextChoices):
        CREATE = "create", _("create")
        RESTORE = "restore", _("restore")
        VERIFY = "verify", _("verify")
        UPLOAD = "upload", _("upload")
        DELETE = "delete", _("delete")

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    token = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=1024)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    phase = models.CharField(max_length=32, blank=True)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    error = models.TextField(blank=True)
    cause = models.JSONField(default=dict)
    """``error`` as ``Text.as_json`` has it."""

    notes = models.JSONField(default=list)
    """Remarks, each as ``Text.as_json`` has it."""

    phases = models.JSONField(default=list)
    """The phases that it went through: ``[name, ISO time of its beginning]``."""

    contents = models.JSONField(default=dict)
    """What the archive that it made or took in holds: ``databases``, ``files``, and
    ``file_bytes``, the bytes of all files, where it was made here."""

    safety_key = models.CharField(max_length=1024, blank=True)

    class Meta:
        ordering = ["-started"]
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        indexes = [models.Index(fields=["-started"], name="backups_op_started")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.state}"

    @property
    def reason(self) -> Text:
        """Why it failed; "" if it did not."""
        return Text.from_json(self.cause or self.error)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.finished - self.started).total_seconds() if self.finished else None

    @property
    def remarks(self) -> list[Text]:
        return [Text.from_json(note) for note in self.notes]


class Backup(Operation):
    """What the admin's index names the page of backups by; it has no rows."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("backup")
        verbose_name_plural = _("backups")


class SiteSettings(models.Model):
    """The one row of settings that superusers change; see ``site_settings``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    content = models.JSONField(default=dict)
    slot = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("site settings")
        verbose_name_plural = _("site settings")

    def __str__(self) -> str:
        return "settings"


class LoginFailure(models.Model):
    """How often one address failed to log in since ``since``."""

    address = models.CharField(primary_key=True, max_length=64)
    since = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("login failure")
        verbose_name_plural = _("login failures")

    def __str__(self) -> str:
        return f"{self.address}: {self.count}"


STATE_MODELS: tuple[type[models.Model], ...] = (
    Lease,
    Operation,
    SiteSettings,
    LoginFailure,
)
