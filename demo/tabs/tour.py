"""A tour of the page in five steps, on whatever clip is there; ``tour.js`` moves it."""

from dataclasses import dataclass

from markupsafe import Markup

from core.experiment.published import read_comparison
from demo import wording
from demo.charts.html import render


@dataclass(frozen=True)
class Step:
    """A step of the tour.

    Attributes:
        target: selector of what is outlined.
        text: HTML; ``data-say="MODEL"`` or ``"MODEL SUBSET"`` is filled with what that model says there.
        opens: the section that must be open, if any.
        press: of a button that does it for the visitor: ``text`` on it, ``press`` the selector that it clicks, and
            where it can be taken back: ``undone`` a selector that is there then, ``back`` the text, ``backwards`` what
            is clicked.
    """

    title: str
    target: str
    text: str
    opens: str = ""
    press: dict[str, str] | None = None


TOUR = (
    Step(
        "Two models, one clip", "#panels",
        """Both read the same face, voice and words. In cross-attention each looks at the other two, in six directions;
        in self-attention each looks only at itself. Of this clip, cross-attention says <b data-say="cross"></b>,
        self-attention <b data-say="self"></b>.""",
    ),
    Step(
        "Switch something off", "#switches",
        """A switch takes face, voice or words away from both models; outlines keep what was said with everything on.
        With a single one left nobody is there to look at, and cross-attention has no answer.""",
        press={"text": "Switch the face off", "press": "#switch-video input", "back": "Switch the face on again",
               "undone": "#switch-video input:not(:checked)", "backwards": "#switch-video input"},
    ),
    Step(
        "One head", "#section-attention",
        """Each model looks with several heads at once; the small maps show all of them, and the most telling is large.
        A row is the moment that looks, a column what it looks at; one line is drawn where all look at the same moments.
        A single head may be choosy where the mean of all is nearly even. This is what was mixed into the verdict, not
        why it came out.""",
        opens="attention",
        press={"text": "Show the mean of all heads", "press": "#head label:nth-of-type(1) input",
               "undone": "#head label:nth-of-type(1) input:checked", "back": "Back to the most telling head",
               "backwards": "#map-grid .map"},
    ),
    Step(
        "When they contradict each other", "#matrix-table",
        """Alone, the face says <b data-say="self video"></b>, the voice <b data-say="self audio"></b> and the words
        <b data-say="self text"></b>. The rows below show who gives way to whom, and where the two models part.""",
        opens="matrix",
        press={"text": "Take the example in which a smile says sad words", "press": "#example-contradiction"},
    ),
    Step(
        "The paper’s answer, and ours", "#agreement",
        f"""On IEMOCAP, Rajan, Brutti and Cavallaro found no significant difference between the two.
        {wording.our_answer(read_comparison())} One clip cannot decide it either.""",
    ),
)  # fmt: skip


def markup() -> Markup:
    """All steps, hidden until the tour is begun: a small panel beside the page, which stays usable."""
    return render("tour", "tour", steps=TOUR)
