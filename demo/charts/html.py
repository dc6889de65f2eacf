"""HTML from the templates in ``demo/templates``: whatever is put into one is escaped, unless it is HTML already."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core import LABELS
from demo import wording
from demo.charts.palette import EMOTION, percent

TEMPLATES = Path(__file__).parents[1] / "templates"


def fixed(value: float, digits: int) -> str:
    """(0.125, 2) -> "0.12"."""
    return f"{float(value):.{digits}f}"


def points(difference: float) -> str:
    """As the wording of the moment writes a difference of probabilities."""
    return wording.points(difference)


def filled(sentence: str, /, **values: object) -> Markup:
    """A sentence of the page's wording, which may hold tags, with values that are escaped."""
    return Markup(sentence).format(**values)


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters.update(fixed=fixed, percent=percent, points=points, filled=filled)
_environment.globals.update(EMOTION=EMOTION, LABELS=LABELS, wording=wording)


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
