"""The reference project's URLs and those of the tests' small site."""

from django.urls import path

from backups_project.urls import urlpatterns as project_urls
from tests.site import views

urlpatterns = [
    path("site/state", views.state),
    path("site/add", views.add),
    path("site/slow", views.slow),
    *project_urls,
]
