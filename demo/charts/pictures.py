"""Face pictures for charts and pages: as data URIs, so that no picture of a visitor becomes a file."""

import base64


def data_uri(webp: bytes) -> str:
    """A WebP file as a data URI."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()
