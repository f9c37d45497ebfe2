"""Where a request comes from, and whether superusers may come from there."""

import ipaddress
from typing import Any

from backups.site_settings import Stored

from .collections import Account
from .exceptions import NOT_ALLOWED, ApiError


def settings_of(request: Any) -> Stored:
    """Return the site's settings, read once a request."""
    # A request of DRF hands reading on to the one that it wraps, not writing.
    inner = getattr(request, "_request", request)
    if not hasattr(inner, "backups_settings"):
        inner.backups_settings = Stored.load()
    return inner.backups_settings


def real_address(request: Any) -> str:
    """Return the client's address: that of the socket, or as a proxy tells it.

    Only the headers in the setting ``trustedProxy`` are believed, the first one
    that holds an address; of several addresses in it the right-most, which the
    nearest proxy has added, unless the setting says the left-most.
    """
    stored = settings_of(request)
    for name in stored.proxy_headers:
        parts = request.headers.get(name, "").split(",")
        for part in parts if stored.uses_leftmost_ip else reversed(parts):
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
    if not account.is_superuser:
        return True
    allowed = settings_of(request).superuser_ips
    if not allowed:
        return True
    address = real_address(request)
    if not is_address(address):
        return False
    client = ipaddress.ip_address(address)
    # A socket for both protocols tells an IPv4 address in the form of IPv6.
    client = getattr(client, "ipv4_mapped", None) or client
    return any(client in ipaddress.ip_network(net, strict=False) for net in allowed)


def require_entry(request: Any, account: Account | None) -> None:
    """Raise 403 for a superuser from an address that is not on the list."""
    if account and not may_enter(request, account):
        raise ApiError(403, NOT_ALLOWED)
