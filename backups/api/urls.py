"""The paths below ``/api/``. Whatever is not here is 404 in the envelope."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from .accounts import (
    AuthMethodsView,
    AuthRefreshView,
    AuthWithPasswordView,
    FileTokenView,
)
from .base import UnknownPath
from .crons import CronViewSet
from .dashboard import CollectionsView, OAuth2ProvidersView, ScaffoldsView
from .paths import UNCLEAN, clean_path
from .settings import S3TestView, SettingsView
from .views import BackupViewSet, HealthView, OperationViewSet

app_name = "backups-api"

router = SimpleRouter(trailing_slash=False)
router.register("backups", BackupViewSet, basename="backup")
router.register("operations", OperationViewSet, basename="operation")
router.register("crons", CronViewSet, basename="cron")

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("files/token", FileTokenView.as_view()),
    path(
        "collections/<str:collection>/auth-with-password",
        AuthWithPasswordView.as_view(),
    ),
    path("collections/<str:collection>/auth-refresh", AuthRefreshView.as_view()),
    path("collections/<str:collection>/auth-methods", AuthMethodsView.as_view()),
    path("collections", CollectionsView.as_view()),
    path("collections/meta/scaffolds", ScaffoldsView.as_view()),
    path("collections/meta/oauth2-providers", OAuth2ProvidersView.as_view()),
    path("settings", SettingsView.as_view()),
    path("settings/test/s3", S3TestView.as_view()),
    path("crons/<str:job>", CronViewSet.as_view({"post": "run"})),
    *router.urls,
    # A key with an encoded slash in it; a real slash is told apart in the view.
    re_path(
        r"^backups/(?P<key>.+)/restore\Z", BackupViewSet.as_view({"post": "restore"})
    ),
    re_path(
        r"^backups/(?P<key>.+)/verify\Z", BackupViewSet.as_view({"post": "verify"})
    ),
    re_path(
        r"^backups/(?P<key>.+)/preview\Z", BackupViewSet.as_view({"get": "preview"})
    ),
    re_path(
        r"^backups/(?P<key>.*[^/])\Z",
        BackupViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    re_path(UNCLEAN, clean_path),
    re_path(r"", UnknownPath.as_view()),
]
