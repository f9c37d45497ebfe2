"""Which settings there are, and what each is before anything was saved."""

from typing import Any

from backups.conf import get_settings

Content = dict[str, Any]
"""Settings by name, in groups."""


def defaults() -> Content:
    """Return every setting as it is before anything was saved."""
    site = get_settings()
    s3 = {
        "enabled": False,
        "bucket": "",
        "region": "",
        "endpoint": "",
        "accessKey": "",
        "forcePathStyle": False,
    }
    return {
        "superuserIPs": list(site.SUPERUSER_IPS),
        "smtp": {
            "enabled": False,
            "port": 587,
            "host": "smtp.example.com",
            "username": "",
            "authMethod": "",
            "tls": False,
            "localName": "",
        },
        "backups": {"cron": "", "cronMaxKeep": 3, "s3": {**s3}},
        "s3": {**s3},
        "meta": {
            "accentColor": "#1055c9",
            "appName": site.SITE_NAME,
            "appURL": "http://localhost:8090",
            "senderName": "Support",
            "senderAddress": "support@example.com",
            "hideControls": False,
        },
        "rateLimits": {
            "rules": [
                _rate_limit("*:auth", 3, 2),
                _rate_limit("*:create", 5, 20),
                _rate_limit("/api/batch", 1, 3),
                _rate_limit("/api/", 10, 300),
            ],
            "excludedIPs": [],
            "enabled": False,
        },
        "trustedProxy": {
            "headers": list(site.TRUSTED_PROXY_HEADERS),
            "useLeftmostIP": False,
        },
        "batch": {"enabled": False, "maxRequests": 50, "timeout": 3, "maxBodySize": 0},
        "logs": {"maxDays": 5, "minLevel": 0, "logIP": True, "logAuthId": False},
    }


def _rate_limit(label: str, duration: int, most: int) -> Content:
    return {
        "label": label,
        "audience": "",
        "duration": duration,
        "maxRequests": most,
    }
