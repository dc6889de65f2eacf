"""Colours and how numbers are written, once for the whole page: every chart, table and report takes them from here."""

from plotly.colors import sequential

from core import LABELS

# Okabe and Ito's colour-blind-safe set with a darker purple and grey, so that all pairs stay apart for dichromats.
# Colour never stands alone: names are always beside it.
EMOTION = {
    "anger": "#d55e00",
    "disgust": "#009e73",
    "fear": "#a0346f",
    "happiness": "#e69f00",
    "neutral": "#9d9d9d",
    "sadness": "#0072b2",
    "surprise": "#56b4e9",
}
assert tuple(EMOTION) == LABELS

ACCENT = "#5b5bd6"  # the one accent: links, attention, focus
GREY = "#8a8a94"  # readable on white and on near-black; the page overrides it per theme
FAINT = "rgba(138,138,148,0.25)"  # grid lines
CLEAR = "rgba(0,0,0,0)"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"  # nothing is fetched
# Weights: perceptually even, colour-blind-safe, legible on both themes. Differences: blue is less, orange is more.
SCALE = tuple(sequential.Cividis)
DIFFERENCES = ("#004a8c", "#56a0d6", "#ececf0", "#ee9e46", "#b04800")


def translucent(colour: str, alpha: float) -> str:
    """``#rrggbb`` with an alpha in [0, 1], as CSS and Plotly read it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def colour_scale(colours: tuple[str, ...]) -> list[list]:
    """Colours at equal distances, as Plotly reads a scale."""
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


def percent(probability: float) -> str:
    """0.6249 -> "62 %"; what rounds to nothing without being nothing is "<1 %"."""
    return "<1\u202f%" if 0 < probability < 0.005 else f"{probability * 100:.0f}\u202f%"


def signed(number: float) -> str:
    """-4.97 -> "−5.0"."""
    return f"{number:+.1f}".replace("-", "−")
