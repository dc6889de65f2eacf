"""Which language is spoken: that of whoever is being answered, told by the browser; English where nothing is told.

A language is a file of ``demo/wording``. Threads that answer nobody in particular speak English.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

FILES = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}  # language -> its file in ``demo/wording``
ENGLISH = "en"
LANGUAGES = tuple(FILES)

MAX_HEADER = 1_000  # characters of what a client accepts; browsers send some forty
RANGE = re.compile(r"([a-z]{1,8})(?:-[a-z0-9]{1,8})*")
WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

_current: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current() -> str:
    """The language in which whoever is being answered is spoken to."""
    return _current.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speaks a language of ``LANGUAGES`` within the block."""
    before = _current.set(language)
    try:
        yield
    finally:
        _current.reset(before)


def answering(accepted: str | None) -> AbstractContextManager[None]:
    """Speaks the language of who sends this as Accept-Language within the block; see ``preferred``."""
    return speaking(preferred(accepted))


def preferred(accepted: str | None) -> str:
    """The language for who sends this as Accept-Language: of those that are here the one with the greatest weight.

    "de-AT" is told in "de". English where none is here, and for what is no such header.
    """
    if not accepted or len(accepted) > MAX_HEADER:
        return ENGLISH
    weighed = [(language, weight) for language, weight in _weighed(accepted) if language in LANGUAGES and weight]
    return max(weighed, key=lambda one: one[1], default=(ENGLISH, 1.0))[0]  # of equals the first


def _weighed(accepted: str) -> Iterator[tuple[str, float]]:
    """The languages that are named, without their regions, each with its weight; what is malformed is left out."""
    for named in accepted.lower().split(","):
        tag, *parameters = (part.strip() for part in named.split(";"))
        weight = WEIGHT.fullmatch(parameters[0]) if len(parameters) == 1 else None
        if (found := RANGE.fullmatch(tag)) and (weight or not parameters):
            yield found[1], float(weight[1]) if weight else 1.0
