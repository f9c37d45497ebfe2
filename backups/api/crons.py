"""The automatic backup as one of PocketBase's cron jobs."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework.response import Response

from backups import scheduler
from backups.site_settings import Stored

from .base import ViewSet, empty
from .exceptions import ApiError

AUTO_BACKUP = "__pbAutoBackup__"


class CronViewSet(ViewSet):
    """One job while there is a schedule; running it does not move the schedule."""

    def list(self, request: Any) -> Response:
        cron = Stored.load().cron
        jobs = [{"id": AUTO_BACKUP, "expression": cron}] if cron else []
        return Response(jobs)

    def run(self, request: Any, job: str) -> HttpResponseBase:
        if job != AUTO_BACKUP or not Stored.load().cron:
            raise ApiError(404, "Missing or invalid cron job.")
        scheduler.start_backup(actor=request.auth.name)
        return empty()
