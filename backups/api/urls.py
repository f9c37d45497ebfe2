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
from .paths import UNCLEAN, clean_path
from .views import BackupViewSet, HealthView, OperationViewSet

app_name = "backups-api"

router = SimpleRouter(trailing_slash=False)
router.register("backups", BackupViewSet, basename="backup")
router.register("operations", OperationViewSet, basename="operation")

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("files/token", FileTokenView.as_view()),
    path(
        "collections/<str:collection>/auth-with-password",
        AuthWithPasswordView.as_view(),
    ),
    path("collections/<str:collection>/auth-refresh", AuthRefreshView.as_view()),
    path("collections/<str:collection>/auth-methods", AuthMethodsView.as_view()),
    *router.urls,
    # A key with an encoded slash in it; a real slash is told apart in the view.
    re_path(
        r"^backups/(?P<key>.+)/restore\Z", BackupViewSet.as_view({"post": "restore"})
    ),
    re_path(
        r"^backups/(?P<key>.*[^/])\Z",
        BackupViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    re_path(UNCLEAN, clean_path),
    re_path(r"", UnknownPath.as_view()),
]
