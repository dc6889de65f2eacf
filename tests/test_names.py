"""Names of sessions are secrets on every page of HTML that leaves, wherever it is mounted; or it does not leave."""

import logging
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio.route_utils import STATIC_TEMPLATE_LIB
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo import wording
from demo.page import launch_options
from demo.server import names
from demo.server.names import SCRIPT, NamedBySecrets, with_script


@pytest.fixture(scope="module")
def parent() -> FastAPI:
    """Another app, in which a page of gradio's lies at a sub-path, with what this page puts before it."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox()
    options = {"app_kwargs": launch_options()["app_kwargs"], "mcp_server": True, "run_history": False}
    return gr.mount_gradio_app(FastAPI(), blocks, "/below", **options)


@pytest.mark.parametrize("path", ["/", "/?view=api", "/?__theme=dark", "/?deep_link=x", "/gradio_api/mcp/"])
def test_every_page_of_gradios_begins_with_the_script_where_it_is_mounted(parent, path):
    body = TestClient(parent, base_url="http://localhost").get(f"/below{path}").content
    assert body.count(SCRIPT) == 1 and body.index(SCRIPT) == body.index(b"<script")


@pytest.mark.parametrize("strips", [False, True])
def test_a_root_path_changes_nothing(parent, monkeypatch, strips):
    """A proxy may leave its prefix on the path or take it off."""
    page = parent.routes[-1].app
    monkeypatch.setattr(page, "root_path", "/sub")
    answer = TestClient(page, base_url="http://localhost").get("/" if strips else "/sub/")
    assert answer.status_code == 200 and answer.content.count(SCRIPT) == 1
    assert b'"root":"http://localhost/sub"' in answer.content


def test_the_head_of_the_installed_gradio_is_found():
    for name in ("index.html", "share.html"):
        page = (Path(STATIC_TEMPLATE_LIB) / "frontend" / name).read_bytes()
        assert with_script(page).index(SCRIPT) == with_script(page).index(b"<script")


@pytest.mark.parametrize("head", ["<head>", "<HEAD>", '<head lang="en">', '<head\n  prefix="og: x">', "<Head >"])
def test_a_head_is_found_however_it_is_written(head):
    page = f"<!doctype html><html>{head}<script>one()</script></head>".encode()
    assert with_script(page) == page.replace(head.encode(), head.encode() + SCRIPT)


async def no_head(request):
    return HTMLResponse("<html><body><script>name()</script></body></html>")


async def early_script(request):
    return HTMLResponse("<html><script>name()</script><head></head></html>")


async def header(request):
    return HTMLResponse("<html><header></header></html>", headers={"Cache-Control": "no-store"})


async def in_parts(request):
    async def parts():
        for part in (b"<html><he", b"ad", b"><title></title></head></html>"):
            yield part

    return StreamingResponse(parts(), media_type="text/html; charset=utf-8")


async def other(request):
    return PlainTextResponse("<head>")


ROUTES = [Route(f"/{each.__name__}", each) for each in (no_head, early_script, header, in_parts, other)]


def client_of(routes=ROUTES) -> TestClient:
    return TestClient(Starlette(routes=routes, middleware=[Middleware(NamedBySecrets)]))


@pytest.mark.parametrize("path", ["no_head", "early_script", "header"])
def test_a_page_in_which_the_script_has_no_place_is_not_sent_and_that_is_said(path, caplog):
    with caplog.at_level(logging.ERROR):
        answer = client_of().get(f"/{path}")
    assert answer.status_code == 500 and answer.text == wording.UNSAFE_PAGE
    assert "no place for the script" in caplog.text


def test_what_comes_in_parts_is_put_together_and_other_answers_are_left_alone():
    answer = client_of().get("/in_parts")
    assert answer.content == b"<html><head>" + SCRIPT + b"<title></title></head></html>"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert client_of().get("/other").text == "<head>" and client_of().head("/in_parts").content == b""


def test_a_start_without_the_script_fails(monkeypatch):
    class Answer:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self):
            return page

    monkeypatch.setattr("urllib.request.OpenerDirector.open", Answer)
    page = b"<head>" + SCRIPT
    names.check("http://localhost")
    page = b"<head><script>"
    with pytest.raises(RuntimeError, match="others can guess"):
        names.check("http://localhost")
