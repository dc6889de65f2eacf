"""Whatever is put into a template is escaped, and what is forgotten is an error."""

import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from demo.charts.html import TEMPLATES, render


def test_text_is_escaped_and_html_of_another_template_is_not():
    inner = render("macros", "paragraph", text="<b>a & b</b>", kind='x" onload="y')
    assert inner == '<p class="x&#34; onload=&#34;y">&lt;b&gt;a &amp; b&lt;/b&gt;</p>'
    assert render("panels", "timed", content=inner, milliseconds=1.25) == f'<div data-server-ms="1.2">{inner}</div>'
    assert isinstance(inner, Markup) and "<i>" not in inner + "<i>", "text that is added later is escaped too"


def test_what_is_forgotten_or_unknown_is_an_error():
    with pytest.raises(UndefinedError):
        render("macros", "paragraph", text="a")
    with pytest.raises(TypeError, match="unknown"):
        render("macros", "paragraph", text="a", kind="hint", unknown=1)
    with pytest.raises(AttributeError, match="nothing"):
        render("macros", "nothing")


def test_only_the_projects_own_prose_style_and_script_are_taken_as_they_are():
    pages = sorted(TEMPLATES.glob("*.html"))
    text = "".join(page.read_text("utf-8") for page in pages)
    assert len(pages) > 5 and "autoescape" not in text
    taken = {name for name in re.findall(r"([\w.\[\]\"]+) *\| *safe", text) if not name.startswith("wording.")}
    filled = re.findall(r"([\w.\[\]\"]+) *\| *filled", text)
    assert len(filled) > 5 and all(name.startswith("wording.") for name in filled)
    assert taken == {"note", "style", "script"}
