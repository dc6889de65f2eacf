"""A language made of English: all letters of its sentences are wide ones. What stays narrow is in no language."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from html.parser import HTMLParser
from types import FunctionType, ModuleType
from typing import Any

import pytest

from demo import language, wording
from demo.wording import english

CODE = "xx"
KEPT = re.compile(r"(<[^>]*>|\{[^}]*\}|&\w+;|--[\w-]+)")  # tags, placeholders, entities, options of commands
WIDE = {ord(narrow): ord(narrow) + 0xFEE0 for narrow in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}
SPOKEN = ("title", "aria-label", "alt", "data-done", "data-next", "data-text", "data-back", "placeholder")
DATA = ("LANGUAGE", "CHALLENGE_SAYS")  # names whose value is the same in all languages, or not shown


def mark(value: Any) -> Any:
    """A sentence, or whatever holds some, with wide letters."""
    if isinstance(value, str):
        parts = KEPT.split(value)
        return "".join(part if i % 2 else part.translate(WIDE) for i, part in enumerate(parts))
    if isinstance(value, dict):
        return {key: mark(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mark(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{name: mark(one) for name, one in vars(value).items()})
    if isinstance(value, FunctionType) and value.__module__ == english.__name__:
        return lambda *given, **named: mark(value(*given, **named))
    return value


@contextmanager
def spoken() -> Iterator[None]:
    """Lets this language be one of the page's within the block; ``language.speaking(CODE)`` speaks it."""
    module = ModuleType("demo.wording.marked")
    for name, value in vars(english).items():
        if not name.startswith("__"):
            setattr(module, name, value if name in DATA else mark(value))
    module.LANGUAGE = CODE
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        patch.setattr(wording, module.__name__.rpartition(".")[2], module, raising=False)
        patch.setitem(language.FILES, CODE, "marked")
        patch.setattr(language, "LANGUAGES", (*language.LANGUAGES, CODE))
        yield
    wording._module.cache_clear()


class Said(HTMLParser):
    """All that a piece of HTML says to people: its text, and attributes that are read out or shown."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._silent += tag in ("style", "script", "code")
        self.found += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag):
        self._silent -= tag in ("style", "script", "code")

    def handle_data(self, data):
        if not self._silent:
            self.found.append(data)


def narrow(html: str) -> set[str]:
    """Words of three letters and more in HTML that are in no language."""
    return {word for said in Said(html).found for word in re.findall(r"[A-Za-z]{3,}", said)}
