"""The page speaks the language of the browser: what is asked for is understood, all sentences are there, and two
visitors at the same time are each answered in their own."""

import json
import re
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import made
import marked
import pytest
import serving

from demo import language, wording
from demo.charts import clips, report, takes
from demo.charts.panels import paragraph
from demo.server import stored
from demo.server.spoken import in_language
from demo.tabs import live, tour
from demo.tabs.clip import OPENING
from demo.tabs.view import Choice, new_clip, switched
from demo.wording import english

STATIC = Path(language.__file__).parent / "static"
CORE = Path(language.__file__).parents[1] / "core"
MARKED = {"Accept-Language": f"{marked.CODE}-AT, en;q=0.5"}


@pytest.fixture
def languages(monkeypatch):
    monkeypatch.setattr(language, "LANGUAGES", ("en", "de", "fr", "es"))


@pytest.mark.parametrize(
    ("accepted", "told"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at,en;q=0.9", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr;q=0.3, es;q=0.7 ,de;q=0.5", "es"),
        ("fr;q=0.3,de ; q=0.300", "fr"),
        ("pl,uk;q=0.9,fr-CH;q=0.4", "fr"),
        ("pl,*;q=0.5", "en"),
        ("de;q=0", "en"),
        ("de;q=2,fr;q=0.1", "fr"),
        ("de;q=-1", "en"),
        ("de;q=nan", "en"),
        ("de;q=0.5;level=1,es;q=0.1", "es"),
        ("de_AT", "en"),
        ("\u0434\u0435,;;,=,q=1", "en"),
        ("../german", "en"),
        ("de," * 4000, "en"),
        ("a" * 10_000, "en"),
    ],
)
def test_what_a_browser_accepts(languages, accepted, told):
    assert language.preferred(accepted) == told


def names_of(module: ModuleType) -> dict:
    """What a language says: its constants and functions, without what it imports and keeps to itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType | type)
        if getattr(value, "__module__", module.__name__) in (module.__name__, "demo.wording.shared")
    }


def shape(value) -> object:
    """What all languages have in common: the kinds of values, their keys, and of each sentence what is put into it and
    its tags."""
    if isinstance(value, str):
        fields = sorted({field or "" for _, field, _, _ in string.Formatter().parse(value) if field is not None})
        return fields, sorted(re.findall(r"</?[a-z][^>]*>", value))
    if is_dataclass(value):
        return type(value), shape(asdict(value))
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [shape(one) for one in value]
    if callable(value):
        return list(value.__code__.co_varnames[: value.__code__.co_argcount])
    return type(value)


@pytest.mark.parametrize("code", [code for code in language.LANGUAGES if code != language.ENGLISH])
def test_a_language_has_all_sentences_of_english_and_no_others(code):
    own, known = names_of(import_module(f"demo.wording.{language.FILES[code]}")), names_of(english)
    assert own["LANGUAGE"] == code and own.keys() == known.keys()
    wrong = {name: (shape(own[name]), shape(known[name])) for name in known if shape(own[name]) != shape(known[name])}
    assert not wrong
    assert own["CHALLENGE_SAYS"] == known["CHALLENGE_SAYS"], "the models read English"
    assert "{text}" in own["QUOTED"]


def test_the_wording_knows_what_core_says():
    text = re.sub(r"\s+", " ", " ".join(path.read_text("utf-8") for path in CORE.rglob("*.py")))
    text += (CORE.parent / "demo" / "server" / "zerogpu.py").read_text("utf-8")
    for sentence in english.CORE:
        pieces = [piece.strip(' ".') for piece in re.split(r"\{\w+\}", sentence)]
        assert all(piece in text for piece in pieces), sentence
    with marked.spoken(), language.speaking(marked.CODE):
        assert wording.of_core("a.mp4 is empty.") == "a.mp4 " + marked.mark("is empty.")
        assert wording.of_core("the words are Polish, and the models read English alone") == wording.CORE[
            "the words are {language}, and the models read English alone"
        ].format(language=wording.language_name("pl", "Polish"))
        both = "no face was found; no speech was heard"
        assert wording.of_core(
            f"a.mp4: a face, a voice and spoken words were looked for, none was found ({both})."
        ) == (
            wording.CORE["{file}: a face, a voice and spoken words were looked for, none was found ({why})."].format(
                file="a.mp4", why="; ".join(map(wording.of_core, both.split("; ")))
            )
        )
        assert wording.of_core("said by nobody") == "said by nobody"
        known = wording.CORE
    assert wording.of_core("reading the clip") == "reading the clip"
    assert wording.of_core("reading the clip", known) == marked.mark("reading the clip"), "threads know no visitor"


def test_english_stays_in_its_file():
    """In another language nothing of the page is English: neither its parts nor what is said of clips."""
    analysis = made.analysis(words=["eins", "zwei"], windows=(made.window(0, 2), made.window(2, 4, seed=1)))
    with marked.spoken(), language.speaking(marked.CODE):
        shown = [*new_clip(analysis, Choice()).values(), *switched(analysis, ("audio",), Choice()).values()]
        first = takes.Take.of(made.analysis(words=["eins"], seed=1))
        shown += [takes.element(analysis, first, challenged=True), takes.waiting(first), live.markup(), tour.markup()]
        shown += [clips.details(analysis, None), paragraph(wording.of_core("no face was found"))]
        values = [one.get("value") if isinstance(one, dict) else one for one in shown]
        html = [value for value in values if isinstance(value, str) and "<" in value]
        assert len(html) > 15
        found = {word for one in html for word in marked.narrow(one)}
        assert found <= {"eins", "zwei", "javased"}  # the last is a corpus
        figures = [value for value in values if hasattr(value, "to_plotly_json")]
        hovers = [trace.hovertemplate for figure in figures for trace in figure.data if trace.hovertemplate]
        notes = [note.text for figure in figures for note in figure.layout.annotations]
        assert len(hovers) > 5 and len(notes) > 5
        for text in hovers + notes:
            assert not re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>|%\{[^}]*\}", "", text)), text
        written = report.as_html(analysis)
        body = re.sub(r"(?s)<script.*?</script>", "", written)
        assert f'<html lang="{marked.CODE}">' in written and marked.narrow(body) <= {
            "eins",
            "zwei",
            "mp",
            *analysis.file.split("."),
        }


def test_scripts_hold_no_sentences():
    for path in STATIC.glob("*.js"):
        code = re.sub(r"(?m)(^|\s)//.*$", "", path.read_text("utf-8"))
        assert not re.findall(r"""(?<!aria-label=)["'`][A-Z“][a-z]+ [a-z]+[^"'`]*["'`]""", code), path.name


def test_a_page_of_html_says_its_language():
    assert in_language(b'<!doctype html>\n<html\n\tlang="en"\n\tstyle="x">', "de") == (
        b'<!doctype html>\n<html\n\tlang="de"\n\tstyle="x">'
    )
    assert in_language(b"<p lang='en'>", "de") == b"<p lang='en'>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with marked.spoken(), serving.served(tmp_path_factory.mktemp("cache"), serving.Quick("cpu")) as served:
        yield served


def test_the_page_comes_in_the_language_that_is_asked_for(page):
    plain, other = page.http.get("/"), page.http.get("/", headers=MARKED)
    assert re.search(r'<html\s+lang="en"', plain.text) and re.search(rf'<html\s+lang="{marked.CODE}"', other.text)
    assert plain.headers["vary"].lower().count("accept-language") == 1
    assert english.TABS["several"] in plain.text and marked.mark(english.TABS["several"]) not in plain.text
    assert wording.PREVIEW[:30] in plain.text and marked.mark(wording.PREVIEW)[:30] in other.text
    own, told = (page.http.get("/config", headers=headers).json() for headers in ({}, MARKED))
    assert [part["id"] for part in own["components"]] == [part["id"] for part in told["components"]]
    assert own["dependencies"] == told["dependencies"] and told["title"] == marked.mark(wording.TITLE)
    said = [part["props"] for part in told["components"] if part["type"] not in ("json", "file", "checkboxgroup")]
    hidden = {"row", "clip", "attention", "analysis", "Textbox", "modalities"}
    labels = {
        props.get("label") for props in said if props.get("visible", True) is True and props.get("label")
    } - hidden
    assert len(labels) > 10 and not {label for label in labels if re.search("[A-Za-z]{3}", label)}
    html = [props["value"] for props in said if isinstance(props.get("value"), str) and "<" in props["value"]]
    names = {"Rajan", "Brutti", "Cavallaro", "javased"}  # the last is a corpus
    example = set(re.findall("[A-Za-z]{3,}", stored.result_of(OPENING).transcript.text))
    assert len(html) > 8 and not {word for one in html for word in marked.narrow(one)} - names - example


def test_events_are_answered_in_the_language_of_who_asks(page):
    """Those in line and those out of it, inputs that are refused, routes of the page's own and parts' functions."""
    event, session = page.event("again", "click"), {"session_hash": "quick"}
    body = {"fn_index": event["id"], "data": [None], **session}
    for headers, wanted in (({}, wording.NO_CLIP), (MARKED, marked.mark(wording.NO_CLIP))):
        assert wanted in json.dumps(
            page.http.post("/gradio_api/api/again", json=body, headers=headers).json(), ensure_ascii=False
        )
    refused = page.http.get("/gradio_api/nothing", headers=MARKED)
    assert refused.status_code == 404 and refused.text == marked.mark(wording.NOT_SERVED)


def test_two_visitors_at_the_same_time_hear_their_own_language(page):
    def asked(headers: dict) -> str:
        return page.ask(page.event("download-json", "click"), [None], headers=headers)[1]

    each = [{}, MARKED] * 6
    with ThreadPoolExecutor(4) as visitors:
        answers = [json.loads(answer) for answer in visitors.map(asked, each)]
    for headers, answer in zip(each, answers, strict=True):
        assert answer["error"] == (marked.mark(wording.NO_CLIP) if headers else wording.NO_CLIP)
