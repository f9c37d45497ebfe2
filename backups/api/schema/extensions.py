"""Where drf-spectacular meets the table of endpoints."""

from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiViewExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from .building import build_operation
from .endpoint import Caller, Endpoint
from .endpoints import ALIASES, ENDPOINTS
from .shapes import Schema, components, refs_in

TOKEN = "backupsToken"  # noqa: S105
FILE_TOKEN = "backupsFileToken"  # noqa: S105

REQUIREMENTS: dict[Caller, list[Schema] | None] = {
    Caller.ANYBODY: None,
    Caller.ANYBODY_OR_SUPERUSER: [{}, {TOKEN: []}],
    Caller.ACCOUNT: [{TOKEN: []}],
    Caller.SUPERUSER: [{TOKEN: []}],
    Caller.FILE_TOKEN: [{FILE_TOKEN: []}],
}


class EndpointSchema(AutoSchema):
    """The description of a view, taken from the table instead of its code."""

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> Schema | None:
        """Return the operation, or None for one that is left out."""
        self.registry = registry
        self.path = path
        self.method = method.upper()
        if not (endpoint := self.endpoint):
            return None
        view: Any = self.view
        operation = build_operation(endpoint, path, has_body_limit=view.has_body_limit)
        if security := self.get_auth():
            operation["security"] = security
        self._register(operation, components())
        return operation

    @property
    def endpoint(self) -> Endpoint | None:
        """What the table says about the view's action, or else its method."""
        action = getattr(self.view, "action", None) or self.method.lower()
        # A site may have a subclass in its place.
        names = [f"{cls.__name__}.{action}" for cls in type(self.view).__mro__]
        for name in names:
            if name in ENDPOINTS:
                return ENDPOINTS[name]
        if ALIASES.isdisjoint(names):
            warn(f"nothing describes {names[0]}")
        return None

    def _register(self, schema: Any, known: dict[str, Schema]) -> None:
        """Enter all components that *schema* needs."""
        for name in refs_in(schema):
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, known[name], object=name
            )
            if component not in self.registry:
                self.registry.register(component)
                self._register(known[name], known)


class ViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Describe every view of the API, whatever a site's own views use."""

    target_class = "backups.api.base.ApiView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        name = self.target.__name__
        return type(name, (self.target,), {"schema": EndpointSchema()})


class TokenExtension(  # type: ignore[no-untyped-call]
    OpenApiAuthenticationExtension
):
    """The token of a login and, for links, the file token."""

    target_class = "backups.api.authentication.TokenAuthentication"
    name = [TOKEN, FILE_TOKEN]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        endpoint = getattr(auto_schema, "endpoint", None)
        return REQUIREMENTS[endpoint.caller if endpoint else Caller.SUPERUSER]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "The token of a login, as it is or after `Bearer `.",
            },
            {
                "type": "apiKey",
                "in": "query",
                "name": "token",
                "description": "A token of `POST …/files/token`, for a link.",
            },
        ]
