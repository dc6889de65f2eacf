"""Every sentence of the page in German; ``english.py`` says what each is for."""

from collections.abc import Sequence

from core import __version__
from core.experiment.published import PublishedComparison
from demo.charts.palette import percent, signed
from demo.server import limits
from demo.wording.shared import MEASURED, TourStep, measured_of_both, with_neutral_words

LANGUAGE = "de"

_NUMBERS = ("null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn")


def in_words(number: float) -> str:
    """3 -> "drei"; what is no whole number up to ten stays a figure."""
    return _NUMBERS[int(number)] if number in range(len(_NUMBERS)) else f"{number:g}"


def _minutes(number: float) -> str:
    return "eine Minute" if number == 1 else f"{in_words(number)} Minuten"


def _seconds(number: float) -> str:
    return "eine Sekunde" if number == 1 else f"{in_words(number)} Sekunden"


SAID = {  # limits -> how the page says them
    "megabytes": f"{limits.MAX_FILE_BYTES / 1024**2:.0f} MB",
    "clip_minutes": _minutes(limits.MAX_CLIP_SECONDS / 60),
    "analysis_minutes": _minutes(limits.MAX_ANALYSIS_SECONDS / 60),
    "waiting": f"{limits.MAX_WAITING}",
    "at_once": f"{limits.MAX_AT_ONCE}",
    "visitors": in_words(limits.MAX_VISITORS),
    "live_share": in_words(limits.LIVE_SHARE),
    "live_minutes": _minutes(limits.MAX_VISIT_SECONDS / 60),
    "come_back": "eine Minute" if limits.COME_BACK == 60 else _seconds(limits.COME_BACK),
    "window": in_words(limits.WINDOW),
    "hop": in_words(limits.HOP),
    "rate": in_words(limits.FRAME_RATE),
    "unsure": f"{limits.UNSURE:.0%}".replace("%", " %"),
}

# Names

LABEL = {
    "anger": "Wut",
    "disgust": "Ekel",
    "fear": "Angst",
    "happiness": "Freude",
    "neutral": "neutral",
    "sadness": "Trauer",
    "surprise": "Überraschung",
}
MODALITY = {"text": "Worte", "video": "Gesicht", "audio": "Stimme"}
MODEL = {"cross": "Cross-Attention", "self": "Self-Attention"}
MODEL_TITLE = {**MODEL, "both": "Cross + Self", "gated": "Mit Gate"}  # of every model
SWITCH = {"video": "Gesicht", "audio": "Stimme", "text": "Worte"}
ALL_OF = {"text": "alle Worte", "video": "das ganze Gesicht", "audio": "die ganze Stimme"}
ALONE = {"text": "Worte allein", "video": "Gesicht allein", "audio": "Stimme allein"}
QUOTED = "„{text}“"
COLON = ": "
UNDEFINED_CELL = "nicht definiert"

_THE = {"text": "die Worte", "video": "das Gesicht", "audio": "die Stimme"}
_OF = {"text": "der Worte", "video": "des Gesichts", "audio": "der Stimme"}
_FROM = {"text": "von den Worten", "video": "vom Gesicht", "audio": "von der Stimme"}

_LANGUAGES = {  # Whisper's code -> German name
    "en": "Englisch", "zh": "Chinesisch", "de": "Deutsch", "es": "Spanisch", "ru": "Russisch", "ko": "Koreanisch",
    "fr": "Französisch", "ja": "Japanisch", "pt": "Portugiesisch", "tr": "Türkisch", "pl": "Polnisch",
    "ca": "Katalanisch", "nl": "Niederländisch", "ar": "Arabisch", "sv": "Schwedisch", "it": "Italienisch",
    "id": "Indonesisch", "hi": "Hindi", "fi": "Finnisch", "vi": "Vietnamesisch", "he": "Hebräisch",
    "uk": "Ukrainisch", "el": "Griechisch", "ms": "Malaiisch", "cs": "Tschechisch", "ro": "Rumänisch",
    "da": "Dänisch", "hu": "Ungarisch", "ta": "Tamil", "no": "Norwegisch", "th": "Thailändisch", "ur": "Urdu",
    "hr": "Kroatisch", "bg": "Bulgarisch", "lt": "Litauisch", "la": "Latein", "mi": "Maori", "ml": "Malayalam",
    "cy": "Walisisch", "sk": "Slowakisch", "te": "Telugu", "fa": "Persisch", "lv": "Lettisch", "bn": "Bengalisch",
    "sr": "Serbisch", "az": "Aserbaidschanisch", "sl": "Slowenisch", "kn": "Kannada", "et": "Estnisch",
    "mk": "Mazedonisch", "br": "Bretonisch", "eu": "Baskisch", "is": "Isländisch", "hy": "Armenisch",
    "ne": "Nepalesisch", "mn": "Mongolisch", "bs": "Bosnisch", "kk": "Kasachisch", "sq": "Albanisch",
    "sw": "Suaheli", "gl": "Galicisch", "mr": "Marathi", "pa": "Panjabi", "si": "Singhalesisch", "km": "Khmer",
    "sn": "Shona", "yo": "Yoruba", "so": "Somali", "af": "Afrikaans", "oc": "Okzitanisch", "ka": "Georgisch",
    "be": "Belarussisch", "tg": "Tadschikisch", "sd": "Sindhi", "gu": "Gujarati", "am": "Amharisch",
    "yi": "Jiddisch", "lo": "Laotisch", "uz": "Usbekisch", "fo": "Färöisch", "ht": "Haitianisch", "ps": "Paschtu",
    "tk": "Turkmenisch", "nn": "Nynorsk", "mt": "Maltesisch", "sa": "Sanskrit", "lb": "Luxemburgisch",
    "my": "Birmanisch", "bo": "Tibetisch", "tl": "Tagalog", "mg": "Madagassisch", "as": "Assamesisch",
    "tt": "Tatarisch", "haw": "Hawaiisch", "ln": "Lingala", "ha": "Hausa", "ba": "Baschkirisch", "jw": "Javanisch",
    "su": "Sundanesisch", "yue": "Kantonesisch",
}  # fmt: skip


def language_name(code: str, english: str) -> str:
    """Of the language that was spoken, by Whisper's code; its English name where there is no German one."""
    return _LANGUAGES.get(code, english)


def points(difference: float) -> str:
    """A difference of probabilities in percentage points: 0.0312 -> "+3.1 Punkte"."""
    return f"{signed(difference * 100)} Punkte"


# The page

TITLE = "Cross oder Self?"
PREVIEW = (
    "Zwei kleine Modelle lesen dasselbe Gesicht, dieselbe Stimme und dieselben Worte. Im einen schauen diese "
    "aufeinander, im anderen jedes nur auf sich selbst. Was sagt jedes Modell, und warum? Ist Cross-Attention besser "
    "als Self-Attention?"
)
PREVIEW_PICTURE = "Ein Clip eines lächelnden Gesichts, das traurige Worte sagt, und was zwei Modelle daraus machen"


def too_long(largest: int) -> str:
    """Why a request with more bytes than that is not read."""
    if largest >= limits.MAX_FILE_BYTES:
        return TOO_LARGE
    if not largest:
        return "Diese Anfrage darf keinen Inhalt haben."
    size = f"{largest / 1024**2:.0f} MB" if largest >= 1024**2 else f"{largest / 1024:.0f} KB"
    return f"Diese Anfrage darf {size} haben; nur ein Upload darf größer sein."


LIMITS_SHORT = "Geraten wird gezeigter Ausdruck, nicht, was jemand fühlt."


def how_right(held_out: dict) -> str:
    """How often both models are right about people and corpora that were held out; "" where none was measured."""
    said = ""
    if found := measured_of_both(held_out, "people", "video+audio"):
        classes = in_words(sum(recall is not None for recall in found["self"]["recall"].values()))
        said += f"""Bei {found["self"]["n"]} echten Clips von Schauspielerinnen und Schauspielern, die kein Modell
kannte, setzten Gesicht und Stimme die richtige von {classes} Emotionen an die erste Stelle: in {_shares(found)}. """
    found, whole = with_neutral_words(held_out)
    if found:
        whom = "ganz zurückgehaltener Korpora" if whole else "zurückgehaltener Personen"
        said += f"""Bei {found["self"]["n"]} Äußerungen, zusammengesetzt aus gespielten Stimmen {whom},
aus Gesichtern, die kein Encoder kannte, und aus Sätzen, die nichts aussagen, stand die richtige von sieben Emotionen
an erster Stelle: in {_shares(found)}. Wo niemand spielt, ist weniger zu erwarten. """
    return said


def _shares(found: dict) -> str:
    cross, own = (percent(found[model]["accuracy"]) for model in ("cross", "self"))
    return f"{cross} (Cross-Attention) und {own} (Self-Attention) der Fälle"


def our_answer(found: PublishedComparison | None) -> str:
    """What the paper's configurations gave here; without numbers where the report is not there."""
    if found is None:
        return (
            "Wir haben alle Konfigurationen der drei auf zusammengesetzten Äußerungen laufen lassen; die Zahlen stehen "
            "im Bericht des Projekts."
        )
    decided = "Unentschieden: Weder ein Unterschied noch Gleichheit lässt sich zeigen."
    conclusion = decided if found.conclusion == "undecided" else f"Kurz: {_concluded(found.conclusion)}."
    return (
        "Wir haben alle Konfigurationen der drei auf zusammengesetzten Äußerungen laufen lassen, mit "
        f"{in_words(found.folds)} Folds und {in_words(found.seeds)} Seeds: Mit Gesicht, Stimme und Worten beträgt "
        f"Cross minus Self {signed(found.difference)} Punkte balancierter Genauigkeit, 95-%-Intervall "
        f"{signed(found.low)} bis {signed(found.high)}. {conclusion}"
    )


def answer_in_short(found: PublishedComparison | None) -> str:
    """The title's question, answered in one line."""
    ours = "unsere Antwort steht im Bericht des Projekts"
    if found is not None:
        ours = f"unsere Antwort: {_concluded(found.conclusion)}"
    return f"Also, Cross oder Self? Die Studie: kein signifikanter Unterschied; {ours}."


def _concluded(conclusion: str) -> str:
    """What ``core.experiment.tables.Comparison.verdict`` says, in German."""
    for english, german in (
        ("undecided", "unentschieden"),
        ("one fold: no inference", "ein Fold: kein Schluss möglich"),
        ("cross is better", "Cross ist besser"),
        ("self is better", "Self ist besser"),
        (" but ", ", aber "),
        ("equivalent within", "gleichwertig innerhalb von"),
        ("points", "Punkten"),
    ):
        conclusion = conclusion.replace(english, german)
    return conclusion


LIMITS_BEHIND = f"""{how_right(MEASURED)}Gelernt haben die Modelle vor allem aus <em>zusammengesetzten</em> Beispielen:
der Stimme einer schauspielenden Person, dem Bild eines anderen Gesichts und einem Satz aus einer Fernsehserie,
zusammengefügt, weil sie dasselbe Label tragen. Sie liegen oft falsch, und bei verschiedenen Menschen auf verschiedene
Weise. Bitte niemanden danach beurteilen."""
LIMITS = f"<strong>{LIMITS_SHORT}</strong> {LIMITS_BEHIND}"

TABS = {"clip": "Ein Clip", "several": "Mehrere", "live": "Live", "about": "Was ist das?"}
INTRODUCTION = """Zwei kleine Modelle lesen denselben Clip. Im einen schauen Gesicht, Stimme und Worte
<em>aufeinander</em>, im anderen jedes nur <em>auf sich selbst</em>."""
INTRODUCTION_MORE = "Mehr"
INTRODUCTION_KEPT = f"""Ihr Clip bleibt nur so lange auf diesem Server, wie Sie ihn ansehen. Gelöscht wird er
{SAID["come_back"]}, nachdem Sie die Seite verlassen haben, oder nach einer Stunde."""
NOTICE = """<p class="notice" role="note"><strong>Diese Seite leitet Emotionen ab</strong>: aus Gesicht, Stimme und
Worten. Nur Menschen aufnehmen, die das wissen und damit einverstanden sind. In der Europäischen Union müssen die
Betroffenen informiert werden, und es ist verboten, Emotionen von Schülerinnen, Schülern oder Beschäftigten
abzuleiten.</p>"""
FILE_NOTES = {  # of a file that was chosen or dropped
    "other": "„{name}“ ist weder ein Video noch eine Tondatei, es gibt also nichts zu sehen oder zu hören.",
    "empty": "„{name}“ ist leer: Es ist nichts darin.",
    "large": f"„{{name}}“ ist größer, als diese Seite annimmt: {SAID['megabytes']} je Clip.",
}

CAPTURE = "Ihr Clip"
SOUND = "Tondatei"
SOUND_TRACK = "Ton"
SOURCE_RECORD, SOURCE_UPLOAD = "Aufnehmen", "Hochladen"  # below the pictures of gradio's own buttons
ANALYSE, STOP = "Auswerten", "Stopp"
STORED = "Ein Beispiel mit gespeichertem Ergebnis. „Auswerten“ lässt die Modelle noch einmal darüber laufen."
KEPT = "Ihr letzter Clip und seine Auswertung aus der Zeit, bevor die Seite neu geladen wurde."
NOT_KEPT = (
    f"Ihr letzter Clip ist nicht mehr da: Ein Besuch wird noch {SAID['come_back']} aufbewahrt, nachdem die Seite "
    "verlassen wurde. Stattdessen ist das Beispiel zu sehen."
)
IDLE = (
    "Am besten eignen sich ein paar Sekunden, in denen eine Person Englisch spricht, als Video oder nur als Ton. "
    "Ein zweiter Druck auf den Knopf beendet die Aufnahme."
)
BOUNDS = f"""<details class="hint"><summary>Wie ein Clip sein darf</summary><p>Höchstens {SAID["megabytes"]}; gelesen
werden die ersten {SAID["clip_minutes"]} eines Clips, und das höchstens {SAID["analysis_minutes"]} lang. Es wird immer
nur ein Clip gelesen, {SAID["waiting"]} dürfen warten.</p></details>"""
NO_CLIP = (
    "Hier ist kein Clip: einen aufnehmen, einen hochladen oder ein Beispiel wählen. Clips bleiben höchstens eine "
    "Stunde."
)
LET_GO = "Diese Auswertung wurde verworfen, weil viele zu Besuch sind; bitte den Clip noch einmal auswerten."
LOST_CLIP = "Dieser Clip wurde gelöscht (Clips bleiben höchstens eine Stunde): bitte neu aufnehmen oder hochladen."
STOPPED = "Angehalten. Der Clip ist noch da; „Auswerten“ beginnt von vorn."
TOO_SLOW = (
    f"Das Lesen dieses Clips hat länger als {SAID['analysis_minutes']} gedauert und wurde abgebrochen; ein kürzerer "
    "sollte gehen."
)
NO_FILE = "Es wurde kein Clip geschickt."
HUNG_UP = "Wer gefragt hat, ist gegangen; die Auswertung wurde angehalten."
NO_LENGTH = "Eine Anfrage muss sagen, wie lang sie ist."
TOO_LARGE = f"Das ist größer, als diese Seite annimmt: {SAID['megabytes']} je Clip."
TOO_COMPLEX = f"Diese Anfrage enthält mehr als {limits.MAX_VALUES:,} Werte.".replace(",", ".")
NO_ROOM = "Der Server hat gerade keinen Platz für weitere Clips; bitte später noch einmal versuchen."
TOO_MANY_REQUESTS = "Von dieser Adresse kommt gerade zu viel auf einmal; bitte gleich noch einmal versuchen."
TOO_MANY_UPLOADS = "Von dieser Adresse sind zu viele Uploads unterwegs; bitte warten, bis einige angekommen sind."
NO_UPLOAD = "Es gibt keinen Upload mit diesem Namen."
NO_FORM = (
    "Ein Upload muss ein Formular sein (multipart/form-data), dessen Feld „files“ die Dateien enthält, jede mit Namen."
)
NO_JSON = "Der Inhalt einer Anfrage muss JSON sein (Content-Type: application/json)."
HOW_TO_UPLOAD = (
    'Eine Datei muss zuerst an diesen Server geschickt werden: als multipart/form-data im Feld "files", per POST an '
    "/gradio_api/upload. Die Antwort ist eine Liste mit ihrem Pfad; anzugeben ist dieser Pfad oder "
    "http://SERVER/gradio_api/file=PATH."
)
NO_ADDRESS = f"Dateien werden weder von anderen Hosts noch als data:-Adressen angenommen. {HOW_TO_UPLOAD}"
NOT_UPLOADED = "Diese Datei wurde nicht auf dieser Seite hochgeladen: bitte zuerst aufnehmen oder hochladen."
OTHER_HOST = (
    "Unter dem Namen in dieser Adresse antwortet dieser Server nicht. Wer ihn betreibt, kann den Namen hinzufügen: "
    "python app.py --allow-host NAME"
)
OTHER_SITE = "Diese Anfrage kommt von einer anderen Website; nur diese Seite selbst und Programme dürfen sie schicken."
NOT_SERVED = "Hier ist nichts."
UNFIT = "Was geschickt wurde, passt nicht zu dieser Seite; bitte die Seite neu laden und noch einmal versuchen."
FAILED = "Bei dieser Anfrage ist etwas schiefgegangen."
UNSAFE_PAGE = "Diese Seite wurde nicht geschickt, weil andere den Namen Ihrer Sitzung hätten erraten können."
NO_EXAMPLE = "Dieses Beispiel lässt sich gerade nicht zeigen; bitte ein anderes wählen."
WHICH_MODALITIES = (
    'Bitte angeben, welche Modalitäten verwendet werden dürfen: eine Liste aus "text", "video" und "audio", mindestens '
    "eine davon."
)
BROKEN = "Beim Lesen dieses Clips ist etwas schiefgegangen; ein anderer sollte gehen."
WORDS_FOLLOW = "Bisher aus Gesicht und Stimme; die Worte werden noch gelesen."
READ_IN = "{duration} Sekunden Clip, gelesen in {took} Sekunden."
NOTHING_USED = "Kein Anhaltspunkt ({reasons})."


def visit_has_its_share(count: int, clips: bool) -> str:
    """Who already has so many clips (or other things asked for) in line is told to wait."""
    if clips:
        return (
            f"Von Ihnen warten schon {count} Clips, mehr sind für einen Besuch nicht möglich; bitte warten, bis einer "
            "gelesen ist."
        )
    return "Das ist schon mehrmals angefragt; bitte die Antworten abwarten."


def address_has_its_share(count: int, clips: bool) -> str:
    """As ``visit_has_its_share``, of everybody who comes from the same address."""
    if clips:
        return (
            f"Von Ihrer Adresse warten schon {count} Clips, mehr sind für eine Adresse nicht möglich; bitte in einer "
            "Minute noch einmal versuchen."
        )
    return "Von Ihrer Adresse ist schon viel angefragt; bitte in einer Minute noch einmal versuchen."


def line_is_full(count: int, clips: bool) -> str:
    """Nobody is let in at the moment."""
    what = "Clips" if clips else "Anfragen dieser Art"
    return (
        f"Es warten schon {count} {what}, mehr nimmt dieser Server nicht an; bitte in ein paar Minuten noch einmal "
        "versuchen."
    )


ALL_OFF = "Alles ist ausgeschaltet, es gibt also keinen Anhaltspunkt. Mindestens eines einschalten."
UNDEFINED = "Nicht definiert: Mit nur einer Modalität gibt es keine andere, auf die zu schauen wäre."
INSTEAD = "Cross-Attention ist hier nicht definiert; zu sehen ist Self-Attention."

NEUTRAL_SECOND = "Dieser Clip beginnt mit einer Sekunde meines neutralen Gesichts: damit vergleichen"
FROM_NEUTRAL = "Das Gesicht wird jetzt mit dem neutralen in der ersten Sekunde des Clips verglichen."
NOT_FROM_NEUTRAL = "Das Gesicht wird wieder so genommen, wie es ist."
MORE = "Weitere Modelle: beide Arten von Aufmerksamkeit zusammen und ein Gate, das sie mischt"
NO_MORE = "Dieses gespeicherte Ergebnis enthält nicht, was weitere Modelle lesen würden; „Auswerten“ berechnet es."
GATES = "Was jedes vom anderen nimmt; der Rest kommt aus ihm selbst"


def gate(query: str, key: str, share: str) -> str:
    """How much one modality takes from another, where a gate mixes."""
    takes = "aufnehmen, stammt" if query == "text" else "aufnimmt, stammt"
    itself = {"text": "ihnen", "video": "ihm", "audio": "ihr"}[query]
    return (
        f"{MODALITY[query]} → {MODALITY[key]}: Was {_THE[query]} {takes} zu {share} {_FROM[key]}, der Rest von "
        f"{itself} selbst"
    )


SWITCHES = "Modelle nutzen"
WHOSE = "Wessen Gesicht zählt?"
PLACES = {"left": "links", "middle": "in der Mitte", "right": "rechts"}


def person(number: int, place: str, pictures: int, start: str, end: str) -> str:
    """One of several persons: "2: links, in 40 Bildern, 0.0–6.7 s"; ``place`` is a key of ``PLACES``."""
    return f"{number}: {PLACES[place]}, in {pictures} Bild{'ern' if pictures > 1 else ''}, {start}–{end} s"


FACE_NUMBER = "Gesicht {number}"
GHOSTS = "Umrisse: wenn alles an ist. Balken: was jetzt an ist."
NOT_SURE = "keine Klasse sticht heraus"


HARDLY_RULED_OUT = "die meisten Klassen kommen infrage"


def not_ruled_out(others: Sequence[str]) -> str:
    """The other classes of a prediction set."""
    return f"oder {' oder '.join(LABEL[other] for other in others)}"


def with_everything_on(arrow: str, before: str, other: str | None) -> str:
    """What a model said before something was switched off; ``other``: the label, where it was another one."""
    return f"{arrow} {before}, wenn alles an ist" + (f" (dann heißt es: {LABEL[other]})" if other else "")


def bar_title(label: str, share: float, difference: float | None) -> str:
    """What a bar says when it is pointed at; ``difference`` to what was said with everything on."""
    said = f"{LABEL[label]} {share:.3f}"
    if difference is None:
        return said
    return f"{said}, {abs(difference):.3f} {'mehr' if difference >= 0 else 'weniger'}, als wenn alles an ist"


ALL_SEVEN = "{model}, alle sieben: {each}."  # for screen readers
ONLY_SELF = "Nur Self-Attention kann antworten: {label}."
BOTH_SAY = "Beide sagen <b>{label}</b>."
THEY_DISAGREE = "<b>Sie sind sich uneinig.</b> Cross-Attention sagt {cross}, Self-Attention sagt {own}."


SECTIONS = {  # parts of the page that open and close
    "time": "Der Clip im Verlauf",
    "attention": "Wohin sie schauten",
    "worth": "Was hat zum Urteil beigetragen?",
    "matrix": "Jedes allein, je zwei zusammen",
    "seen": "Worte und Gesichter",
    "course": "Der Verlauf jeder Emotion",
    "phrases": "Satz für Satz",
    "export": "Zum Mitnehmen",
}

USING = "mit"
NEEDS_TWO = "braucht zwei"
MATRIX_CAPTION = "Urteile jedes Modells für alle sieben Kombinationen"


def absent(modalities: Sequence[str]) -> str:
    """Why a combination is not there: "kein Gesicht und keine Worte in diesem Clip"."""
    none = {"text": "keine Worte", "video": "kein Gesicht", "audio": "keine Stimme"}
    return f"{' und '.join(none[m] for m in modalities)} in diesem Clip"


MATRIX = """<p class="hint">Alle sieben Kombinationen für beide Modelle. Ein Streifen enthält die sieben
Wahrscheinlichkeiten in den Farben der Balken; die Klasse in Worten ist die wahrscheinlichste.</p>"""

ATTENTION = """<p class="hint">Jede kleine Karte ist ein Aufmerksamkeitskopf in einer Richtung: Eine Zeile fragt, eine
Spalte antwortet. Alle sind auf einer Skala gezeichnet, dunkel für nichts und am hellsten ab sechs gleichmäßigen
Anteilen. Zuerst kommen die Köpfe, die einzelne Momente herausgreifen, und unter diesen die, bei denen es darauf
ankommt, <em>wer fragt</em>. Ein Druck auf eine Karte vergrößert sie. In der großen ergibt jede Zeile zusammen 1, die
Marke an der Skala ist das Gewicht bei <em>gleicher</em> Verteilung, das jeder Moment bekommt, wenn nichts heraussticht,
und ein Klick auf eine Zelle spielt ab, worauf geschaut wird. Die Aufmerksamkeit sagt, was in das Ergebnis gemischt
wurde, nicht, warum es so ausfiel.</p>"""
MAPS = "Alle Karten, die aufschlussreichsten zuerst: Pfeiltasten bewegen, Eingabe vergrößert"
ALIKE = "alle schauen auf dieselben Momente"
ALIKE_SENTENCE = "Alle schauen auf dieselben Momente."
ALIKE_WHY = "Wer fragt, spielt hier kaum eine Rolle, daher steht eine Linie für alle Zeilen."
ROWS_DIFFER = "Hier zählt, wer fragt."
HEAD_WORTH = {  # whose map it is; 1, 0 or -1: what it looks at most is worth more than others, no more, less
    ("head", 1): """In {clips} Clips waren die Momente, auf die dieser Kopf am meisten schaut, mehr wert als andere:
Einen davon wegzulassen, senkte die Wahrscheinlichkeit des Urteils um {top} Punkte, irgendeinen Moment wegzulassen, im
Durchschnitt um {all}.""",
    ("head", 0): """In {clips} Clips waren die Momente, auf die dieser Kopf am meisten schaut, nicht mehr wert als
andere.""",
    ("head", -1): """In {clips} Clips waren die Momente, auf die dieser Kopf am meisten schaut, weniger wert als andere:
Einen davon wegzulassen, senkte die Wahrscheinlichkeit des Urteils um {top} Punkte, irgendeinen Moment wegzulassen, im
Durchschnitt um {all}.""",
    ("mean", 1): """In {clips} Clips waren die Momente, auf die diese Köpfe zusammen am meisten schauen, mehr wert als
andere: Einen davon wegzulassen, senkte die Wahrscheinlichkeit des Urteils um {top} Punkte, irgendeinen Moment
wegzulassen, im Durchschnitt um {all}.""",
    ("mean", 0): """In {clips} Clips waren die Momente, auf die diese Köpfe zusammen am meisten schauen, nicht mehr wert
als andere.""",
    ("mean", -1): """In {clips} Clips waren die Momente, auf die diese Köpfe zusammen am meisten schauen, weniger wert
als andere: Einen davon wegzulassen, senkte die Wahrscheinlichkeit des Urteils um {top} Punkte, irgendeinen Moment
wegzulassen, im Durchschnitt um {all}.""",
}
HEAD_WORTH_SOURCE = "Gemessen an {corpus}, {date}"
SCALE = "Was eine Karte zeigt"
CHOOSE_MODEL, CHOOSE_PAIR, CHOOSE_HEAD = "Modell", "Wer schaut auf wen", "Kopf"
ALL_HEADS = "Mittel aller"
ALL_HEADS_SHORT = "Mittel"


def head(number: int) -> str:
    """A head, counted from 0; below that the mean of all."""
    return "Mittel aller Köpfe" if number < 0 else f"Kopf {number + 1}"


SHARPNESS = """{shown}: höchstens <b>{highest} ×</b> ein gleichmäßiger Anteil; im Durchschnitt verteilt eine Zeile ihre
Aufmerksamkeit auf <b>{spread}</b> von {steps} Momenten{nearly}."""
NEARLY_EVENLY = " – fast gleichmäßig"
AT_MOST = "{shown}: höchstens {highest} × ein gleichmäßiger Anteil"  # a small map
_ONE = {"text": "das Wort", "video": "das Gesicht bei", "audio": "die Stimme bei"}


def map_query(modality: str) -> str:
    """Beside the rows of a map."""
    looking = {"text": "das schauende Wort", "video": "das schauende Gesicht", "audio": "die schauende Stimme"}
    return f"↓ Query: {looking[modality]}"


def map_key(modality: str) -> str:
    """Below the columns of a map."""
    looked_at = {"text": "das angeschaute Wort", "video": "das angeschaute Gesicht", "audio": "die angeschaute Stimme"}
    return f"Key: {looked_at[modality]} →"


MAP_ALIKE = {  # above a line that stands for all rows
    "text": "alle Wörter schauen auf dieselben Momente",
    "video": "alle Gesichter schauen auf dieselben Momente",
    "audio": "alle Momente der Stimme schauen auf dieselben",
}
UNIFORM = "▲ gleich {weight}"  # on the scale of a map
AS_ALL_ROWS = "wie alle Zeilen"  # on the scale of differences


def cell_weight(query: str, key: str, row: str, column: str, value: str, by_length: bool) -> str:
    """What a cell of a map says when it is pointed at; ``row`` and ``column`` are words or seconds."""
    what = "Anteil am Weitergegebenen" if by_length else "Gewicht"
    return f"{_ONE[query]} {row} schaut auf {_ONE[key]} {column}, {what} {value}"


def cell_difference(query: str, key: str, row: str, column: str, value: str) -> str:
    """As ``cell_weight``, where a map shows only what differs between rows."""
    looks = f"{_ONE[query]} {row} schaut auf {_ONE[key]} {column}"
    return f"{looks}, {value} gleichmäßige Anteile mehr als die mittlere Zeile"


def cell_alike(key: str, column: str, value: str) -> str:
    """As ``cell_weight``, where one line stands for all rows."""
    return f"alle schauen auf {_ONE[key]} {column}, {value} × ein gleichmäßiger Anteil"


SCALES = {"weights": "Aufmerksamkeitsgewichte", "lengths": "Gewicht × Länge des Weitergegebenen"}
LENGTHS = """<p class="hint">Ein Gewicht allein täuscht, wo wenig weitergegeben wird. Die zweite Skala multipliziert
jedes Gewicht mit der Länge dessen, was der Kopf von diesem Moment weitergibt, seinem Value nach dem Teil der
Ausgabeprojektion, der zum Kopf gehört, und teilt jede Zeile neu auf.</p>"""
NO_LENGTHS = "Die Längen des Weitergegebenen wurden mit diesem Ergebnis nicht gespeichert; zu sehen sind Gewichte."
DIFFERING = "Nur was zwischen Zeilen verschieden ist (ein Gewicht minus das Mittel seiner Spalte)"

TIMELINE = """<p class="hint">Die farbige Linie ist die Aufmerksamkeit, die jeder Moment bekommen hat, die gepunktete
ein gleichmäßiger Anteil. Ein Klick auf einen Moment spielt von dort ab. Auf ein Wort zeigen oder tippen: Bögen führen
zu dem, worauf es am meisten schaut, oben bei Cross-Attention (Stimme; gestrichelt: Gesicht), unten bei Self-Attention;
ein Klick auf ein Ende spielt es mit halber Geschwindigkeit.</p>"""

IN_TIME = "Im Verlauf"
HOVER_WORD = "„{word}“ {start}–{end} s"
HOVER_COURSE = "{model}, {span}<br>{label} {value}"


def hover_received(modality: str, seconds: str, value: str) -> str:
    """What the line of attention says of a moment."""
    receive = "bekommen" if modality == "text" else "bekommt"
    return f"{_THE[modality]} bei {seconds} s {receive} {value} × einen gleichmäßigen Anteil"


COURSE = f"""<p class="hint">Der Clip in Fenstern von {SAID["window"]} Sekunden, ein neues alle {SAID["hop"]}. Ein Klick
auf ein Fenster spielt es ab.</p>"""
EXPORT = """<p class="hint">Wird auf Wunsch erstellt und direkt an Ihren Browser übergeben: Hier wird nichts aufbewahrt.
Der Bericht ist eine einzige Datei, die sich ohne Internet öffnet; sie enthält kleine Bilder des Gesichts.</p>"""

TRANSCRIPT = "Transkript"
WORDS = "Worte"
NO_WORDS = "Es waren keine Worte zu hören."
WORD_TITLE = "{start}–{end} s, Whisper ist sich zu {sure} sicher"
FACES = "Gesichter"
FACE = "Gesicht"
FACE_AT = "Gesicht bei {seconds} s"
FACES_FOUND = "Gefunden in {found} von {total} Bildern."
NO_FACE = "Es wurde kein Gesicht gefunden."


def not_recognised(some: bool) -> str:
    """Of speech whose language is not known; ``some``: other words were understood."""
    which = "Ein Teil des Gesprochenen" if some else "Das Gesprochene"
    return f"{which} wurde nicht verstanden und seine Sprache nicht erkannt."


def other_language(code: str, name: str, sure: str) -> str:
    """Of words that the models do not use; ``code`` and ``name`` are those of their language in Whisper."""
    unclear = ", für die Modelle nicht deutlich genug" if code == "en" else ""
    why = "" if code == "en" else ": Sie lesen Englisch"
    return (
        f"{language_name(code, name)}{unclear} (Whisper ist sich der Sprache zu {sure} sicher). "
        f"Die Modelle verwenden diese Worte nicht{why}."
    )


PHRASES_NAME = "Sätze"
PHRASES_SAID = "gesagt"

MISSING = {
    "video": "Ohne Gesicht",
    "audio": "Ohne Stimme",
    "text": "Ohne Worte",
}

EXAMPLES = {  # file in demo/examples -> button
    "glad": "Froh: Lächeln, helle Stimme, frohe Worte",
    "angry": "Wütende Worte, Stirnrunzeln per Verzerrung",
    "contradiction": "Widerspruch: Ein Lächeln sagt traurige Worte",
    "moods": "Stimmungen: froh, überrascht, wütend, traurig in 24 Sekunden",
}


GUESSES = {  # by example
    "contradiction": "Sie lächelt und sagt, dass ihr Hund gestorben ist. Was werden die Modelle sagen?",
}
GUESS_FIRST = "Zuerst raten"
GUESS_SKIP = "Einfach zeigen"
GUESS_RIGHT = "Richtig."
GUESS_WRONG = "Diesmal nicht."


def guess_alone(each: Sequence[tuple[str, str, str]]) -> str:
    """What each modality says alone: its name, its label and how probable that is."""
    said = [f"{_THE[m]} {'sagen' if m == 'text' else 'sagt'} {LABEL[label]} ({p})" for m, label, p in each]
    return f"Jedes für sich: {_capital(', '.join(said))}."


def guess_same(label: str, probabilities: Sequence[str], sides: Sequence[str]) -> str:
    """Both models say the same; ``sides`` are the modalities that say it alone."""
    both = f"Zu allem zusammen sagen beide Modelle {LABEL[label]} ({' und '.join(probabilities)})"
    return f"{both}: {_capital(_won(sides))}."


def guess_different(each: Sequence[tuple[str, str, str, Sequence[str]]]) -> str:
    """The models differ: of each its name, its label, how probable that is, and the modalities that say it alone."""
    said = [f"{MODEL_TITLE[model]} sagt {LABEL[label]} ({p}) – {_won(sides)}" for model, label, p, sides in each]
    return f"Alles zusammen: {'; '.join(said)}."


def _won(sides: Sequence[str]) -> str:
    """["video"] -> "das Gesicht hat gewonnen"."""
    if not sides:
        return "keines der drei hat das allein gesagt"
    has = "hat" if len(sides) == 1 and sides[0] != "text" else "haben"
    return f"{' und '.join(_THE[side] for side in sides)} {has} gewonnen"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


EXAMPLES_HINT = """<p class="hint">Beispiele aus einem gemeinfreien Porträt (NASA), das durch Verzerrung bewegt wird,
und einer synthetischen Stimme. Die Astronautin hat nichts davon je gesagt und nie so geschaut.</p>"""

RECORDER = {  # what is said over the clip while it is recorded with one press
    "wait": "Kamera und Mikrofon werden geöffnet …",
    "count": "Aufnahme beginnt in",
    "cancel": "Abbrechen",
    "stop": "Stopp",
    "recording": "Aufnahme",
    "neutral": "Bitte neutral schauen …",
}
RECORDER_NEUTRAL = "Die letzte Sekunde zeigt mein neutrales Gesicht, zum Vergleich"
AGAIN = "Noch mal anders sagen"
CHALLENGE = "Eine Aufgabe"
CARD = "Bild zum Verschicken"
TAKES_WAITING = (
    "A ist gemerkt. Jetzt denselben Satz anders sagen: mit einem anderen Gesicht, einer anderen Stimme oder beidem."
)
FORGET_TAKES = "Erste Fassung vergessen"
COMPARED = "Zwei Fassungen eines Satzes"
TAKES_COLUMNS = ["", "A", "B", "Änderung in Punkten"]
TAKE_NONE = "kein Urteil"
MOST_CHANGED = {
    "text": "Einzeln haben sich die Worte am meisten geändert.",
    "video": "Einzeln hat sich das Gesicht am meisten geändert.",
    "audio": "Einzeln hat sich die Stimme am meisten geändert.",
}
NOTHING_CHANGED = "Einzeln hat sich nichts auch nur um einen Punkt geändert."
UNCHANGED = "nichts"
TAKES_WORDS = "Die Wörter von A über denen von B; ein Druck auf eines von B spielt es ab."
CHALLENGE_SAYS = "The dogs are sitting by the door."  # English in all languages: the models read no other
CHALLENGE_ASKS = (
    f"Auf Englisch „{CHALLENGE_SAYS}“ so sagen, dass Gesicht und Stimme sich uneinig sind: lächeln und wütend klingen."
)
CHALLENGE_WON = "Sie sind sich uneinig: Für sich allein sagt das Gesicht {face} und die Stimme {voice}. Geschafft."
CHALLENGE_LOST = "Noch nicht: Für sich allein sagt das Gesicht {face} und die Stimme {voice}."
CHALLENGE_NEEDS_BOTH = "Diesem Clip fehlt ein Gesicht oder eine Stimme, sie können sich also nicht uneinig sein."
CARD_FACE = "mit dem Bild, das der Clip gerade zeigt"
CARD_SHARE = "Teilen"
CARD_SAVE = "Bild speichern"
CARD_CLOSE = "Schließen"
CARD_HINT = "Gezeichnet in Ihrem Browser. Nichts wird gesendet, bevor Sie es teilen."
CARD_PICTURE = "Das Bild, wie es verschickt wird"
CARD_NONE = "kein Urteil"

DOWNLOADS = {
    "json": "JSON",
    "csv": "CSV der Fenster und Sätze",
    "worth": "CSV der Beiträge",
    "html": "Bericht (HTML)",
}

WELCOME = "<h3>Was es zu sehen gibt</h3><p>Zwei Urteile nebeneinander, und die Aufmerksamkeit hinter jedem.</p>"


TOUR_NAME = "Kleiner Rundgang"
TOUR_PLACE = "{step} von {steps}"
TOUR_CLOSE, TOUR_BACK, TOUR_NEXT, TOUR_DONE = "Beenden", "Zurück", "Weiter", "Fertig"
TOUR = {  # by step; <b data-say="…"> is filled with what a model says there, and stays as it is
    "models": TourStep(
        "Zwei Modelle, ein Clip",
        """Beide lesen dasselbe Gesicht, dieselbe Stimme und dieselben Worte. Bei Cross-Attention schaut jedes auf die
        beiden anderen, in sechs Richtungen; bei Self-Attention jedes nur auf sich selbst. Zu diesem Clip sagt
        Cross-Attention <b data-say="cross"></b>, Self-Attention <b data-say="self"></b>.""",
    ),
    "switches": TourStep(
        "Etwas ausschalten",
        """Ein Schalter nimmt beiden Modellen Gesicht, Stimme oder Worte weg; Umrisse zeigen weiter, was sie sagen, wenn
        alles an ist. Bleibt nur eines übrig, ist nichts mehr da, auf das zu schauen wäre, und Cross-Attention hat keine
        Antwort.""",
        press="Gesicht ausschalten",
        back="Gesicht wieder einschalten",
    ),
    "head": TourStep(
        "Ein Kopf",
        """Jedes Modell schaut mit mehreren Köpfen zugleich; die kleinen Karten zeigen alle, und die aufschlussreichste
        ist groß. Eine Zeile ist der Moment, der schaut, eine Spalte das, worauf er schaut; eine einzige Linie steht da,
        wo alle auf dieselben Momente schauen. Ein einzelner Kopf kann wählerisch sein, wo das Mittel aller fast
        gleichmäßig ist. Das ist, was in das Urteil gemischt wurde, nicht, warum es so ausfiel.""",
        press="Mittel aller Köpfe zeigen",
        back="Zurück zum aufschlussreichsten Kopf",
    ),
    "contradiction": TourStep(
        "Wenn sie einander widersprechen",
        """Für sich allein sagt das Gesicht <b data-say="self video"></b>, die Stimme <b data-say="self audio"></b>, und
        die Worte sagen <b data-say="self text"></b>. Die Zeilen darunter zeigen, wer wem nachgibt und wo die beiden
        Modelle auseinandergehen.""",
        press="Beispiel nehmen, in dem ein Lächeln Trauriges sagt",
    ),
    "answer": TourStep(
        "Die Antwort der Studie und unsere",
        """Auf IEMOCAP fanden Rajan, Brutti und Cavallaro keinen signifikanten Unterschied zwischen den beiden. {answer}
        Auch ein einzelner Clip kann das nicht entscheiden.""",
    ),
}

FIGURE = {  # the paper's figure in words
    "self": "Worte, Gesicht und Stimme schauen jeweils auf sich selbst.",
    "cross": "Jedes schaut auf jedes der beiden anderen.",
}
FIGURE_REST = "Mittel und Streuung über die Ströme gehen an einen Klassifikator mit sieben Klassen."
FIGURE_STREAMS = "über {count} Ströme"
FIGURE_MEAN = ("Mittel +", "Streuung")  # one line each, of ten letters at most
FIGURE_CLASSES = "7 Klassen"
EXPLANATION = f"""
<div class="explain">
<h2>Was ist hier zu sehen?</h2>
<p>Fünf Schritte an dem Clip, der gerade da ist, dem eigenen oder dem Beispiel: {{start}}</p>
{{figure}}
<p>Aus einem Clip werden drei Folgen: die <b>Worte</b> (Whisper schreibt sie auf, MiniLM liest sie), das <b>Gesicht</b>
(gefunden in {SAID["rate"]} Bildern pro Sekunde, gelesen von einem kleinen Netz) und die <b>Stimme</b> (gehört von dem,
was als Ohr von Whisper begann und an Stimmen in vier Sprachen weitergelernt hat). Dann trennen sich die Wege der beiden
Modelle. Bei <b>Self-Attention</b> darf jeder Moment einer Modalität auf jeden Moment <em>derselben</em> Modalität
schauen; bei <b>Cross-Attention</b> nur auf <em>die anderen</em>: Worte auf das Gesicht, Worte auf die Stimme und so
weiter, sechs Richtungen. Jede Richtung ergibt einen Strom; Mittel und Standardabweichung über die Ströme gehen an einen
einzigen Klassifikator.</p>
<details><summary>So liest man die Seite</summary>
<ul>
<li><b>Wahrscheinlichkeiten</b> sind die der Modelle selbst, kalibriert an zurückgehaltenen Personen und Korpora. Wo
keine {SAID["unsure"]} erreicht, sagt die Seite, dass keine Klasse heraussticht.</li>
<li><b>„Wut oder Ekel“</b>: Eine Klasse allein ist nicht verdient. Es werden so viele genannt, dass die richtige in
neun von zehn zurückgehaltenen Clips darunter ist; die Modellkarte sagt, wie oft sie es bei denen von Fremden ist.</li>
<li><b>Umrisse</b> um die Balken zeigen, nachdem etwas ausgeschaltet wurde, was gesagt wird, wenn alles an ist. Während
ein Clip aus mehreren Sätzen läuft, ist eine Marke an jedem Balken das Urteil über den Satz.</li>
<li><b>Karten</b> zeigen Aufmerksamkeitsgewichte, wie die Modelle sie berechnet haben, je Kopf oder als Mittel aller
Köpfe; eine einzige Linie, wo alle auf dieselben Momente schauen. Sie sagen, was gemischt wurde, nicht, worauf es
ankam.</li>
<li>Eine Modalität, die nicht gefunden wurde, ist <b>abwesend</b>: Sie wird im Modell weggelassen, nicht durch Stille
oder Schwarz ersetzt.</li>
</ul></details>
<details><summary>Grenzen</summary>
<p>{LIMITS}</p>
<p>Sieben Klassen sind ein grobes Raster über Gesichtern und Stimmen, gewonnen aus gespieltem Material; Menschen zeigen
verschieden, was sie fühlen, und oft zeigen sie nichts oder etwas anderes. Akzente, Altersgruppen, Hauttöne, Brillen,
Bärte, Kopftücher, Dialekte und Behinderungen, die in den Trainingsdaten selten sind, machen die Vermutungen schlechter.
Ein solches Modell bei der Arbeit, in der Schule, an einer Grenze oder vor Gericht auf jemanden anzuwenden, wäre falsch,
selbst wenn es öfter richtig läge; in der Europäischen Union ist es verboten, Emotionen von Schülerinnen, Schülern und
Beschäftigten abzuleiten.</p></details>
<details><summary>Mit Screenreader oder ohne Maus</summary>
<p>Jedes Urteil ist mit allen sieben Wahrscheinlichkeiten ausgeschrieben, die sieben Kombinationen sind eine einfache
Tabelle, das Transkript ist Text, dessen Wörter Schaltflächen sind, Gesichter haben Zeiten, und jeder Schalter und jede
Auswahl ist ein beschriftetes Formularelement, das sich mit der Tastatur bedienen lässt; ebenso die Abschnitte und der
Rundgang, den Escape beendet. Fehler und Fortschritt werden angesagt. Karten und Wörter sind mit den Pfeiltasten zu
erreichen und sagen, was sie zeigen; ihre Zahlen stehen in der JSON-Datei.</p></details>
</div>"""

LIVE_HINT = """Kamera und Mikrofon, fortlaufend. Das Gesicht wird mehrmals pro Sekunde gelesen, die Stimme etwa einmal
pro Sekunde, Worte, wenn ein Satz endet. Bilder und Ton werden nach wenigen Sekunden vergessen und nie zu Dateien. Es
ist eine Vermutung über den gezeigten Ausdruck, gewonnen aus zusammengesetzten Trainingsdaten: Sie wird falsch sein. Ein
Label bleibt, bis ein anderes deutlich oder schon einen Moment lang vorn liegt; die Balken zeigen jede Änderung."""
LIVE_FOLLOW = "Dieser Person folgen"
LIVE_SEVERAL = "Auf ein Gesicht tippen, damit diese Person gelesen wird."
LIVE_FULL = f"""Live sind schon {SAID["visitors"]} Personen, mehr schafft diese Maschine nicht; bitte später noch einmal
versuchen oder einen Clip aufnehmen."""
LIVE_SHARED = f"""Von Ihrer Adresse sind schon {SAID["live_share"]} Personen live, mehr sind für eine Adresse nicht
möglich; bitte später noch einmal versuchen oder einen Clip aufnehmen."""
LIVE_OVER = """Diese Live-Sitzung ist beendet: Von hier kam eine Weile nichts, oder der Server wurde neu gestartet.
„Start“ beginnt eine neue."""
LIVE_NOTHING = (
    "Eine Minute lang war nichts zu sehen oder zu hören, daher ist diese Live-Sitzung beendet; „Start“ beginnt eine "
    "neue."
)
LIVE_LONG = (
    f"Diese Live-Sitzung hat {SAID['live_minutes']} gedauert, länger darf keine dauern; „Start“ beginnt eine neue."
)
LIVE_TWICE = (
    "Der Browser hat den nächsten Moment geschickt, bevor der letzte beantwortet war; „Start“ beginnt von vorn."
)
LIVE_OFFLINE = "Die Verbindung ist abgebrochen: Dieses Gerät ist offline. „Start“ drücken, wenn es wieder online ist."
LIVE_LOST = "Der Server antwortet nicht: Vielleicht startet er gerade neu. Gleich noch einmal „Start“ drücken."
LIVE_REFUSED = "Der Server hat abgelehnt, was der Browser geschickt hat; die Seite neu laden und „Start“ drücken."
LIVE_NO_CAMERA = "Läuft nicht: Kamera und Mikrofon konnten nicht geöffnet werden."
LIVE_NO_SOUND = "Der Browser konnte das Mikrofon nicht lesen; ein anderer Browser sollte gehen."
LIVE_BROKEN = "Beim Lesen dieses Moments ist etwas schiefgegangen; „Start“ beginnt von vorn."
NEUTRAL = "Drei neutrale Sekunden messen"
NEUTRAL_HINT = """Ein ruhiges Gesicht kann auf ein Modell wütend wirken, eine Stimme traurig, immer auf dieselbe Weise.
Drei neutrale Sekunden von Ihnen werden gemessen, und was jedes Modell dazu gesagt hat, wird von den Logarithmen dessen
abgezogen, was es später sagt: Die Balken zeigen dann, was sich seither geändert hat, und alle sind gleich, solange sich
nichts geändert hat. Beim Stoppen wird das vergessen."""
LIVE_COURSE = """Für jeden Moment die wahrscheinlichste Klasse in ihrer Farbe, so hoch, wie sie wahrscheinlich ist.
Lücken sind Momente ohne Urteil."""
LIVE_BAD = "Der Browser hat etwas geschickt, das kein Bild mit Ton ist."
LIVE_CAMERA = "Ihre Kamera"
LIVE_START = "Start"
LIVE_IDLE = "Läuft nicht."
LIVE_MINUTE = "Die letzte Minute"
LIVE_NOTHING_YET = "{model}: noch nichts"
LIVE_SAID = {  # what the browser itself finds out
    "stop": "Stopp",
    "opening": "Kamera und Mikrofon werden geöffnet …",
    "camera": LIVE_NO_CAMERA,
    "sound": LIVE_NO_SOUND,
    "offline": LIVE_OFFLINE,
    "lost": LIVE_LOST,
    "refused": LIVE_REFUSED,
    "ended": "Die Kamera oder das Mikrofon ist ausgefallen.",
    "stopped": "Angehalten. Nichts wurde aufbewahrt.",
    "left": "Angehalten.",
    "hidden": "Angehalten: Der Tab wurde verlassen.",
    "without": "Ohne Vergleichswert",
    "measuring": "Neutral schauen und klingen …",
    "compared": "Im Vergleich mit Ihren neutralen Sekunden: Gleiche Balken bedeuten: wie damals.",
    "apart": "Nicht verglichen: Diese Teile waren in Ihren neutralen Sekunden nicht zusammen da.",
    "as_then": "wie in Ihren neutralen Sekunden",
    "needs_two": "undefiniert: braucht zwei",
    "nothing": "kein Anhaltspunkt",
    "face": "ein Gesicht ist im Bild",
    "no_face": "kein Gesicht im Bild",
    "doing": "{rate} Bilder pro Sekunde · {face} · {doing} · {milliseconds} ms pro Schritt",
    "dropped": " · {seconds} s Ton verworfen",
    "none": "noch kein Urteil",
    "course": "{model}, Anteil an der letzten Minute: {said}",
}

COPY_LINK = "Link zu dieser Ansicht kopieren"
COPY_LINK_DONE = "Der Link ist kopiert"
COPY_LINK_HINT = "Ein Link enthält, welches Beispiel wie gezeigt wird, nie einen Clip von Ihnen."
CLASS_BAR = {  # the class view: its buttons
    "name": "Ansichten, eine nach der anderen",
    "back": "Zurück",
    "next": "Weiter",
    "save": "Ansicht speichern",
    "clear": "Ansichten vergessen",
    "leave": "Unterrichtsansicht beenden",
}

FOOTER = f"""<footer id="about-foot"><p>Nach V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Nichts auf dieser Seite wird von anderswo geladen, und nichts wird anderswohin gesendet. Version {__version__}.
<a href="#view=class">Unterrichtsansicht für den Beamer</a></p></footer>"""

ATTRIBUTION_LEFT_OUT = """<p class="hint"><em>Angeschaut</em> ist die Aufmerksamkeit, die jeder Teil bekommen hat; die
gepunktete Linie ist ein gleichmäßiger Anteil. <em>Beitrag</em> ist, wie sich die Wahrscheinlichkeit ändert, wenn dieser
Teil allein weggelassen wird: Ein Balken nach oben heißt, dass die Klasse mit dem Teil wahrscheinlicher war, einer nach
unten, dass sie weniger wahrscheinlich war, in Prozentpunkten. Keines von beiden erklärt ein Urteil. Die Encoder lesen
Wörter und Stimme im Zusammenhang, daher tragen die übrigen Teile noch Spuren des weggelassenen; und Teile, die einander
wiederholen, tragen einzeln wenig bei, obwohl sie alle zusammen, was neben jedem Titel steht, viel beitragen können.
Weggelassen werden Wörter, halbe Sekunden der Stimme und halbe Sekunden des Gesichts.</p>"""
ATTRIBUTION_TABLE = "Diese Zahlen als Tabelle"
ATTRIBUTION_COLUMNS = ["weggelassen", "Aufmerksamkeit, gleich = 1", "{label} damit"]
ATTRIBUTION_GIVES = "{model} gibt <b>{label}</b> {probability}."
ATTRIBUTION_WHOLES = "Als Ganzes weggelassen: {parts}."
ATTRIBUTION_FOR = "Von den einzelnen Teilen am meisten dafür: {parts}."
ATTRIBUTION_NONE_FOR = "Kein einzelner Teil spricht für sich allein dafür."
ATTRIBUTION_AGAINST = "Am meisten dagegen: {parts}."
ATTRIBUTION_NONE_AGAINST = "Kein einzelner Teil spricht für sich allein dagegen."
CHOOSE_CLASS, CHOOSE_PART = "Klasse", "Teil des Clips"
ITS_VERDICT = "sein Urteil"


def attribution_alike(modalities: Sequence[str]) -> str:
    """Of modalities whose parts say the same."""
    of = " und ".join(_OF[m] for m in modalities)
    return f"Einzeln ändern die Teile {of} daran wenig, weil die anderen dasselbe sagen."


def part_name(modality: str, name: str) -> str:
    """A part of a clip as a sentence says it; ``name`` is the word, or its seconds."""
    return QUOTED.format(text=name) if modality == "text" else f"{MODALITY[modality]} bei {name}"


def lane_looked(modality: str) -> str:
    """Above the attention that the parts of a modality received."""
    return f"{MODALITY[modality]}: angeschaut"


def lane_mattered(modality: str, whole: str) -> str:
    """Above what leaving each part out changes; ``whole``: what all of it changes, "" where that is unknown."""
    return f"{MODALITY[modality]}: Beitrag" + (f"; als Ganzes {whole}" if whole else "")


HOVER_LOOKED = "{part}: Aufmerksamkeit {value} × ein gleichmäßiger Anteil"
HOVER_MATTERED = "mit {part} hat {label} {value} Punkte"
HOVER_DIFFERENCE = "{part}: Cross schaut {value} gleichmäßige Anteile mehr hin als Self"
NO_WHOLE = "Ohne eines der beiden sagt es nichts, daher lässt sich keines als Ganzes weglassen."
NOT_MEASURED = "Was zum Urteil beigetragen hat, wurde nicht gemessen, daher gibt es nichts mitzunehmen."
ATTRIBUTION_SHAPLEY = """<h3>Die Modalitäten</h3>
<p class="hint">Der Shapley-Wert jeder Modalität: wie viel sie zur Wahrscheinlichkeit hinzufügt, gemittelt über alle
Reihenfolgen, in denen die Modalitäten hinzukommen könnten. Nach Vereinbarung sind ohne jede Modalität alle Klassen
gleich wahrscheinlich. Für je zwei Modalitäten zeigt die Tabelle auch, was sie zusammen über das hinaus hinzufügen, was
jede allein hinzufügt; unter null wiederholen sie einander.</p>"""
ATTRIBUTION_CROSS = """<h3>Die Modalitäten</h3>
<p class="hint">Cross-Attention sagt aus einer einzelnen Modalität nichts, daher sind Shapley-Werte nicht definiert.
Gezeigt ist, was jede Modalität zu den beiden anderen hinzufügt.</p>"""
ATTRIBUTION_CROSS_PAIR = """<h3>Die Modalitäten</h3>
<p class="hint">Cross-Attention sagt aus einer einzelnen Modalität nichts, daher hat bei zweien keine einen eigenen
Beitrag.</p>"""
ATTRIBUTION_FROM_NOTHING = "{share} für gar nichts, dazu diese Werte, ergibt {total}."
ATTRIBUTION_ON_AVERAGE = "im Mittel"
ATTRIBUTION_TOGETHER = "sagen zusammen über das Einzelne hinaus"
ATTRIBUTION_PAIR = "{one} und {two}"
ATTRIBUTION_ADDED = {1: "zu nichts", 2: "zum anderen", 3: "zu den beiden anderen"}
ATTRIBUTION_EVEN = """<h3>Wäre die Aufmerksamkeit gleich verteilt</h3>
<p class="hint">Dieselben Modelle mit demselben Gewicht für jeden Moment. Wo das Urteil gleich bleibt, hing es nicht
davon ab, wohin sie schauten.</p>"""
ATTRIBUTION_EVEN_COLUMNS = ["wie es ist", "bei gleicher Aufmerksamkeit", "Anteil der Aufmerksamkeit an {label}"]
ATTRIBUTION_DIFFERENCE = """<h3>Cross minus Self</h3>
<p class="hint">Die Aufmerksamkeit, die jeder Moment bei Cross-Attention bekommt, minus die bei Self-Attention, in
gleichmäßigen Anteilen: Über null schauen die anderen mehr dorthin als die eigene Modalität.</p>"""
ATTRIBUTION_UNKNOWN = (
    "Dieses gespeicherte Ergebnis enthält nicht die Merkmale, die dieser Abschnitt braucht; „Auswerten“ berechnet sie."
)

PHRASES = """<p class="hint">Was zwischen zwei Pausen oder in einem Satz gesagt wurde, und was beide Modelle aus diesem
Teil allein machen. Ein Druck auf einen Satz spielt ihn ab.</p>"""

MANY = f"""<h3>Mehrere Clips, eine Tabelle</h3>
<p>Bis zu {SAID["at_once"]} Dateien wählen, zusammen {SAID["megabytes"]}. Sie werden nacheinander gelesen, jede, wenn
sie unter den Clips aller Besuche an der Reihe ist, und jede Datei wird gelöscht, sobald sie gelesen ist. Bitte so
lange auf dieser Seite bleiben: Die Tabelle gehört Ihnen allein und verschwindet, wenn Sie gehen. Ein Ordner beliebiger
Größe liest sich besser auf dem eigenen Rechner: <code>python scripts/analyze.py FOLDER --csv OUT.csv</code>.</p>"""
MANY_STOP = "Stopp"
MANY_CSV = "CSV der Tabelle"
CLIPS_READ = "{read} von {all} Clips sind gelesen."
CLIP_COLUMN, TRUTH_COLUMN, WORDS_COLUMN = "Clip", "Wahrheit", "Worte"
BEING_READ, WAITING = "wird gelesen", "wartet"
ROW_OPEN = "Öffnen oder schließen, was zu diesem Clip gesagt wird"
ROW_LET_GO = "Was diese Zeile beim Öffnen zeigte, wurde verworfen, weil viele zu Besuch sind; die Zeile selbst bleibt."
TRUTH = "Ist bekannt, was sie zeigen?"
TRUTH_HINT = """<p class="hint">Dann lassen sich beide Modelle bewerten. Entweder sagen es die Dateinamen:
<code>{label}</code> schreiben, wo das Label steht, und <code>{anything}</code> für den Rest, etwa
<code>{anything}_{label}_{anything}</code> für <code>1001_DFA_ANG_XX.wav</code>. Oder eine Tabelle sagt es: CSV mit
einer Datei und ihrem Label pro Zeile. Labels sind die sieben Klassen auf Englisch (anger, disgust, fear, happiness,
neutral, sadness, surprise), auch als <em>angry, happy, sad …</em> oder <em>ANG, HAP, SAD …</em></p>"""
TRUTH_PATTERN = "Namen der Dateien"
TRUTH_TABLE = "Tabelle der Labels …"
TRUTH_UNKNOWN = "nicht bekannt"
RIGHT, WRONG = "richtig", "falsch"
SCORES = "Wie oft liegen sie richtig?"
SCORE_COLUMNS = [
    "", "Clips", "Genauigkeit", "balancierte Genauigkeit", "Richtige nicht ausgeschlossen",
    "Klassen nicht ausgeschlossen",
]  # fmt: skip
SCORES_HINT = """Von den Clips, bei denen bekannt ist, was sie zeigen, und zu denen das Modell etwas sagt. Die
balancierte Genauigkeit ist das Mittel der Trefferquoten der vorkommenden Klassen; Raten ergibt eins von sieben, wenn
alle vorkommen. Bei wenigen Clips können beide weit von dem liegen, was mehr Clips ergäben."""
CONFUSION = "Wie viele Clips jeder Klasse (Zeilen) jedes Modell für welche Klasse hält (Spalten)"
CONFUSION_HEAD = "wahr"
LEFT_OUT_WHOLE = "Was jedes dazu beiträgt, als Ganzes weggelassen:"
WHOLE_HINT = "In Prozentpunkten dieser Klasse; unter null spricht es dagegen."
NOT_MEASURED_HERE = "Was zum Urteil beigetragen hat, ließ sich bei diesem Clip nicht messen."


def labels_read(count: int, unknown: int) -> str:
    """What was found in a table of labels."""
    found = f"{count} Datei{'en haben' if count != 1 else ' hat'} in dieser Tabelle ein Label."
    return f"{found} Zeilen ohne eines der sieben: {unknown}." if unknown else found


def models_agree(agree: int, both: int) -> str:
    """How often both models say the same."""
    if not both:
        return "Zu keinem Clip sagen beide Modelle etwas."
    return f"Beide Modelle sagen zu {agree} von {both} Clips dasselbe ({percent(agree / both)})."


def truth_known(known: int, read: int) -> str:
    """Of how many clips it is known what they show."""
    if not known:
        return "Was die Clips zeigen, ist nicht bekannt."
    return f"Bei {known} von {read} Clips ist bekannt, was sie zeigen."


MANY_FILES = "Dateien wählen …"
TOO_MANY = f"Weggelassen: Höchstens {SAID['at_once']} Clips können auf einmal geschickt werden."

# The report that a visitor can take home

REPORT_TITLE = "Cross oder Self? {file}"
REPORT_HEAD = "Cross oder Self? Ein Bericht"
REPORT_FACTS = {"clip": "Clip", "used": "Verwendet", "models": "Modelle"}
REPORT_MODELS = (
    "Fusionsmodelle nach Rajan, Brutti und Cavallaro (ICASSP 2022), trainiert mit zusammengesetzten Beispielen"
)

# What scripts say in the browser

IN_BROWSER = {
    "NotAllowedError": "Der Browser durfte Kamera oder Mikrofon nicht benutzen. Bitte in der Adressleiste erlauben "
    "oder stattdessen ein Video hochladen.",
    "NotFoundError": "Es wurde keine Kamera oder kein Mikrofon gefunden. Bitte anschließen oder stattdessen ein Video "
    "hochladen.",
    "NotReadableError": "Kamera oder Mikrofon wird von einem anderen Programm benutzt. Bitte dieses schließen oder "
    "stattdessen ein Video hochladen.",
    "OverconstrainedError": "Diese Kamera kann nicht, was von ihr verlangt wurde. Bitte stattdessen ein Video "
    "hochladen.",
    "SecurityError": "Der Browser erlaubt die Kamera nur auf https-Seiten oder auf genau diesem Rechner. Bitte "
    "stattdessen ein Video hochladen.",
    "camera": "Kamera und Mikrofon konnten nicht geöffnet werden ({error}). Bitte stattdessen ein Video hochladen.",
    "silent": "Das Mikrofon hört nichts",
    "heard": "Das Mikrofon hört Sie",
    "recording": " · Aufnahme {seconds} s",
    "play": "Clip abspielen",
    "put_away": "Kleinen Clip wegräumen",
    "moment": "{name}: {label} {share} %",  # of the verdict while the clip plays
    "says": "{label} ({share} %)",
    "says_nothing": "nichts",
    "word": "„{word}“",
    "word_looks": "„{word}“ bei {seconds} s: worauf es schaut",
    "looks_most": "„{word}“ schaut am meisten auf: ",
    "look_audio": "Cross: Stimme ",
    "look_video": "Cross: Gesicht ",
    "look_text": "Self: Worte ",
    "look_at": "bei {seconds} s",
    "look_play": "{what}, {share} × ein gleichmäßiger Anteil: mit halber Geschwindigkeit abspielen",
    "attention-chart": "Die vergrößerte Karte der Aufmerksamkeit",
    "timeline-chart": "Der Clip im Verlauf mit der Aufmerksamkeit, die jeder Moment bekommt",
    "course-chart": "Verlauf jeder Emotion über die Zeit",
    "worth-chart": "Aufmerksamkeit, die jeder Teil bekommen hat, und was sich ändert, wenn er weggelassen wird",
    "difference-chart": "Aufmerksamkeit bei Cross-Attention minus Aufmerksamkeit bei Self-Attention",
}

# What the part that reads clips says: its sentence, with what changes in braces -> the same in this language

CORE = {
    "{file}: no face was found in its first second that could be the neutral one.": (
        "{file}: in der ersten Sekunde wurde kein Gesicht gefunden, das das neutrale sein könnte."
    ),
    "reading the clip": "der Clip wird gelesen",
    "looking for the face": "das Gesicht wird gesucht",
    "listening for words": "Worte werden gesucht",
    "asking both models": "beide Modelle werden gefragt",
    "loading the models, once after the start": "die Modelle werden geladen, einmal nach dem Start",
    "waiting for a graphics card": "wartet auf eine Grafikkarte",
    "the clip has no pictures": "der Clip hat keine Bilder",
    "no picture could be decoded": "kein Bild ließ sich dekodieren",
    "no face was found": "es wurde kein Gesicht gefunden",
    "the clip has no sound track": "der Clip hat keine Tonspur",
    "the sound track is silent": "die Tonspur ist still",
    "no speech was heard": "es war keine Sprache zu hören",
    "the words were not understood": "die Worte wurden nicht verstanden",
    "the words were not understood, the language was not recognised": (
        "die Worte wurden nicht verstanden, die Sprache nicht erkannt"
    ),
    "the words are {language}, and the models read English alone": (
        "die Sprache der Worte ist {language}, und die Modelle lesen nur Englisch"
    ),
    "switched off": "ausgeschaltet",
    "waiting for a voice": "wartet auf eine Stimme",
    "hearing a voice": "hört eine Stimme",
    "reading a phrase": "liest einen Satz",
    "listening has failed, only the face is read": "das Zuhören ist ausgefallen, nur das Gesicht wird gelesen",
    "listening cannot keep up, only the face is read": "das Zuhören kommt nicht nach, nur das Gesicht wird gelesen",
    "no sound comes from the microphone": "vom Mikrofon kommt kein Ton",
    "Only the first {seconds} seconds were read.": "Nur die ersten {seconds} Sekunden wurden gelesen.",
    "There are more pictures at once than can be decoded: some were passed over.": (
        "Es sind mehr Bilder auf einmal, als sich dekodieren lassen: Einige wurden übergangen."
    ),
    "Parts of the sound track were damaged and passed over.": (
        "Teile der Tonspur waren beschädigt und wurden übergangen."
    ),
    "The file's clock jumps: {time} without sound and pictures were cut out.": (
        "Die Uhr der Datei springt: {time} ohne Ton und Bild wurden herausgeschnitten."
    ),
    "The file's clock starts again on the way: its parts were laid one behind the other.": (
        "Die Uhr der Datei beginnt unterwegs von vorn: Ihre Teile wurden hintereinandergelegt."
    ),
    "The pictures are upside down; they were turned to read the face.": (
        "Die Bilder stehen auf dem Kopf; um das Gesicht zu lesen, wurden sie gedreht."
    ),
    "The face was found in only {share} of the pictures that could have shown it.": (
        "Das Gesicht wurde in nur {share} der Bilder gefunden, die es hätten zeigen können."
    ),
    "{count} faces were seen; number {number}, {place} of the picture, was chosen.": (
        "{count} Gesichter waren zu sehen; gewählt wurde Nummer {number}, {place} im Bild."
    ),
    "{count} faces were seen; the largest and steadiest, {place} of the picture, was followed.": (
        "{count} Gesichter waren zu sehen; ausgewertet wurde das größte und beständigste, {place} im Bild."
    ),
    "{count} faces were seen; the largest one that moves, {place} of the picture, was followed.": (
        "{count} Gesichter waren zu sehen; ausgewertet wurde das größte, das sich bewegt, {place} im Bild."
    ),
    "on the left": "links",
    "in the middle": "in der Mitte",
    "on the right": "rechts",
    "{file} is empty.": "{file} ist leer.",
    "{file} is cut short or damaged and cannot be read.": (
        "{file} ist abgeschnitten oder beschädigt und lässt sich nicht lesen."
    ),
    "{file} is not a media file that can be read.": "{file} ist keine Mediendatei, die sich lesen lässt.",
    "{file} is damaged: nothing in it could be decoded.": "{file} ist beschädigt: Nichts darin ließ sich dekodieren.",
    "{file} holds neither sound nor moving pictures.": "{file} enthält weder Ton noch bewegte Bilder.",
    "{file} lasts zero seconds.": "{file} dauert null Sekunden.",
    "{file} has more or larger pictures than can be read.": (
        "{file} hat mehr oder größere Bilder, als sich lesen lassen."
    ),
    "{file}: a face, a voice and spoken words were looked for, none was found ({why}).": (
        "{file}: Gesucht wurden ein Gesicht, eine Stimme und gesprochene Worte, nichts davon wurde gefunden ({why})."
    ),
    "A pattern may have {number} characters.": "Ein Muster darf {number} Zeichen haben.",
    "A pattern holds {label} once, where the name of a file says the label.": (
        "Ein Muster enthält einmal {label}, wo der Name einer Datei das Label sagt."
    ),
    "A pattern may hold {anything} {number} times.": "Ein Muster darf {number}-mal {anything} enthalten.",
    "A pattern knows {label} and {anything}, no other braces.": (
        "Ein Muster kennt {label} und {anything}, keine anderen geschweiften Klammern."
    ),
    "A table of labels may have {number} MB.": "Eine Tabelle der Labels darf {number} MB haben.",
    "A table of labels may have {number} lines.": "Eine Tabelle der Labels darf {number} Zeilen haben.",
    "This is no table of labels: it should be CSV as UTF-8, a file and its label a line.": (
        "Das ist keine Tabelle der Labels: Es sollte CSV in UTF-8 sein, eine Datei und ihr Label pro Zeile."
    ),
    "No line of this table says a file and one of {labels}.": (
        "Keine Zeile dieser Tabelle nennt eine Datei und eines von {labels}."
    ),
}
