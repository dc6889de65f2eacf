"""Every sentence of the page in French: the same names as in ``english.py``, which says what each of them is for.

Quotation marks, colons and the like have no-break spaces beside them, which look like spaces here.
"""

import re
from collections.abc import Sequence

from core import __version__
from core.experiment.published import PublishedComparison
from demo.charts.palette import percent, signed
from demo.server import limits
from demo.wording.shared import MEASURED, TourStep, measured_of_both, with_neutral_words

LANGUAGE = "fr"

_NUMBERS = ("aucun", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix")


def in_words(number: float) -> str:
    """3 -> "trois"; what is no whole number up to ten stays a figure."""
    return _NUMBERS[int(number)] if number in range(len(_NUMBERS)) else f"{number:g}"


def _minutes(seconds: float) -> str:
    return "une minute" if seconds == 60 else f"{in_words(seconds / 60)} minutes"


SAID = {
    "megabytes": f"{limits.MAX_FILE_BYTES / 1024**2:.0f} Mo",
    "clip_minutes": _minutes(limits.MAX_CLIP_SECONDS),
    "analysis_minutes": _minutes(limits.MAX_ANALYSIS_SECONDS),
    "waiting": f"{limits.MAX_WAITING}",
    "at_once": f"{limits.MAX_AT_ONCE}",
    "visitors": in_words(limits.MAX_VISITORS),
    "live_share": in_words(limits.LIVE_SHARE),
    "live_minutes": _minutes(limits.MAX_VISIT_SECONDS),
    "come_back": "une minute" if limits.COME_BACK == 60 else f"{in_words(limits.COME_BACK)} secondes",
    "window": in_words(limits.WINDOW),
    "hop": in_words(limits.HOP),
    "rate": in_words(limits.FRAME_RATE),
    "unsure": percent(limits.UNSURE),
}

# Names

LABEL = {
    "anger": "colère",
    "disgust": "dégoût",
    "fear": "peur",
    "happiness": "joie",
    "neutral": "neutre",
    "sadness": "tristesse",
    "surprise": "surprise",
}
MODALITY = {"text": "mots", "video": "visage", "audio": "voix"}
_THE = {"text": "les mots", "video": "le visage", "audio": "la voix"}
_OF = {"text": "des mots", "video": "du visage", "audio": "de la voix"}
MODEL = {"cross": "Attention croisée", "self": "Auto-attention"}
MODEL_TITLE = {**MODEL, "both": "Croisée + auto", "gated": "À porte"}
_THE_MODEL = {
    "cross": "l’attention croisée",
    "self": "l’auto-attention",
    "both": "le modèle croisée + auto",
    "gated": "le modèle à porte",
}
SWITCH = {"video": "Visage", "audio": "Voix", "text": "Mots"}
ALL_OF = {"text": "tous les mots", "video": "tout le visage", "audio": "toute la voix"}
ALONE = {"text": "mots seuls", "video": "visage seul", "audio": "voix seule"}
QUOTED = "« {text} »"
COLON = "\u202f: "
UNDEFINED_CELL = "indéfini"

_LANGUAGES = {
    "en": "anglais", "zh": "chinois", "de": "allemand", "es": "espagnol", "ru": "russe", "ko": "coréen",
    "fr": "français", "ja": "japonais", "pt": "portugais", "tr": "turc", "pl": "polonais", "ca": "catalan",
    "nl": "néerlandais", "ar": "arabe", "sv": "suédois", "it": "italien", "id": "indonésien", "hi": "hindi",
    "fi": "finnois", "vi": "vietnamien", "he": "hébreu", "uk": "ukrainien", "el": "grec", "ms": "malais",
    "cs": "tchèque", "ro": "roumain", "da": "danois", "hu": "hongrois", "ta": "tamoul", "no": "norvégien",
    "th": "thaï", "ur": "ourdou", "hr": "croate", "bg": "bulgare", "lt": "lituanien", "la": "latin",
    "mi": "maori", "ml": "malayalam", "cy": "gallois", "sk": "slovaque", "te": "télougou", "fa": "persan",
    "lv": "letton", "bn": "bengali", "sr": "serbe", "az": "azéri", "sl": "slovène", "kn": "kannada",
    "et": "estonien", "mk": "macédonien", "br": "breton", "eu": "basque", "is": "islandais", "hy": "arménien",
    "ne": "népalais", "mn": "mongol", "bs": "bosnien", "kk": "kazakh", "sq": "albanais", "sw": "swahili",
    "gl": "galicien", "mr": "marathi", "pa": "pendjabi", "si": "singhalais", "km": "khmer", "sn": "shona",
    "yo": "yoruba", "so": "somali", "af": "afrikaans", "oc": "occitan", "ka": "géorgien", "be": "biélorusse",
    "tg": "tadjik", "sd": "sindhi", "gu": "gujarati", "am": "amharique", "yi": "yiddish", "lo": "lao",
    "uz": "ouzbek", "fo": "féroïen", "ht": "créole haïtien", "ps": "pachto", "tk": "turkmène",
    "nn": "norvégien nynorsk", "mt": "maltais", "sa": "sanskrit", "lb": "luxembourgeois", "my": "birman",
    "bo": "tibétain", "tl": "tagalog", "mg": "malgache", "as": "assamais", "tt": "tatar", "haw": "hawaïen",
    "ln": "lingala", "ha": "haoussa", "ba": "bachkir", "jw": "javanais", "su": "soundanais", "yue": "cantonais",
}  # fmt: skip


def language_name(code: str, english: str) -> str:
    """Of the language that was spoken, by Whisper's code and its English name."""
    return _LANGUAGES.get(code, english)


def points(difference: float) -> str:
    """A difference of probabilities in percentage points: 0.0312 -> "+3.1 points"."""
    return f"{signed(difference * 100)} point{'s' if round(abs(difference * 100), 1) >= 2 else ''}"


# The page

TITLE = "Croisée ou auto ?"
PREVIEW = (
    "Deux petits modèles regardent le même visage, la même voix et les mêmes mots. Dans l’un, ces trois-là se "
    "regardent entre eux ; dans l’autre, chacun ne regarde que lui-même. Voyez ce que dit chaque modèle, et pourquoi. "
    "L’attention croisée fait-elle mieux que l’auto-attention ?"
)
PREVIEW_PICTURE = "Un clip d’un visage souriant qui dit des mots tristes, et ce que deux modèles en font"


def too_long(largest: int) -> str:
    """Why a request with more bytes than that is not read."""
    if largest >= limits.MAX_FILE_BYTES:
        return TOO_LARGE
    if not largest:
        return "Cette requête ne doit pas avoir de corps."
    size = f"{largest / 1024**2:.0f} Mo" if largest >= 1024**2 else f"{largest / 1024:.0f} ko"
    return f"Cette requête ne doit pas dépasser {size} ; seul l’envoi d’un fichier peut être plus grand."


LIMITS_SHORT = "Une supposition sur l’expression montrée, pas sur ce que quelqu’un ressent."


def how_right(held_out: dict) -> str:
    """The figures that come first; "" where none was measured.

    Args:
        held_out: what lies beside the checkpoint as ``held_out.json``.
    """
    said = ""
    if found := measured_of_both(held_out, "people", "video+audio"):
        classes = in_words(sum(recall is not None for recall in found["self"]["recall"].values()))
        said += f"""Sur {found["self"]["n"]} clips réels d’acteurs qu’aucun modèle n’avait rencontrés, le visage et la
voix placent en tête la bonne émotion parmi {classes} dans {_shares(found)} des cas. """
    found, whole = with_neutral_words(held_out)
    if found:
        whom = "corpus entièrement mis de côté" if whole else "personnes mises de côté"
        said += f"""Sur {found["self"]["n"]} énoncés assemblés à partir de voix jouées de {whom}, de
visages qu’aucun encodeur n’avait rencontrés et de phrases qui ne disent rien, la bonne des sept émotions est venue en
tête dans {_shares(found)} des cas ; attendez-vous à moins là où personne ne joue. """
    return said


def _shares(found: dict) -> str:
    cross, own = (percent(found[model]["accuracy"]) for model in ("cross", "self"))
    return f"{cross} (attention croisée) et {own} (auto-attention)"


_CONCLUSIONS = {  # of ``core.experiment.tables.Comparison.verdict``
    "undecided": "indécis",
    "one fold: no inference": "un seul pli : pas d’inférence",
    "cross is better": "l’attention croisée est meilleure",
    "self is better": "l’auto-attention est meilleure",
}


def _concluded(conclusion: str) -> str:
    return ", mais ".join(
        _CONCLUSIONS.get(part)
        or re.sub(r"equivalent within (\S+) points?", r"les deux sont équivalentes à \1 points près", part)
        for part in conclusion.split(" but ")
    )


def our_answer(found: PublishedComparison | None) -> str:
    """What the paper's configurations gave here; without numbers where the report is not there."""
    if found is None:
        return (
            "Nous avons fait tourner toutes leurs configurations sur des énoncés composés ; "
            "les chiffres sont dans le rapport du projet."
        )
    seeds = "une graine" if found.seeds == 1 else f"{in_words(found.seeds)} graines"
    decided = "Indécis : ni une différence ni une égalité ne peut être démontrée."
    conclusion = decided if found.conclusion == "undecided" else f"En bref : {_concluded(found.conclusion)}."
    return (
        f"Nous avons fait tourner toutes leurs configurations sur des énoncés composés, avec "
        f"{in_words(found.folds)} pli{_s(found.folds)} et {seeds}. Avec le visage, la voix et les mots, croisée moins "
        f"auto vaut {points(found.difference / 100)} d’exactitude équilibrée, intervalle à 95 % de "
        f"{signed(found.low)} à {signed(found.high)}. {conclusion}"
    )


def answer_in_short(found: PublishedComparison | None) -> str:
    """The title's question, answered in one line."""
    ours = "nos chiffres sont dans le rapport du projet"
    if found is not None:
        ours = f"nous : {_concluded(found.conclusion)}"
    return f"Alors, croisée ou auto ? L’article : pas de différence significative ; {ours}."


LIMITS_BEHIND = f"""{how_right(MEASURED)}Les modèles ont surtout appris
sur des échantillons <em>composés</em> : la voix d’un acteur, la photo d’un autre visage et une réplique d’une série
télévisée, réunies parce qu’elles portent la même étiquette. Ils se trompent souvent, et de façon différente selon les
personnes. Merci de ne juger personne d’après eux."""
LIMITS = f"<strong>{LIMITS_SHORT}</strong> {LIMITS_BEHIND}"

TABS = {"clip": "Un clip", "several": "Plusieurs", "live": "Direct", "about": "C’est quoi ?"}
INTRODUCTION = """Deux petits modèles lisent le même clip. Dans l’un, le visage, la voix et les mots se regardent
<em>entre eux</em> ; dans l’autre, chacun ne regarde que <em>lui-même</em>."""
INTRODUCTION_MORE = "Plus"
INTRODUCTION_KEPT = f"""Votre clip ne reste sur ce serveur que tant que vous le regardez ; il est effacé
{SAID["come_back"]} après votre départ, ou au bout d’une heure."""
NOTICE = """<p class="notice" role="note"><strong>Cette page infère des émotions</strong> à partir du visage, de la voix
et des mots. N’enregistrez que des personnes qui le savent et qui sont d’accord. Dans l’Union européenne, les personnes
doivent en être informées, et inférer les émotions d’élèves ou d’employés est interdit.</p>"""
FILE_NOTES = {
    "other": "« {name} » n’est ni une vidéo ni un fichier son : il n’y a donc rien à regarder ni à écouter.",
    "empty": "« {name} » est vide : il n’y a rien dedans.",
    "large": f"« {{name}} » est plus grand que ce que cette page accepte : {SAID['megabytes']} par clip.",
}

CAPTURE = "Votre clip"
SOUND = "Fichier son"
SOUND_TRACK = "Son"
SOURCE_RECORD, SOURCE_UPLOAD = "Filmer", "Importer"
ANALYSE, STOP = "Analyser", "Stop"
STORED = "Un exemple avec son résultat enregistré. Appuyez sur Analyser pour le faire relire par les modèles."
KEPT = "Votre dernier clip et son analyse, d’avant le rechargement de cette page."
NOT_KEPT = (
    f"Votre dernier clip n’est plus ici : une visite est gardée {SAID['come_back']} après que sa page a été quittée. "
    "L’exemple est affiché à la place."
)
IDLE = (
    "Le mieux : quelques secondes d’une seule personne qui parle en anglais, en vidéo ou en son seul. "
    "L’enregistrement s’arrête quand vous appuyez de nouveau sur le bouton."
)
BOUNDS = f"""<details class="hint"><summary>Ce qu’un clip peut être</summary><p>Au plus {SAID["megabytes"]} ; seul le
début d’un clip est lu, jusqu’à {SAID["clip_minutes"]}, et la lecture dure {SAID["analysis_minutes"]} au plus. Les clips
sont lus un par un, {SAID["waiting"]} peuvent attendre.</p></details>"""
NO_CLIP = (
    "Il n’y a pas de clip ici : enregistrez-en un, importez-en un ou choisissez un exemple. "
    "Les clips sont gardés une heure au plus."
)
LET_GO = "Cette analyse n’a pas été gardée, car les visiteurs sont nombreux ; analysez de nouveau le clip."
LOST_CLIP = "Ce clip a été effacé (les clips sont gardés une heure au plus) : enregistrez-le ou importez-le de nouveau."
STOPPED = "Arrêté. Le clip est toujours là ; appuyez sur Analyser pour recommencer."
TOO_SLOW = (
    f"La lecture de ce clip a dépassé {SAID['analysis_minutes']} et a été abandonnée ; un clip plus court devrait "
    "convenir."
)
NO_FILE = "Aucun clip n’a été envoyé."
HUNG_UP = "La personne qui avait fait la demande est partie ; l’analyse a été arrêtée."
NO_LENGTH = "Une requête doit indiquer sa longueur."
TOO_LARGE = f"C’est plus grand que ce que cette page accepte : {SAID['megabytes']} par clip."
TOO_COMPLEX = f"Cette requête contient plus de {limits.MAX_VALUES:,} valeurs.".replace(",", "\u202f")
NO_ROOM = "Le serveur n’a pas de place pour d’autres clips en ce moment ; réessayez plus tard."
TOO_MANY_REQUESTS = "Trop de demandes viennent de cette adresse en même temps ; réessayez dans un instant."
TOO_MANY_UPLOADS = "Trop de fichiers sont en route depuis cette adresse ; attendez que certains soient arrivés."
NO_UPLOAD = "Il n’y a pas d’envoi de ce nom."
NO_FORM = (
    "L’envoi d’un fichier doit être un formulaire (multipart/form-data) dont le champ « files » contient les fichiers, "
    "chacun avec un nom."
)
NO_JSON = "Le corps d’une requête doit être en JSON (Content-Type: application/json)."
HOW_TO_UPLOAD = (
    "Un fichier doit d’abord être envoyé à ce serveur : en multipart/form-data dans le champ « files », par POST à "
    "/gradio_api/upload. La réponse est une liste avec son chemin ; donnez ce chemin, ou "
    "http://SERVER/gradio_api/file=PATH."
)
NO_ADDRESS = f"Aucun fichier n’est pris chez d’autres hôtes ni dans des adresses data:. {HOW_TO_UPLOAD}"
NOT_UPLOADED = "Ce fichier n’a pas été envoyé à cette page : enregistrez-le ou importez-le d’abord."
OTHER_HOST = (
    "Ce serveur ne répond pas au nom qui figure dans cette adresse. La personne qui le gère peut ajouter ce nom : "
    "python app.py --allow-host NAME"
)
OTHER_SITE = "Cette requête vient d’un autre site ; seuls cette page elle-même et des programmes peuvent l’envoyer."
NOT_SERVED = "Il n’y a rien ici."
UNFIT = "Ce qui a été envoyé ne correspond pas à cette page ; rechargez la page et réessayez."
FAILED = "Un problème est survenu avec cette requête."
UNSAFE_PAGE = "Cette page n’a pas été envoyée, car d’autres auraient pu deviner le nom de votre session."
NO_EXAMPLE = "Cet exemple ne peut pas être affiché en ce moment ; choisissez-en un autre."
WHICH_MODALITIES = 'Indiquez les modalités permises : une liste d’une ou de plusieurs parmi "text", "video" et "audio".'
BROKEN = "Un problème est survenu pendant la lecture de ce clip ; un autre clip devrait convenir."
WORDS_FOLLOW = "Pour l’instant d’après le visage et la voix ; les mots sont encore en cours de lecture."
READ_IN = "{duration} secondes de clip, lues en {took} secondes."
NOTHING_USED = "Rien sur quoi s’appuyer ({reasons})."


def visit_has_its_share(count: int, clips: bool) -> str:
    """Who already has so many clips (or other things asked for) in line is told to wait."""
    if clips:
        return f"Vous avez déjà {count} clips en attente, le maximum par visiteur ; attendez que l’un d’eux soit lu."
    return "Vous l’avez déjà demandé plusieurs fois ; attendez les réponses."


def address_has_its_share(count: int, clips: bool) -> str:
    """As ``visit_has_its_share``, of everybody who comes from the same address."""
    if clips:
        return (
            f"{count} clips venant de votre adresse sont déjà en attente, le maximum par adresse ; "
            "réessayez dans une minute."
        )
    return "Beaucoup de demandes viennent déjà de votre adresse ; réessayez dans une minute."


def line_is_full(count: int, clips: bool) -> str:
    """Nobody is let in at the moment."""
    what = "clips" if clips else "demandes de ce genre"
    return f"{count} {what} sont déjà en attente, le maximum pour ce serveur ; réessayez dans quelques minutes."


ALL_OFF = "Tout est désactivé, il n’y a donc rien sur quoi s’appuyer. Activez au moins une modalité."
UNDEFINED = "Indéfini : avec une seule modalité, il n’y en a pas d’autre à regarder."
INSTEAD = "L’attention croisée est indéfinie ici ; voici l’auto-attention."

NEUTRAL_SECOND = "Ce clip commence par une seconde de mon visage neutre : comparer avec lui"
FROM_NEUTRAL = "Le visage est maintenant comparé au visage neutre de la première seconde du clip."
NOT_FROM_NEUTRAL = "Le visage est de nouveau pris tel qu’il est."
MORE = "Plus de modèles : les deux attentions ensemble, et une porte qui les mélange"
NO_MORE = (
    "Ce résultat enregistré ne contient pas ce que liraient d’autres modèles ; appuyez sur Analyser pour le calculer."
)
GATES = "Ce que chacun prend de l’autre ; le reste vient de lui-même"
_TAKE_IN = {"text": "les mots prennent", "video": "le visage prend", "audio": "la voix prend"}
_FROM_ITSELF = {"text": "d’eux-mêmes", "video": "de lui-même", "audio": "d’elle-même"}


def gate(query: str, key: str, share: str) -> str:
    """How much one modality takes from another, where a gate mixes."""
    return (
        f"{MODALITY[query]} → {MODALITY[key]} : {share} de ce que {_TAKE_IN[query]} vient {_OF[key]}, "
        f"le reste {_FROM_ITSELF[query]}"
    )


SWITCHES = "Les modèles lisent"
WHOSE = "Quel visage compte ?"
PLACES = {"left": "à gauche", "middle": "au milieu", "right": "à droite"}


def person(number: int, place: str, pictures: int, start: str, end: str) -> str:
    """One of several persons: "2 : à gauche, sur 40 images, 0.0–6.7 s"; ``place`` is a key of ``PLACES``."""
    return f"{number} : {PLACES[place]}, sur {pictures} image{'s' if pictures > 1 else ''}, {start}–{end} s"


FACE_NUMBER = "visage {number}"
GHOSTS = "Contours : tout activé. Barres : ce qui est activé maintenant."
NOT_SURE = "aucune classe ne se détache"


HARDLY_RULED_OUT = "la plupart des classes ne sont pas exclues"


def not_ruled_out(others: Sequence[str]) -> str:
    """The other classes of a prediction set."""
    return f"ou {' ou '.join(LABEL[other] for other in others)}"


def with_everything_on(arrow: str, before: str, other: str | None) -> str:
    """What a model said before something was switched off; ``other``: the label, where it was another one."""
    return f"{arrow} {before} avec tout activé" + (f", où le verdict était {LABEL[other]}" if other else "")


def bar_title(label: str, share: float, difference: float | None) -> str:
    """What a bar says when it is pointed at; ``difference`` to what was said with everything on."""
    said = f"{LABEL[label]} {share:.3f}"
    if difference is None:
        return said
    return f"{said}, {abs(difference):.3f} de {'plus' if difference >= 0 else 'moins'} qu’avec tout activé"


ALL_SEVEN = "{model}, les sept : {each}."
ONLY_SELF = "Seule l’auto-attention peut répondre : {label}."
BOTH_SAY = "Les deux disent <b>{label}</b>."
THEY_DISAGREE = "<b>Ils ne sont pas d’accord.</b> L’attention croisée dit {cross}, l’auto-attention dit {own}."


SECTIONS = {
    "time": "Le clip dans le temps",
    "attention": "Où ils ont regardé",
    "worth": "Qu’est-ce qui a contribué au verdict ?",
    "matrix": "Chaque partie seule, chaque paire ensemble",
    "seen": "Mots et visages",
    "course": "Le cours de chaque émotion",
    "phrases": "Phrase par phrase",
    "export": "À emporter",
}

USING = "avec"
NEEDS_TWO = "il en faut deux"
MATRIX_CAPTION = "Verdicts de chaque modèle pour les sept combinaisons"


def absent(modalities: Sequence[str]) -> str:
    """Why a combination is not there: "pas de visage ni de mots dans ce clip"."""
    return f"pas {' ni '.join(f'de {MODALITY[m]}' for m in modalities)} dans ce clip"


MATRIX = """<p class="hint">Les sept combinaisons pour les deux modèles. Une bande contient les sept probabilités dans
les couleurs des barres ; la classe écrite est la plus probable.</p>"""

ATTENTION = """<p class="hint">Chaque petite carte est une tête dans une direction : une ligne demande, une colonne
répond, et toutes sont dessinées à la même échelle, sombre pour rien, au plus clair pour six parts égales ou plus. Les
têtes qui distinguent des moments viennent d’abord, et parmi elles celles où il importe de savoir <em>qui demande</em>.
Appuyez sur une carte pour l’agrandir. Dans la grande, la somme de chaque ligne est 1, la marque sur l’échelle est le
poids <em>uniforme</em>, celui de chaque moment quand rien ne se détache, et un clic sur une case rejoue ce qui est
regardé. L’attention dit ce qui a été mélangé dans le résultat, non pourquoi ce résultat est sorti.</p>"""
MAPS = "Toutes les cartes, la plus parlante d’abord : les flèches déplacent, Entrée agrandit"
ALIKE = "toutes les lignes regardent les mêmes moments"
ALIKE_SENTENCE = "Toutes les lignes regardent les mêmes moments."
ALIKE_WHY = "Ici, peu importe qui demande : une seule courbe est donc tracée pour toutes les lignes."
ROWS_DIFFER = "Ici, il importe de savoir qui demande."
HEAD_WORTH = {
    ("head", 1): """Dans {clips} clips, les moments que cette tête regarde le plus valaient plus que les autres : en
retirer un abaissait la probabilité du verdict de {top} points, retirer un moment quelconque de {all} en moyenne.""",
    ("head", 0): "Dans {clips} clips, les moments que cette tête regarde le plus ne valaient pas plus que les autres.",
    ("head", -1): """Dans {clips} clips, les moments que cette tête regarde le plus valaient moins que les autres : en
retirer un abaissait la probabilité du verdict de {top} points, retirer un moment quelconque de {all} en moyenne.""",
    ("mean", 1): """Dans {clips} clips, les moments que ces têtes ensemble regardent le plus valaient plus que les
autres : en retirer un abaissait la probabilité du verdict de {top} points, retirer un moment quelconque de {all} en
moyenne.""",
    (
        "mean",
        0,
    ): """Dans {clips} clips, les moments que ces têtes ensemble regardent le plus ne valaient pas plus que les
autres.""",
    ("mean", -1): """Dans {clips} clips, les moments que ces têtes ensemble regardent le plus valaient moins que les
autres : en retirer un abaissait la probabilité du verdict de {top} points, retirer un moment quelconque de {all} en
moyenne.""",
}
HEAD_WORTH_SOURCE = "Mesuré sur {corpus}, {date}"
SCALE = "Ce que montre une carte"
CHOOSE_MODEL, CHOOSE_PAIR, CHOOSE_HEAD = "Modèle", "Qui regarde qui", "Tête"
ALL_HEADS = "moyenne"
ALL_HEADS_SHORT = "moy."


def head(number: int) -> str:
    """A head, counted from 0; below that the mean of all."""
    return "moyenne de toutes les têtes" if number < 0 else f"tête {number + 1}"


SHARPNESS = """{shown} : au plus <b>{highest} ×</b> une part égale ; en moyenne, une ligne répartit son attention sur
<b>{spread}</b> des {steps} moments{nearly}."""
NEARLY_EVENLY = " – presque à parts égales"
AT_MOST = "{shown} : au plus {highest} × une part égale"
_AT = {"text": "le mot", "video": "le visage à", "audio": "la voix à"}


def map_query(modality: str) -> str:
    """Beside the rows of a map."""
    return f"↓ requête : {_ONE[modality]} qui regarde"


def map_key(modality: str) -> str:
    """Below the columns of a map."""
    return f"clé : {_ONE[modality]} {'regardée' if modality == 'audio' else 'regardé'} →"


_ONE = {"text": "le mot", "video": "le visage", "audio": "la voix"}
MAP_ALIKE = {
    "text": "tous les mots regardent les mêmes moments",
    "video": "tous les visages regardent les mêmes moments",
    "audio": "tous les moments de la voix regardent les mêmes moments",
}
UNIFORM = "▲ uniforme {weight}"
AS_ALL_ROWS = "comme toutes"


def cell_weight(query: str, key: str, row: str, column: str, value: str, by_length: bool) -> str:
    """What a cell of a map says when it is pointed at; ``row`` and ``column`` are words or seconds."""
    what = "part de ce qui est transmis" if by_length else "poids"
    return f"{_AT[query]} {row} regarde {_AT[key]} {column}, {what} {value}"


def cell_difference(query: str, key: str, row: str, column: str, value: str) -> str:
    """As ``cell_weight``, where a map shows only what differs between rows."""
    return f"{_AT[query]} {row} regarde {_AT[key]} {column} : {value} parts égales par rapport à la ligne moyenne"


def cell_alike(key: str, column: str, value: str) -> str:
    """As ``cell_weight``, where one line stands for all rows."""
    return f"toutes les lignes regardent {_AT[key]} {column} avec {value} × une part égale"


SCALES = {"weights": "poids d’attention", "lengths": "poids × longueur de ce qui est transmis"}
LENGTHS = """<p class="hint">Un poids seul trompe là où peu de chose est transmis. La seconde échelle multiplie chaque
poids par la longueur de ce que la tête transmet de ce moment, c’est-à-dire sa valeur après la part de la tête dans la
projection de sortie, puis répartit de nouveau chaque ligne.</p>"""
NO_LENGTHS = (
    "Les longueurs de ce qui est transmis n’ont pas été enregistrées avec ce résultat ; ce sont les poids qui sont "
    "affichés."
)
DIFFERING = "Seulement ce qui diffère entre les lignes (un poids moins la moyenne de sa colonne)"

TIMELINE = """<p class="hint">La courbe colorée est l’attention que chaque moment a reçue, la ligne pointillée une part
égale. Cliquez sur un moment pour lancer le clip à partir de là. Pointez un mot ou touchez-le : des arcs mènent à ce
qu’il regarde le plus, au-dessus par attention croisée (voix ; en tirets : visage), au-dessous par auto-attention ;
cliquez sur l’extrémité d’un arc pour la rejouer à demi-vitesse.</p>"""

IN_TIME = "Dans le temps"
HOVER_WORD = "« {word} » {start}–{end} s"
HOVER_COURSE = "{model}, {span}<br>{label} {value}"


def hover_received(modality: str, seconds: str, value: str) -> str:
    """What the line of attention says of a moment."""
    receives = "reçoivent" if modality == "text" else "reçoit"
    return f"{_THE[modality]} à {seconds} s {receives} {value} × une part égale"


COURSE = f"""<p class="hint">Le clip en fenêtres de {SAID["window"]} secondes, une nouvelle toutes les {SAID["hop"]}
secondes. Cliquez sur une fenêtre pour la rejouer.</p>"""
EXPORT = """<p class="hint">Fait à la demande et remis directement à votre navigateur : rien n’est gardé ici.
Le rapport est un seul fichier qui s’ouvre sans internet ; il contient de petites images du visage.</p>"""

TRANSCRIPT = "Transcription"
WORDS = "Mots"
NO_WORDS = "Aucun mot n’a été entendu."
WORD_TITLE = "{start}–{end} s, Whisper est sûr à {sure}"
FACES = "Visages"
FACE = "Visage"
FACE_AT = "visage à {seconds} s"
FACES_FOUND = "Trouvé sur {found} des {total} images."
NO_FACE = "Aucun visage n’a été trouvé."


def not_recognised(some: bool) -> str:
    """Of speech whose language is not known; ``some``: other words were understood."""
    if some:
        return "Une partie des paroles n’a pas été comprise, et sa langue n’a pas été reconnue."
    return "Les paroles n’ont pas été comprises, et leur langue n’a pas été reconnue."


def other_language(code: str, name: str, sure: str) -> str:
    """Of words that the models do not use; ``code`` and ``name`` are those of their language in Whisper."""
    spoken = language_name(code, name)
    unclear = ", pas assez clair pour les modèles" if code == "en" else ""
    why = "" if code == "en" else " : ils lisent l’anglais"
    return (
        f"{spoken[:1].upper()}{spoken[1:]}{unclear} (Whisper est sûr de la langue à {sure}). "
        f"Les modèles n’utilisent pas ces mots{why}."
    )


PHRASES_NAME = "Phrases"
PHRASES_SAID = "paroles"

MISSING = {
    "video": "Aucun visage à regarder",
    "audio": "Aucune voix à écouter",
    "text": "Aucun mot à lire",
}

EXAMPLES = {
    "glad": "Joie : sourire, voix claire, mots joyeux",
    "angry": "Mots de colère, froncement par déformation",
    "contradiction": "Contradiction : un sourire dit des mots tristes",
    "moods": "Humeurs : joie, surprise, colère, tristesse en 24 secondes",
}


GUESSES = {"contradiction": "Elle sourit et dit que son chien est mort. Que diront les modèles ?"}
GUESS_FIRST = "D’abord, devinez"
GUESS_SKIP = "Montrez-moi"
GUESS_RIGHT = "Exact."
GUESS_WRONG = "Pas cette fois."


def guess_alone(each: Sequence[tuple[str, str, str]]) -> str:
    """What each modality says alone: its name, its label and how probable that is."""
    said = [f"{_THE[m]} {'disent' if m == 'text' else 'dit'} {LABEL[label]} ({p})" for m, label, p in each]
    return f"Séparément, {', '.join(said)}."


def guess_same(label: str, probabilities: Sequence[str], sides: Sequence[str]) -> str:
    """Both models say the same; ``sides`` are the modalities that say it alone."""
    return f"De l’ensemble, les deux modèles disent {LABEL[label]} ({' et '.join(probabilities)}) : {_won(sides)}."


def guess_different(each: Sequence[tuple[str, str, str, Sequence[str]]]) -> str:
    """The models differ: of each its name, its label, how probable that is, and the modalities that say it alone."""
    said = [f"{_THE_MODEL[model]} dit {LABEL[label]} ({p}) : {_won(sides)}" for model, label, p, sides in each]
    return f"De l’ensemble, {' ; '.join(said)}."


def _won(sides: Sequence[str]) -> str:
    """["video"] -> "le visage l’emporte"."""
    if not sides:
        return "aucun des trois ne disait cela seul"
    several = len(sides) > 1 or "text" in sides
    return f"{' et '.join(_THE[side] for side in sides)} {'l’emportent' if several else 'l’emporte'}"


EXAMPLES_HINT = """<p class="hint">Exemples faits d’un portrait du domaine public (NASA), animé par déformation, et
d’une voix de synthèse. L’astronaute n’a jamais rien dit ni montré de tout cela.</p>"""

RECORDER = {
    "wait": "Ouverture de la caméra et du micro…",
    "count": "L’enregistrement commence dans",
    "cancel": "Annuler",
    "stop": "Stop",
    "recording": "Enregistrement",
    "neutral": "Gardez un visage neutre …",
}
RECORDER_NEUTRAL = "La dernière seconde montre mon visage neutre, pour comparer"
AGAIN = "Le redire autrement"
CHALLENGE = "Un défi"
CARD = "Une image à partager"
TAKES_WAITING = (
    "La prise A est gardée. Redites maintenant la même phrase autrement : avec une autre mine, une autre voix, ou les "
    "deux."
)
FORGET_TAKES = "Oublier la première prise"
COMPARED = "Deux prises d’une phrase"
TAKES_COLUMNS = ["", "A", "B", "écart en points"]
TAKE_NONE = "pas de verdict"
MOST_CHANGED = {
    "text": "Pris seuls, ce sont les mots qui ont le plus changé.",
    "video": "Pris seul, c’est le visage qui a le plus changé.",
    "audio": "Prise seule, c’est la voix qui a le plus changé.",
}
NOTHING_CHANGED = "Rien, pris seul, n’a changé d’un point."
UNCHANGED = "rien"
TAKES_WORDS = "Les mots de A au-dessus de ceux de B ; appuyez sur un mot de B pour le rejouer."
CHALLENGE_SAYS = "The dogs are sitting by the door."
CHALLENGE_ASKS = (
    f"Dites en anglais « {CHALLENGE_SAYS} » de sorte que votre visage et votre voix ne soient pas d’accord : "
    "souriez, et prenez une voix en colère."
)
CHALLENGE_WON = "Ils ne sont pas d’accord : séparément, le visage dit {face} et la voix dit {voice}. C’est réussi."
CHALLENGE_LOST = "Pas encore : séparément, le visage dit {face} et la voix dit {voice}."
CHALLENGE_NEEDS_BOTH = "Il manque à ce clip un visage ou une voix : il ne peut donc pas y avoir de désaccord."
CARD_FACE = "avec l’image que le clip montre en ce moment"
CARD_SHARE = "Partager"
CARD_SAVE = "Enregistrer l’image"
CARD_CLOSE = "Fermer"
CARD_HINT = "Dessinée dans votre navigateur. Rien n’est envoyé avant que vous ne la partagiez."
CARD_PICTURE = "L’image telle qu’elle sera envoyée"
CARD_NONE = "pas de verdict"

DOWNLOADS = {
    "json": "JSON",
    "csv": "CSV des fenêtres et phrases",
    "worth": "CSV des contributions",
    "html": "Rapport (HTML)",
}

WELCOME = "<h3>Ce que vous verrez</h3><p>Deux verdicts côte à côte, et l’attention derrière chacun.</p>"


TOUR_NAME = "Visite guidée"
TOUR_PLACE = "{step} sur {steps}"
TOUR_CLOSE, TOUR_BACK, TOUR_NEXT, TOUR_DONE = "Fermer", "Retour", "Suite", "Fini"
TOUR = {
    "models": TourStep(
        "Deux modèles, un clip",
        """Les deux lisent le même visage, la même voix et les mêmes mots. Dans l’attention croisée, chacun regarde les
        deux autres, dans six directions ; dans l’auto-attention, chacun ne regarde que lui-même. De ce clip,
        l’attention croisée dit <b data-say="cross"></b>, l’auto-attention <b data-say="self"></b>.""",
    ),
    "switches": TourStep(
        "Désactivez quelque chose",
        """Un interrupteur retire le visage, la voix ou les mots aux deux modèles ; des contours gardent ce qui était
        dit avec tout activé. S’il n’en reste qu’un, il n’y a plus personne à regarder, et l’attention croisée n’a pas
        de réponse.""",
        press="Désactiver le visage",
        back="Réactiver le visage",
    ),
    "head": TourStep(
        "Une tête",
        """Chaque modèle regarde avec plusieurs têtes à la fois ; les petites cartes les montrent toutes, et la plus
        parlante est en grand. Une ligne est le moment qui regarde, une colonne ce qu’il regarde ; une seule courbe est
        tracée là où toutes les lignes regardent les mêmes moments. Une tête isolée peut être sélective là où la moyenne
        de toutes est presque à parts égales. C’est ce qui a été mélangé dans le verdict, non pourquoi il est sorti.""",
        press="Montrer la moyenne des têtes",
        back="Revenir à la tête la plus parlante",
    ),
    "contradiction": TourStep(
        "Quand ils se contredisent",
        """Séparément, le visage dit <b data-say="self video"></b>, la voix <b data-say="self audio"></b> et les mots
        <b data-say="self text"></b>. Les lignes ci-dessous montrent qui cède à qui, et où les deux modèles se
        séparent.""",
        press="Prendre l’exemple où un sourire dit des mots tristes",
    ),
    "answer": TourStep(
        "La réponse de l’article, et la nôtre",
        """Sur IEMOCAP, Rajan, Brutti et Cavallaro n’ont trouvé aucune différence significative entre les deux. {answer}
        Un seul clip ne peut pas en décider non plus.""",
    ),
}

FIGURE = {
    "self": "Les mots, le visage et la voix se regardent chacun eux-mêmes.",
    "cross": "Chacun regarde chacun des deux autres.",
}
FIGURE_REST = "La moyenne et l’écart-type sur l’ensemble des flux vont à un classifieur à sept classes."
FIGURE_STREAMS = "sur {count} flux"
FIGURE_MEAN = ("moyenne +", "écart-type")
FIGURE_CLASSES = "7 classes"
EXPLANATION = f"""
<div class="explain">
<h2>Qu’est-ce que je vois ?</h2>
<p>Cinq étapes sur le clip affiché, le vôtre ou l’exemple : {{start}}</p>
{{figure}}
<p>Un clip devient trois séquences : les <b>mots</b> (Whisper les écrit, MiniLM les lit), le <b>visage</b> (trouvé sur
{SAID["rate"]} images par seconde, lu par un petit réseau) et la <b>voix</b> (entendue par ce qui fut d’abord l’oreille
de Whisper et a continué d’apprendre sur des voix en quatre langues). Ensuite, les deux modèles se séparent. Dans
l’<b>auto-attention</b>, chaque moment d’une modalité peut regarder chaque moment de <em>la même</em> modalité ; dans
l’<b>attention croisée</b>, seulement ceux <em>des autres</em> : les mots regardent le visage, les mots regardent la
voix, et ainsi de suite, six directions. Chaque direction donne un flux ; la moyenne et l’écart-type sur l’ensemble des
flux vont à un classifieur.</p>
<details><summary>Comment lire la page</summary>
<ul>
<li><b>Les probabilités</b> sont celles des modèles, calibrées sur des personnes et des corpus mis de côté. Là où aucune
n’atteint {SAID["unsure"]}, la page dit qu’aucune classe ne se détache.</li>
<li><b>« colère ou dégoût »</b> : une seule classe n’est pas justifiée. On en nomme autant qu’il en faut pour que la
bonne soit parmi elles dans neuf clips sur dix parmi ceux mis de côté ; la fiche des modèles dit à quelle fréquence elle
y est pour des clips d’inconnus.</li>
<li><b>Les contours</b> autour des barres montrent ce qui était dit avec tout activé, une fois que vous avez désactivé
quelque chose. Pendant la lecture d’un clip de plusieurs phrases, une marque sur chaque barre est le verdict de la
phrase.</li>
<li><b>Les cartes</b> montrent les poids d’attention tels que les modèles les ont calculés, par tête ou en moyenne de
toutes les têtes ; une seule courbe là où toutes les lignes regardent les mêmes moments. Elles disent ce qui a été
mélangé, non ce qui a compté.</li>
<li>Une modalité qui n’a pas été trouvée est <b>absente</b> : elle est laissée hors du modèle, et non remplacée par du
silence ou du noir.</li>
</ul></details>
<details><summary>Limites</summary>
<p>{LIMITS}</p>
<p>Sept classes sont une grille grossière posée sur des visages et des voix, tirée de scènes jouées ; chacun montre à sa
façon ce qu’il ressent, et souvent ne montre rien, ou autre chose. Les accents, âges, couleurs de peau, lunettes,
barbes, foulards, dialectes et handicaps qui sont rares dans les données d’entraînement rendent les suppositions plus
mauvaises. Employer un tel modèle sur quelqu’un au travail, à l’école, à une frontière ou au tribunal serait une faute
même s’il avait plus souvent raison ; dans l’Union européenne, inférer les émotions d’élèves et d’employés est
interdit.</p></details>
<details><summary>Avec un lecteur d’écran ou sans souris</summary>
<p>Chaque verdict est écrit en toutes lettres avec les sept probabilités, les sept combinaisons sont un simple tableau,
la transcription est un texte dont les mots sont des boutons, les visages ont un temps, et chaque interrupteur et chaque
choix est un élément de formulaire avec son étiquette, utilisable au clavier ; de même les sections et la visite guidée,
que la touche Échap termine. Les erreurs et la progression sont annoncées. On atteint les cartes et les mots avec les
flèches, et ils disent ce qu’ils montrent ; leurs chiffres sont dans le fichier JSON.</p></details>
</div>"""

LIVE_HINT = """Caméra et micro, en continu. Le visage est lu plusieurs fois par seconde, la voix environ une fois par
seconde, les mots quand une phrase se termine. Les images et le son sont oubliés au bout de quelques secondes et ne
deviennent jamais des fichiers. Une supposition sur l’expression montrée, faite à partir de données d’entraînement
composées : elle se trompera. Une étiquette reste jusqu’à ce qu’une autre la devance nettement, ou soit en tête depuis
un moment ; les barres montrent chaque changement."""
LIVE_FOLLOW = "Suivre cette personne"
LIVE_SEVERAL = "Touchez un visage pour que cette personne soit lue."
LIVE_FULL = f"""{SAID["visitors"].capitalize()} visiteurs sont déjà en direct, c’est tout ce que cette machine peut
faire ; réessayez plus tard ou enregistrez un clip."""
LIVE_SHARED = f"""Depuis votre adresse, {SAID["live_share"]} visiteurs sont déjà en direct, le maximum par adresse ;
réessayez plus tard ou enregistrez un clip."""
LIVE_OVER = """Cette session en direct est terminée : rien n’est venu d’ici depuis un moment, ou le serveur a redémarré.
Appuyez sur Lancer pour en commencer une nouvelle."""
LIVE_NOTHING = (
    "Il n’y a rien eu à voir ni à entendre pendant une minute, cette session en direct est donc terminée ; "
    "appuyez sur Lancer pour une nouvelle."
)
LIVE_LONG = (
    f"Cette session en direct a duré {SAID['live_minutes']}, le maximum possible ; "
    "appuyez sur Lancer pour une nouvelle."
)
LIVE_TWICE = (
    "Le navigateur a envoyé le moment suivant avant la réponse au précédent ; appuyez sur Lancer pour recommencer."
)
LIVE_OFFLINE = "La connexion est perdue : cet appareil est hors ligne. Appuyez sur Lancer quand elle est rétablie."
LIVE_LOST = "Le serveur ne répond pas : il redémarre peut-être. Appuyez sur Lancer dans un instant."
LIVE_REFUSED = "Le serveur a refusé ce que le navigateur a envoyé ; rechargez la page et appuyez sur Lancer."
LIVE_NO_CAMERA = "À l’arrêt : la caméra et le micro n’ont pas pu être ouverts."
LIVE_NO_SOUND = "Le navigateur n’a pas pu lire le micro ; un autre navigateur devrait convenir."
LIVE_BROKEN = "Un problème est survenu pendant la lecture de ce moment ; appuyez sur Lancer pour recommencer."
NEUTRAL = "Mesurer trois secondes neutres"
NEUTRAL_HINT = """Pour un modèle, un visage au repos peut sembler en colère, une voix triste, toujours de la même façon.
Trois secondes neutres de vous sont mesurées, et ce que chaque modèle en a dit est retranché des logarithmes de ce qu’il
dit ensuite : les barres montrent alors ce qui a changé depuis, et toutes sont égales tant que rien n’a changé. Cette
mesure est oubliée quand vous arrêtez."""
LIVE_COURSE = """Pour chaque moment, la classe la plus probable dans sa couleur, aussi haute qu’elle est probable. Les
vides sont des moments sans verdict."""
LIVE_BAD = "Le navigateur a envoyé quelque chose qui n’est pas une image avec du son."
LIVE_CAMERA = "Votre caméra"
LIVE_START = "Lancer"
LIVE_IDLE = "À l’arrêt."
LIVE_MINUTE = "La dernière minute"
LIVE_NOTHING_YET = "{model} : rien encore"
LIVE_SAID = {
    "stop": "Stop",
    "opening": "Ouverture de la caméra et du micro…",
    "camera": LIVE_NO_CAMERA,
    "sound": LIVE_NO_SOUND,
    "offline": LIVE_OFFLINE,
    "lost": LIVE_LOST,
    "refused": LIVE_REFUSED,
    "ended": "La caméra ou le micro a été perdu.",
    "stopped": "Arrêté. Rien n’a été gardé.",
    "left": "Arrêté.",
    "hidden": "Arrêté : l’onglet a été quitté.",
    "without": "Sans la référence",
    "measuring": "Visage et voix neutres…",
    "compared": "Comparé à vos secondes neutres : des barres égales veulent dire comme alors.",
    "apart": "Non comparé : ces parties n’étaient pas là ensemble dans vos secondes neutres.",
    "as_then": "comme vos secondes neutres",
    "needs_two": "indéfini : il en faut deux",
    "nothing": "rien sur quoi s’appuyer",
    "face": "un visage est à l’image",
    "no_face": "pas de visage à l’image",
    "doing": "{rate} images par seconde · {face} · {doing} · {milliseconds} ms par étape",
    "dropped": " · son abandonné : {seconds} s",
    "none": "pas encore de verdict",
    "course": "{model}, part de la dernière minute : {said}",
}

COPY_LINK = "Copier un lien vers cette vue"
COPY_LINK_DONE = "Le lien est copié"
COPY_LINK_HINT = "Un lien retient quel exemple est montré et comment, jamais un clip à vous."
CLASS_BAR = {
    "name": "Vues, l’une après l’autre",
    "back": "Retour",
    "next": "Suite",
    "save": "Garder cette vue",
    "clear": "Oublier les vues",
    "leave": "Quitter la vue de classe",
}

FOOTER = f"""<footer id="about-foot"><p>D’après V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Rien sur cette page n’est chargé d’ailleurs, et rien n’est envoyé ailleurs. Version {__version__}.
<a href="#view=class">Vue de classe pour vidéoprojecteur</a></p></footer>"""

ATTRIBUTION_LEFT_OUT = """<p class="hint"><em>Attention</em> : celle que chaque partie a reçue ; la ligne pointillée est
une part égale. <em>Importance</em> : comment la probabilité change quand cette seule partie est retirée. Une barre vers
le haut veut dire que la classe était plus probable avec la partie, une barre vers le bas qu’elle l’était moins, en
points de pourcentage. Ni l’une ni l’autre n’explique un verdict. Les encodeurs lisent les mots et la voix dans leur
contexte : les parties qui restent portent donc encore des traces de celle qui a été retirée. Et des parties qui se
répètent contribuent peu une à une, alors que toutes ensemble, valeur qui figure à côté de chaque titre, elles peuvent
contribuer beaucoup. Ce qui est retiré, ce sont des mots, des demi-secondes de voix et des demi-secondes de
visage.</p>"""
ATTRIBUTION_TABLE = "Ces chiffres en tableau"
ATTRIBUTION_COLUMNS = ["partie retirée", "attention, égale = 1", "{label} avec elle"]
ATTRIBUTION_GIVES = "{model} : <b>{label}</b> {probability}."
ATTRIBUTION_WHOLES = "Retirés en entier : {parts}."
ATTRIBUTION_FOR = "Des parties isolées, les plus favorables : {parts}."
ATTRIBUTION_NONE_FOR = "Aucune partie isolée ne parle à elle seule pour cette classe."
ATTRIBUTION_AGAINST = "Les plus défavorables : {parts}."
ATTRIBUTION_NONE_AGAINST = "Aucune partie isolée ne parle à elle seule contre cette classe."
CHOOSE_CLASS, CHOOSE_PART = "Classe", "Partie du clip"
ITS_VERDICT = "son verdict"


def attribution_alike(modalities: Sequence[str]) -> str:
    """Of modalities whose parts say the same."""
    return (
        f"Une à une, les parties {' et '.join(_OF[m] for m in modalities)} y changent peu de chose, "
        "car les autres disent la même chose."
    )


def part_name(modality: str, name: str) -> str:
    """A part of a clip as a sentence says it; ``name`` is the word, or its seconds."""
    return QUOTED.format(text=name) if modality == "text" else f"{MODALITY[modality]} à {name}"


def lane_looked(modality: str) -> str:
    """Above the attention that the parts of a modality received."""
    return f"{MODALITY[modality]} : attention"


def lane_mattered(modality: str, whole: str) -> str:
    """Above what leaving each part out changes; ``whole``: what all of it changes, "" where that is unknown."""
    return f"{MODALITY[modality]} : importance" + (f" ; le tout {whole}" if whole else "")


HOVER_LOOKED = "{part} : attention {value} × une part égale"
HOVER_MATTERED = "avec {part}, {label} a {value} points"
HOVER_DIFFERENCE = "{part} : croisée moins auto, {value} parts égales"
NO_WHOLE = "Sans l’un des deux, ce modèle ne dit rien : aucun ne peut donc être retiré en entier."
NOT_MEASURED = "Ce qui a contribué au verdict n’a pas été mesuré, il n’y a donc rien à emporter."
ATTRIBUTION_SHAPLEY = """<h3>Les modalités</h3>
<p class="hint">La valeur de Shapley de chaque modalité : ce qu’elle ajoute à la probabilité, en moyenne sur tous les
ordres dans lesquels les modalités pourraient être ajoutées. Par convention, sans aucune modalité, toutes les classes
sont également probables. Pour deux modalités, le tableau montre aussi ce qu’elles ajoutent ensemble au-delà de ce que
chacune ajoute seule ; au-dessous de zéro, elles se répètent.</p>"""
ATTRIBUTION_CROSS = """<h3>Les modalités</h3>
<p class="hint">L’attention croisée ne dit rien à partir d’une seule modalité : les valeurs de Shapley sont donc
indéfinies. Le tableau montre ce que chaque modalité ajoute aux deux autres.</p>"""
ATTRIBUTION_CROSS_PAIR = """<h3>Les modalités</h3>
<p class="hint">L’attention croisée ne dit rien à partir d’une seule modalité : quand il y en a deux, aucune n’a donc de
contribution propre.</p>"""
ATTRIBUTION_FROM_NOTHING = "{share} pour rien du tout, plus ces valeurs, donne {total}."
ATTRIBUTION_ON_AVERAGE = "en moyenne"
ATTRIBUTION_TOGETHER = "disent ensemble au-delà de chacun"
ATTRIBUTION_PAIR = "{one} et {two}"
ATTRIBUTION_ADDED = {1: "à rien", 2: "à l’autre", 3: "aux deux autres"}
ATTRIBUTION_EVEN = """<h3>Si l’attention était uniforme</h3>
<p class="hint">Les mêmes modèles avec le même poids pour chaque moment. Là où le verdict reste le même, il ne dépendait
pas de l’endroit où ils regardaient.</p>"""
ATTRIBUTION_EVEN_COLUMNS = ["telle quelle", "avec attention égale", "part de l’attention dans {label}"]
ATTRIBUTION_DIFFERENCE = """<h3>Croisée moins auto</h3>
<p class="hint">L’attention que chaque moment reçoit par attention croisée moins celle qu’il reçoit par auto-attention,
en parts égales : au-dessus de zéro, les autres y regardent plus que sa propre modalité.</p>"""
ATTRIBUTION_UNKNOWN = (
    "Ce résultat enregistré ne contient pas les caractéristiques dont cette section a besoin ; appuyez sur Analyser "
    "pour les calculer."
)

PHRASES = """<p class="hint">Ce qui a été dit entre deux pauses ou en une phrase, et ce que les deux modèles font de
cette seule partie. Appuyez sur une phrase pour la rejouer.</p>"""

MANY = f"""<h3>Plusieurs clips, un tableau</h3>
<p>Choisissez jusqu’à {SAID["at_once"]} fichiers, {SAID["megabytes"]} en tout. Ils sont lus l’un après l’autre, chacun à
son tour parmi les clips de tous les visiteurs, et chaque fichier est effacé dès qu’il a été lu. Restez sur cette page
pendant ce temps : le tableau n’est qu’à vous et disparaît quand vous partez. Un dossier de n’importe quelle taille se
lit mieux sur votre propre machine : <code>python scripts/analyze.py FOLDER --csv OUT.csv</code>.</p>"""
MANY_STOP = "Stop"
MANY_CSV = "CSV du tableau"
CLIPS_READ = "Clips lus : {read} sur {all}."
CLIP_COLUMN, TRUTH_COLUMN, WORDS_COLUMN = "clip", "vérité", "mots"
BEING_READ, WAITING = "en lecture", "en attente"
ROW_OPEN = "Ouvrir ou fermer ce qui est dit de ce clip"
ROW_LET_GO = "Le détail de cette ligne n’a pas été gardé, car les visiteurs sont nombreux ; la ligne reste."
TRUTH = "Savez-vous ce qu’ils montrent ?"
TRUTH_HINT = """<p class="hint">Alors les deux modèles peuvent être notés. Soit les noms des fichiers le disent :
écrivez <code>{label}</code> à la place de l’étiquette et <code>{anything}</code> pour le reste, par exemple
<code>{anything}_{label}_{anything}</code> pour <code>1001_DFA_ANG_XX.wav</code>. Soit un tableau le dit : un CSV avec
un fichier et son étiquette par ligne. Les étiquettes sont les sept classes en anglais (anger, disgust, fear, happiness,
neutral, sadness, surprise), ou encore <em>angry, happy, sad…</em> ou <em>ANG, HAP, SAD…</em></p>"""
TRUTH_PATTERN = "Noms des fichiers"
TRUTH_TABLE = "Tableau d’étiquettes…"
TRUTH_UNKNOWN = "inconnu"
RIGHT, WRONG = "juste", "faux"
SCORES = "À quelle fréquence ont-ils raison ?"
SCORE_COLUMNS = [
    "", "clips", "exactitude", "exactitude équilibrée", "bonne classe non exclue", "classes non exclues",
]  # fmt: skip
SCORES_HINT = """Des clips dont la vérité est connue et dont le modèle dit quelque chose. L’exactitude équilibrée est la
moyenne des rappels des classes présentes ; au hasard, elle vaut un septième quand toutes le sont. Avec peu de clips,
les deux peuvent être loin de ce que donneraient davantage de clips."""
CONFUSION = "Combien de clips de chaque classe, par ligne, chaque modèle prend pour quelle classe, par colonne"
CONFUSION_HEAD = "vraie"
LEFT_OUT_WHOLE = "Ce que chacun y apporte, retiré en entier :"
WHOLE_HINT = "En points de pourcentage de cette classe ; au-dessous de zéro, il parle contre elle."
NOT_MEASURED_HERE = "Ce qui a contribué au verdict n’a pas pu être mesuré pour ce clip."


def labels_read(count: int, unknown: int) -> str:
    """What was found in a table of labels."""
    found = f"{count} fichier{'s ont' if count > 1 else ' a'} une étiquette dans ce tableau."
    return f"{found} Lignes sans aucune des sept : {unknown}." if unknown else found


def models_agree(agree: int, both: int) -> str:
    """How often both models say the same."""
    if not both:
        return "Il n’y a aucun clip dont les deux modèles disent quelque chose."
    return f"Les deux modèles disent la même chose de {agree} clip{_s(agree)} sur {both} ({percent(agree / both)})."


def truth_known(known: int, read: int) -> str:
    """Of how many clips it is known what they show."""
    if not known:
        return "On ne sait pas ce que les clips montrent."
    return f"On sait ce que montre{'nt' if known > 1 else ''} {known} clip{_s(known)} sur {read}."


def _s(number: int) -> str:
    return "s" if number > 1 else ""


MANY_FILES = "Choisir des clips…"
TOO_MANY = f"Laissé de côté : au plus {SAID['at_once']} clips peuvent être envoyés à la fois."

# The report that a visitor can take home

REPORT_TITLE = "Croisée ou auto ? {file}"
REPORT_HEAD = "Croisée ou auto ? Un rapport"
REPORT_FACTS = {"clip": "Clip", "used": "Utilisé", "models": "Modèles"}
REPORT_MODELS = (
    "modèles de fusion d’après Rajan, Brutti et Cavallaro (ICASSP 2022), entraînés sur des échantillons composés"
)

# What scripts say in the browser

IN_BROWSER = {
    "NotAllowedError": "Le navigateur n’a pas été autorisé à utiliser la caméra ou le micro. Autorisez-le dans la "
    "barre d’adresse, ou importez plutôt une vidéo.",
    "NotFoundError": "Caméra ou micro introuvable. Branchez-en un, ou importez plutôt une vidéo.",
    "NotReadableError": "La caméra ou le micro est utilisé par un autre programme. Fermez-le, ou importez "
    "plutôt une vidéo.",
    "OverconstrainedError": "Cette caméra ne peut pas faire ce qui lui a été demandé. Importez plutôt une vidéo.",
    "SecurityError": "Le navigateur n’autorise la caméra que sur des pages https ou sur cette machine même. Importez "
    "plutôt une vidéo.",
    "camera": "La caméra et le micro n’ont pas pu être ouverts ({error}). Importez plutôt une vidéo.",
    "silent": "Le micro n’entend rien",
    "heard": "Le micro vous entend",
    "recording": " · enregistrement {seconds} s",
    "play": "Lire le clip",
    "put_away": "Ranger le petit clip",
    "moment": "{name} : {label} {share} %",
    "says": "{label} ({share} %)",
    "says_nothing": "rien",
    "word": "« {word} »",
    "word_looks": "« {word} » à {seconds} s : ce qu’il regarde",
    "looks_most": "« {word} » regarde surtout : ",
    "look_audio": "Croisée : voix ",
    "look_video": "Croisée : visage ",
    "look_text": "Auto : mots ",
    "look_at": "à {seconds} s",
    "look_play": "{what}, {share} × une part égale : rejouer à demi-vitesse",
    "attention-chart": "La carte d’attention agrandie",
    "timeline-chart": "Le clip dans le temps avec l’attention reçue",
    "course-chart": "Cours de chaque émotion dans le temps",
    "worth-chart": "L’attention que chaque partie a reçue, et ce que son retrait change",
    "difference-chart": "L’attention reçue par attention croisée moins celle reçue par auto-attention",
}

# What the part that reads clips says: its sentence, with what changes in braces -> the same in this language

CORE = {
    "{file}: no face was found in its first second that could be the neutral one.": (
        "{file} : aucun visage qui puisse être le visage neutre n’a été trouvé dans la première seconde."
    ),
    "reading the clip": "lecture du clip",
    "looking for the face": "recherche du visage",
    "listening for words": "écoute des mots",
    "asking both models": "interrogation des deux modèles",
    "loading the models, once after the start": "chargement des modèles, une fois après le démarrage",
    "waiting for a graphics card": "attente d’une carte graphique",
    "the clip has no pictures": "le clip n’a pas d’images",
    "no picture could be decoded": "aucune image n’a pu être décodée",
    "no face was found": "aucun visage n’a été trouvé",
    "the clip has no sound track": "le clip n’a pas de piste sonore",
    "the sound track is silent": "la piste sonore est muette",
    "no speech was heard": "aucune parole n’a été entendue",
    "the words were not understood": "les mots n’ont pas été compris",
    "the words were not understood, the language was not recognised": (
        "les mots n’ont pas été compris, la langue n’a pas été reconnue"
    ),
    "the words are {language}, and the models read English alone": (
        "les mots sont dans une autre langue ({language}), et les modèles ne lisent que l’anglais"
    ),
    "switched off": "désactivé",
    "waiting for a voice": "attente d’une voix",
    "hearing a voice": "une voix est entendue",
    "reading a phrase": "lecture d’une phrase",
    "listening has failed, only the face is read": "l’écoute a échoué, seul le visage est lu",
    "listening cannot keep up, only the face is read": "l’écoute ne suit pas, seul le visage est lu",
    "no sound comes from the microphone": "aucun son ne vient du micro",
    "Only the first {seconds} seconds were read.": "Seules les {seconds} premières secondes ont été lues.",
    "There are more pictures at once than can be decoded: some were passed over.": (
        "Il y a plus d’images à la fois qu’il n’est possible d’en décoder : certaines ont été sautées."
    ),
    "Parts of the sound track were damaged and passed over.": (
        "Des parties de la piste sonore étaient endommagées et ont été sautées."
    ),
    "The file's clock jumps: {time} without sound and pictures were cut out.": (
        "L’horloge du fichier fait un saut : un passage sans son ni images ({time}) a été retiré."
    ),
    "The file's clock starts again on the way: its parts were laid one behind the other.": (
        "L’horloge du fichier repart en cours de route : ses parties ont été mises l’une après l’autre."
    ),
    "The pictures are upside down; they were turned to read the face.": (
        "Les images sont à l’envers ; elles ont été retournées pour lire le visage."
    ),
    "The face was found in only {share} of the pictures that could have shown it.": (
        "Le visage n’a été trouvé que dans {share} des images qui auraient pu le montrer."
    ),
    "{count} faces were seen; number {number}, {place} of the picture, was chosen.": (
        "{count} visages ont été vus ; c’est le numéro {number}, {place} de l’image, qui a été choisi."
    ),
    "{count} faces were seen; the largest and steadiest, {place} of the picture, was followed.": (
        "{count} visages ont été vus ; c’est le plus grand et le plus stable, {place} de l’image, qui a été suivi."
    ),
    "{count} faces were seen; the largest one that moves, {place} of the picture, was followed.": (
        "{count} visages ont été vus ; c’est le plus grand de ceux qui bougent, {place} de l’image, qui a été suivi."
    ),
    "on the left": "à gauche",
    "in the middle": "au milieu",
    "on the right": "à droite",
    "{file} is empty.": "{file} est vide.",
    "{file} is cut short or damaged and cannot be read.": "{file} est tronqué ou endommagé et ne peut pas être lu.",
    "{file} is not a media file that can be read.": "{file} n’est pas un fichier multimédia qui peut être lu.",
    "{file} is damaged: nothing in it could be decoded.": "{file} est endommagé : rien n’a pu y être décodé.",
    "{file} holds neither sound nor moving pictures.": "{file} ne contient ni son ni images animées.",
    "{file} lasts zero seconds.": "{file} dure zéro seconde.",
    "{file} has more or larger pictures than can be read.": (
        "{file} a des images trop nombreuses ou trop grandes pour être lues."
    ),
    "{file}: a face, a voice and spoken words were looked for, none was found ({why}).": (
        "{file} : un visage, une voix et des paroles ont été cherchés, rien n’a été trouvé ({why})."
    ),
    "A pattern may have {number} characters.": "Un modèle de nom peut avoir {number} caractères.",
    "A pattern holds {label} once, where the name of a file says the label.": (
        "Un modèle de nom contient {label} une seule fois, là où le nom d’un fichier dit l’étiquette."
    ),
    "A pattern may hold {anything} {number} times.": "Un modèle de nom peut contenir {anything} {number} fois.",
    "A pattern knows {label} and {anything}, no other braces.": (
        "Un modèle de nom connaît {label} et {anything}, pas d’autres accolades."
    ),
    "A table of labels may have {number} MB.": "Un tableau d’étiquettes peut faire {number} Mo.",
    "A table of labels may have {number} lines.": "Un tableau d’étiquettes peut avoir {number} lignes.",
    "This is no table of labels: it should be CSV as UTF-8, a file and its label a line.": (
        "Ce n’est pas un tableau d’étiquettes : il faut un CSV en UTF-8, avec un fichier et son étiquette par ligne."
    ),
    "No line of this table says a file and one of {labels}.": (
        "Aucune ligne de ce tableau ne donne un fichier et l’une de ces étiquettes : {labels}."
    ),
}
