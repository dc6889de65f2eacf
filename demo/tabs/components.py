"""The parts of the clip's tab by name; a part's name is its id in the page. What many events have in common."""

from typing import Any

from gradio.blocks import Block

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}


def one_at_a_time(line: str) -> dict[str, Any]:
    """Of events of which one runs and the others wait in this line, however many they are."""
    return {"concurrency_limit": 1, "concurrency_id": line, **PRIVATE}


ONE_MEASURED_AT_A_TIME = one_at_a_time("worth")


class Parts(dict[str, Any]):
    """Name -> part, of no type in particular: gradio makes the methods of its events when it runs.

    Args:
        opening: what parts show when the page opens, as an event would update them.
    """

    def __init__(self, opening: dict):
        super().__init__()
        self._opening = opening

    def add(self, name: str, kind: type[Block], **options) -> Any:
        """Makes a part; what it shows at the opening goes before ``options``."""
        shown = self._opening.get(name, {})
        if not (isinstance(shown, dict) and shown.get("__type__") == "update"):
            shown = {"value": shown} if name in self._opening else {}
        self[name] = kind(**options | {key: value for key, value in shown.items() if key != "__type__"}, elem_id=name)
        return self[name]
