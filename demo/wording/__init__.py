"""The page's sentences: ``wording.X`` is X in the language of whoever is being answered, at the moment of asking.

One file a language (``english.py``, …), all with the same names. Nothing reads a sentence while modules are imported.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from demo.language import FILES, current

if TYPE_CHECKING:
    from demo.wording.english import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return getattr(_module(current()), name)


@lru_cache
def _module(language: str) -> ModuleType:
    return import_module(f"{__name__}.{FILES[language]}")


def of_core(text: str, said: Mapping[str, str] | None = None) -> str:
    """A sentence of ``core`` as the page says it; one that the page does not know stays as it is.

    Args:
        said: ``wording.CORE`` of the visitor, for threads that do not know who is being answered.
    """
    said = __getattr__("CORE") if said is None else said
    if text in said:
        return said[text]
    for english_sentence, sentence in said.items():
        if "{" in english_sentence and (found := _pattern(english_sentence).fullmatch(text)):
            return sentence.format(**{name: _value(name, value, said) for name, value in found.groupdict().items()})
    return text


def _value(name: str, value: str, said: Mapping[str, str]) -> str:
    """What stands in a sentence of ``core``: a language, or one or more shorter sentences."""
    if name != "language":
        return "; ".join(of_core(part, said) for part in value.split("; "))
    from whisper.tokenizer import TO_LANGUAGE_CODE  # takes seconds, but for whoever has named a language it is here

    return __getattr__("language_name")(TO_LANGUAGE_CODE.get(value.lower(), ""), value)


@lru_cache(maxsize=256)
def _pattern(sentence: str) -> re.Pattern[str]:
    """ "{file} is empty." -> what matches it, whatever the file."""
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.DOTALL
    )
