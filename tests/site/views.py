"""Pages that a test can ask what the site holds, and tell to change it."""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .models import Article


def state(request: HttpRequest) -> JsonResponse:
    """Answer every title, and every title as the attached file has it."""
    articles = list(Article.objects.order_by("pk"))
    files = []
    for article in articles:
        with default_storage.open(article.attachment.name) as file:
            files.append(file.read().decode())
    content_type = ContentType.objects.get_for_model(Article).pk
    return JsonResponse(
        {
            "titles": [article.title for article in articles],
            "files": files,
            "contentType": content_type,
        }
    )


@csrf_exempt
def add(request: HttpRequest) -> JsonResponse:
    """Store an article with a file whose content is its title."""
    title = request.POST["title"]
    article = Article(title=title)
    article.attachment.save(f"{title}.txt", ContentFile(title.encode()))
    return JsonResponse({"id": article.pk})


def slow(request: HttpRequest) -> Any:
    """Hold a place inside the gate for a while."""
    import time

    time.sleep(float(request.GET["seconds"]))
    return JsonResponse({})
