"""A page whose parts are told to each visitor in another way, and whose events know who asked."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import gradio as gr

Config = dict[str, Any]


class Page(gr.Blocks):
    """Gradio's page, with a configuration that depends on who asks for it.

    Attributes:
        shown: the configuration as gradio makes it -> as it leaves, while the request for it is answered.
        answering: what is entered while an event is answered, given the Accept-Language of who asked, None for none.
            Events that wait in line are run by gradio itself, in the context of no request.
    """

    shown: Callable[[Config], Config]
    answering: Callable[[str | None], AbstractContextManager]

    def __init__(
        self,
        shown: Callable[[Config], Config],
        answering: Callable[[str | None], AbstractContextManager],
        **options,
    ):
        self.shown, self.answering = shown, answering
        super().__init__(**options)

    @property
    def config(self) -> Any:
        """What the browser is told of the page."""
        return self.shown(self._config)

    @config.setter
    def config(self, made: Any) -> None:
        self._config = made

    async def process_api(self, *arguments, **options):
        request = options.get("request")
        asked = request[0] if isinstance(request, list) and request else request
        headers = getattr(asked, "headers", None)
        with self.answering(headers.get("accept-language") if headers is not None else None):
            return await super().process_api(*arguments, **options)


def props_of(config: Config) -> list[tuple[str, Config]]:
    """Kind and properties of each part of a page, in the order in which the page was built."""
    return [(part["type"], part["props"]) for part in config["components"]]


def with_props(config: Config, props: list[tuple[str, Config]]) -> Config:
    """A page's configuration with the properties that its parts have in another one of the same build.

    Raises:
        ValueError: the other one has other parts.
    """
    parts = config["components"]
    if [part["type"] for part in parts] != [kind for kind, _ in props]:
        raise ValueError("The page has other parts in another language.")
    others = [{**part, "props": own} for part, (_, own) in zip(parts, props, strict=True)]
    return {**config, "components": others}
