"""HTML from the templates in ``demo/templates``: whatever is put into one is escaped, unless it is HTML already."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core import LABELS
from demo import wording
from demo.charts.palette import EMOTION, MODALITY, MODEL, MODEL_TITLE, percent, points

TEMPLATES = Path(__file__).parents[1] / "templates"


def fixed(value: float, digits: int) -> str:
    """(0.125, 2) -> "0.12"."""
    return f"{float(value):.{digits}f}"


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters.update(fixed=fixed, percent=percent, points=points)
_environment.globals.update(
    EMOTION=EMOTION, LABELS=LABELS, MODALITY=MODALITY, MODEL=MODEL, MODEL_TITLE=MODEL_TITLE, wording=wording
)


def render(template: str, macro: str, /, **values: object) -> Markup:
    """What a macro of a template makes of ``values``, as HTML that another template takes as it is.

    Args:
        template: name of a file in ``demo/templates`` without ``.html``.

    Raises:
        AttributeError: the template has no such macro.
        TypeError: the macro has no argument of that name.
        jinja2.UndefinedError: the macro uses what was not given.
    """
    return Markup(getattr(_environment.get_template(f"{template}.html").module, macro)(**values))
