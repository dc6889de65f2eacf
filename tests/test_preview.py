"""What other sites show of a link: the project's own words and picture, at an address that nobody else has a say in."""

import re
from pathlib import Path

import pytest
from gradio.route_utils import STATIC_TEMPLATE_LIB

from demo import wording
from demo.server.hosts import Hosts
from demo.server.preview import PICTURE, with_preview

INDEX = (Path(STATIC_TEMPLATE_LIB) / "frontend" / "index.html").read_bytes()
HOSTS = Hosts(frozenset({"emotions.example.org", "*.example.com", "*"}), addresses=True)


def scope(host: str, *more: tuple[bytes, bytes], scheme: str = "https", root: str = "") -> dict:
    return {"type": "http", "scheme": scheme, "root_path": root, "headers": [(b"host", host.encode()), *more]}


def said(page: bytes) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([a-z:]+)" content="([^"]*)">', page.decode()))


def test_nothing_of_gradios_own_preview_is_left():
    page = with_preview(INDEX, "https://emotions.example.org/")
    found = said(page)
    assert found["og:title"] == wording.TITLE and found["og:url"] == "https://emotions.example.org/"
    assert found["og:image"] == f"https://emotions.example.org/{PICTURE.name}" and PICTURE.stat().st_size < 300_000
    assert found["og:description"] == wording.PREVIEW.replace("'", "&#39;")
    assert found["twitter:card"] == "summary_large_image"
    for left in (b"Click to try", b"{url}", b"@Gradio", b"gradio.app"):
        assert left not in page.partition(b"<script")[0]
    assert page.count(b'property="og:title"') == 1 and page.index(b"charset") < 1024


def test_without_an_address_none_is_invented():
    found = said(with_preview(INDEX, None))
    assert found["og:title"] == wording.TITLE and not {"og:url", "og:image"} & set(found)
    assert with_preview(b"<html><head></head></html>", None) == b"<html><head></head></html>"


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (scope("emotions.example.org"), "https://emotions.example.org/"),
        (scope("Emotions.Example.Org:8080", scheme="http", root="/sub/"), "http://emotions.example.org:8080/sub/"),
        (scope("a.example.com"), "https://a.example.com/"),
        (scope("127.0.0.1", (b"x-forwarded-host", b"a.example.com")), "https://a.example.com/"),
        (scope("evil.example"), None),  # answered because of "*", and nobody has named it
        (scope("emotions.example.org", (b"x-forwarded-host", b"evil.example")), None),
        (scope("203.0.113.5"), None),
        (scope("localhost"), None),
        (scope('"><script>.example.com'), None),
        (scope(""), None),
    ],
)
def test_an_address_is_told_only_where_its_name_was_allowed(asked, address):
    assert HOSTS.address_of(asked) == address
