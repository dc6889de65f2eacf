"""Answers that are changed on their way out, which takes all of their bytes."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def answer_whole(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    wanted: Callable[[Message], bool],
    answer: Callable[[Message, bytes], Awaitable[None]],
) -> None:
    """Lets ``app`` answer, and sends what it says on as it comes, or hands it over once it is complete.

    Args:
        wanted: whether an answer that begins so (a message "http.response.start") is handed over.
        answer: is given the beginning and the body of such an answer, and sends what leaves in its place.
    """
    start: Message = {}
    body = bytearray()

    async def collect(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and wanted(message):
            start = message
        elif not start:
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await answer(start, bytes(body))

    await app(scope, receive, collect)
