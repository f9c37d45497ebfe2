"""Where a request comes from, and whether superusers may come from there."""

import ipaddress
from typing import Any

from backups.conf import get_settings

from .collections import Account
from .exceptions import NOT_ALLOWED, ApiError


def real_address(request: Any) -> str:
    """Return the client's address: that of the socket, or as a proxy tells it.

    Only headers in ``BACKUPS["TRUSTED_PROXY_HEADERS"]`` are believed, the first
    one that holds an address; of several the right-most, which the nearest
    proxy has added.
    """
    for name in get_settings().TRUSTED_PROXY_HEADERS:
        for part in reversed(request.headers.get(name, "").split(",")):
            if is_address(part.strip()):
                return part.strip()
    return request.META.get("REMOTE_ADDR", "")


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def may_enter(request: Any, account: Account) -> bool:
    """Whether that account may come from where the request comes from."""
    allowed = get_settings().SUPERUSER_IPS
    if not allowed or not account.is_superuser:
        return True
    address = real_address(request)
    if not is_address(address):
        return False
    client = ipaddress.ip_address(address)
    return any(client in ipaddress.ip_network(net, strict=False) for net in allowed)


def require_entry(request: Any, account: Account | None) -> None:
    """Raise 403 for a superuser from an address that is not on the list."""
    if account and not may_enter(request, account):
        raise ApiError(403, NOT_ALLOWED)
