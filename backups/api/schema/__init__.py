"""The description of the API for drf-spectacular, which need not be installed.

Importing this package is what makes drf-spectacular know the endpoints; nothing
in the app does so by itself.
"""

from . import extensions

__all__ = ["extensions"]
