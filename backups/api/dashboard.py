"""The answers that PocketBase's own dashboard wants before it shows its pages.

This site has no collections to show, so each says so.
"""

from typing import Any

from rest_framework.response import Response

from .base import ApiView

MOST_PER_PAGE = 1000


class CollectionsView(ApiView):
    """A list of collections, which is empty."""

    def get(self, request: Any) -> Response:
        per_page = request.query_params.get("perPage", "")
        return Response(
            {
                "items": [],
                "page": 1,
                "perPage": min(int(per_page), MOST_PER_PAGE)
                if per_page.isascii() and per_page.isdigit()
                else 30,
                "totalItems": -1,
                "totalPages": -1,
            }
        )


class ScaffoldsView(ApiView):
    """Templates of new collections: none."""

    def get(self, request: Any) -> Response:
        return Response({})


class OAuth2ProvidersView(ApiView):
    """Providers that collections could use: none."""

    def get(self, request: Any) -> Response:
        return Response([])
