"""The page's own parts in other languages: gradio builds a page once and tells it to everybody.

In each other language the page is built once more, when somebody first asks for it, and only what its parts show is
kept; events, sessions and files are those of the one page.
"""

import threading
from collections.abc import Callable
from typing import Any, cast

import gradio as gr

from demo import language, wording
from demo.server.gradio_compat.pages import Config, props_of, with_props


class Translations:
    """What a page's parts show in each language. Safe to call from several threads.

    Args:
        build: makes a page with the same parts in the language of the moment; nothing but its looks is used.
    """

    def __init__(self, build: Callable[[], gr.Blocks]):
        self._build = build
        self._props: dict[str, list[tuple[str, Config]]] = {}
        self._lock = threading.Lock()

    def shown(self, config: Any) -> Any:
        """A page's configuration in the language of the moment."""
        code = language.current()
        if code == language.ENGLISH:
            return config
        return with_props(config, self._in(code)) | {"title": wording.TITLE}

    def _in(self, code: str) -> list[tuple[str, Config]]:
        with self._lock:  # gradio builds one page at a time
            if code not in self._props:
                self._props[code] = props_of(cast(Config, self._build().config))
            return self._props[code]


def make_ready(page: gr.Blocks) -> None:
    """Asks a page that is being served for all of its languages, so that no visitor waits until one is built."""
    for code in language.LANGUAGES:
        with language.speaking(code):
            assert page.config
