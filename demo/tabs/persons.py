"""Whose face counts: the choice that a clip of several persons offers, hidden for all other clips."""

import gradio as gr
import numpy as np

from core.analysis.kept import webp
from core.analysis.results import Analysis
from core.encoders.face_track import Person
from demo import wording
from demo.charts.html import render
from demo.charts.pictures import data_uri
from demo.tabs.components import Parts

PARTS = ("whose", "whose-faces", "whose-face")


def contents(parts: Parts) -> None:
    """A picture of each person, and a choice of one."""
    with parts.add("whose", gr.Column, visible=False):
        parts.add("whose-faces", gr.HTML)
        parts.add("whose-face", gr.Radio, choices=[], label=wording.WHOSE, min_width=150)


def shown(analysis: Analysis) -> dict:
    """What each of ``PARTS`` shows."""
    persons = analysis.persons
    if persons is None:
        return {"whose": gr.update(visible=False), "whose-faces": "", "whose-face": gr.update(choices=[], value=None)}
    choices = [(said(number, person), number) for number, person in enumerate(persons.each, 1)]
    return {
        "whose": gr.update(visible=True),
        "whose-faces": render("panels", "persons", pictures=[_picture(person) for person in persons.each]),
        "whose-face": gr.update(choices=choices, value=persons.chosen),
    }


def said(number: int, person: Person) -> str:
    """(2, …) -> "2: on the left, in 40 pictures, 0.0–6.7 s"."""
    start, end = person.times[[0, -1]]
    return wording.person(number, person.place, len(person.times), f"{start:.1f}", f"{end:.1f}")


def _picture(person: Person) -> str:
    """The largest of the pictures of a person that were kept, as a data URI."""
    sizes = person.boxes[np.searchsorted(person.times, person.thumbnail_times), 2]
    return data_uri(webp(person.thumbnails[int(sizes.argmax())]))
