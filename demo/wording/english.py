"""Every sentence of the page in English. Other languages have the same names: see ``demo.wording``.

Constants with ``{placeholders}`` are filled with what is to be shown. Functions are given modalities ("text", "video",
"audio"), labels and models by the names that ``core`` has for them, and probabilities as the page writes them.
"""

from collections.abc import Sequence

from core import __version__
from core.experiment.published import PublishedComparison
from demo.charts.palette import percent, signed
from demo.server import limits
from demo.wording.shared import MEASURED, TourStep, measured_of_both, with_neutral_words

LANGUAGE = "en"  # as HTML names it

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(number: float) -> str:
    """3 -> "three"; what is no whole number up to ten stays a figure."""
    return _NUMBERS[int(number)] if number in range(len(_NUMBERS)) else f"{number:g}"


SAID = {  # limits -> how the page says them
    "megabytes": f"{limits.MAX_FILE_BYTES / 1024**2:.0f} MB",
    "clip_minutes": f"{in_words(limits.MAX_CLIP_SECONDS / 60)} minutes",
    "analysis_minutes": f"{in_words(limits.MAX_ANALYSIS_SECONDS / 60)} minutes",
    "waiting": f"{limits.MAX_WAITING}",
    "at_once": f"{limits.MAX_AT_ONCE}",
    "visitors": in_words(limits.MAX_VISITORS),
    "live_share": in_words(limits.LIVE_SHARE),
    "live_minutes": f"{in_words(limits.MAX_VISIT_SECONDS / 60)} minutes",
    "come_back": "a minute" if limits.COME_BACK == 60 else f"{in_words(limits.COME_BACK)} seconds",
    "window": in_words(limits.WINDOW),
    "hop": in_words(limits.HOP),
    "rate": in_words(limits.FRAME_RATE),
    "unsure": f"{limits.UNSURE:.0%}".replace("%", " %"),
}

# Names

LABEL = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprise": "surprise",
}
MODALITY = {"text": "words", "video": "face", "audio": "voice"}
MODEL = {"cross": "Cross-attention", "self": "Self-attention"}
MODEL_TITLE = {**MODEL, "both": "Cross + self", "gated": "Gated"}  # of every model
SWITCH = {"video": "Face", "audio": "Voice", "text": "Words"}
ALL_OF = {"text": "all words", "video": "all of the face", "audio": "all of the voice"}
ALONE = {"text": "words alone", "video": "face alone", "audio": "voice alone"}
QUOTED = "“{text}”"
COLON = ": "
UNDEFINED_CELL = "undefined"


def language_name(code: str, english: str) -> str:
    """Of the language that was spoken, by Whisper's code and its English name."""
    return english


def points(difference: float) -> str:
    """A difference of probabilities in percentage points: 0.0312 -> "+3.1 points"."""
    return f"{signed(difference * 100)} points"


# The page

TITLE = "Cross or self?"
PREVIEW = (
    "Two small models look at the same face, voice and words. In one they look at each other, in the other each looks "
    "only at itself. See what each says, and why. Does cross-attention beat self-attention?"
)
PREVIEW_PICTURE = "A clip of a smiling face that says sad words, and what two models make of it"


def too_long(largest: int) -> str:
    """Why a request with more bytes than that is not read."""
    if largest >= limits.MAX_FILE_BYTES:
        return TOO_LARGE
    if not largest:
        return "This request may not have a body."
    size = f"{largest / 1024**2:.0f} MB" if largest >= 1024**2 else f"{largest / 1024:.0f} KB"
    return f"This request may have {size}; only an upload may be larger."


LIMITS_SHORT = "A guess at displayed expression, not at what anyone feels."


def how_right(held_out: dict) -> str:
    """The figures that come first: of strangers' voices and, where there were any, of real recordings of people whom no
    model had met; "" where none was measured.

    Args:
        held_out: what lies beside the checkpoint as ``held_out.json``.
    """
    said = ""
    if found := measured_of_both(held_out, "people", "video+audio"):
        classes = in_words(sum(recall is not None for recall in found["self"]["recall"].values()))
        said += f"""On {found["self"]["n"]} real clips of actors whom no model had met, face and voice put the right
one of {classes} emotions first in {_shares(found)}. """
    found, whole = with_neutral_words(held_out)
    if found:
        whom = "corpora that were kept aside as a whole" if whole else "people who were kept aside"
        said += f"""On {found["self"]["n"]} utterances put together from acted voices of {whom},
faces that no encoder had met and sentences that say nothing, the right one of seven emotions came first in
{_shares(found)}; expect less where nobody acts. """
    return said


def _shares(found: dict) -> str:
    cross, own = (percent(found[model]["accuracy"]) for model in ("cross", "self"))
    return f"{cross} (cross-attention) and {own} (self-attention)"


def our_answer(found: PublishedComparison | None) -> str:
    """What the paper's configurations gave here; without numbers where the report is not there."""
    if found is None:
        return "We let all their configurations run on composed utterances; the project's report has the numbers."
    decided = "Undecided: neither a difference nor equality can be shown."
    conclusion = decided if found.conclusion == "undecided" else f"In short: {found.conclusion}."
    return (
        f"We let all their configurations run on composed utterances, {in_words(found.folds)} folds and "
        f"{in_words(found.seeds)} seeds: with face, voice and words, cross minus self is {signed(found.difference)} "
        f"points of balanced accuracy, 95 % interval {signed(found.low)} to {signed(found.high)}. {conclusion}"
    )


def answer_in_short(found: PublishedComparison | None) -> str:
    """The title's question, answered in one line."""
    ours = "ours are in the project's report"
    if found is not None:
        ours = "ours: undecided" if found.conclusion == "undecided" else f"ours: {found.conclusion}"
    return f"Cross or self, then? The paper: no significant difference; {ours}."


LIMITS_BEHIND = f"""{how_right(MEASURED)}The models learned mostly
from <em>composed</em> samples: an actor's voice, a picture of some other face and a line from a television series, put
together because they carry the same label. They are often wrong, and wrong in different ways for different people.
Please do not judge anybody by them."""
LIMITS = f"<strong>{LIMITS_SHORT}</strong> {LIMITS_BEHIND}"

TABS = {"clip": "A clip", "several": "Several", "live": "Live", "about": "What is this?"}
INTRODUCTION = """Two small models read the same clip. In one, face, voice and words look <em>at each other</em>; in the
other, each looks only <em>at itself</em>."""
INTRODUCTION_MORE = "More"
INTRODUCTION_KEPT = f"""Your clip stays on this server only while you look at it, and is deleted {SAID["come_back"]}
after you leave, or after an hour."""
NOTICE = """<p class="notice" role="note"><strong>This page infers emotion</strong> from face, voice and words. Record
only people who know this and agree. In the European Union people must be told, and inferring the emotions of pupils or
employees is prohibited.</p>"""
FILE_NOTES = {  # of a file that was chosen or dropped
    "other": "“{name}” is neither a video nor a sound file, so there is nothing to look at or to listen to.",
    "empty": "“{name}” is empty: there is nothing in it.",
    "large": f"“{{name}}” is larger than what this page takes: {SAID['megabytes']} of clip.",
}

CAPTURE = "Your clip"
SOUND = "Sound file"
SOUND_TRACK = "Sound"
SOURCE_RECORD, SOURCE_UPLOAD = "Record", "Upload"  # below the pictures of gradio's own buttons
ANALYSE, STOP = "Analyse", "Stop"
STORED = "An example with its stored result. Press Analyse to run the models on it again."
KEPT = "Your last clip and its analysis, from before this page was loaded again."
NOT_KEPT = (
    f"Your last clip is no longer here: a visit is kept for {SAID['come_back']} after its page was left. "
    "The example is shown instead."
)
IDLE = (
    "A few seconds of one person speaking English work best, as video or as sound alone. "
    "Recording stops when you press the button again."
)
BOUNDS = f"""<details class="hint"><summary>What a clip may be</summary><p>At most {SAID["megabytes"]}; the first
{SAID["clip_minutes"]} of a clip are read, and for {SAID["analysis_minutes"]} at most. One clip is read at a time,
{SAID["waiting"]} may wait.</p></details>"""
NO_CLIP = "There is no clip here: record one, upload one or pick an example. Clips live for an hour at most."
LET_GO = "This analysis was let go because many are visiting; analyse the clip again."
LOST_CLIP = "This clip has been deleted (clips live for an hour at most): record or upload it again."
STOPPED = "Stopped. The clip is still here; press Analyse to start again."
TOO_SLOW = f"Reading this clip took longer than {SAID['analysis_minutes']} and was given up; a shorter one should work."
NO_FILE = "No clip was sent."
HUNG_UP = "The one who asked has left; the analysis was stopped."
NO_LENGTH = "A request must say how long it is."
TOO_LARGE = f"This is larger than what this page takes: {SAID['megabytes']} of clip."
TOO_COMPLEX = f"This request holds more than {limits.MAX_VALUES:,} values."
NO_ROOM = "The server has no room for more clips at the moment; try again later."
TOO_MANY_REQUESTS = "Too much is asked for from this address at the same time; try again in a moment."
TOO_MANY_UPLOADS = "Too many uploads from this address are on their way; wait until some have arrived."
NO_UPLOAD = "There is no upload of this name."
NO_FORM = "An upload must be a form (multipart/form-data) whose field “files” holds the files, each with a name."
NO_JSON = "The body of a request must be JSON (Content-Type: application/json)."
HOW_TO_UPLOAD = (
    'A file must first be sent to this server: as multipart/form-data in the field "files", by POST to '
    "/gradio_api/upload. The answer is a list with its path; pass that path, or http://SERVER/gradio_api/file=PATH."
)
NO_ADDRESS = f"Files are taken neither from other hosts nor as data: addresses. {HOW_TO_UPLOAD}"
NOT_UPLOADED = "This file was not uploaded to this page: record or upload it first."
OTHER_HOST = (
    "This server does not answer to the name in this address. Whoever runs it can add the name: "
    "python app.py --allow-host NAME"
)
OTHER_SITE = "This request comes from another site; only this page itself and programs may send it."
NOT_SERVED = "There is nothing here."
UNFIT = "What was sent does not fit this page; reload the page and try again."
FAILED = "Something went wrong with this request."
UNSAFE_PAGE = "This page was not sent, because others could have guessed the name of your session."
NO_EXAMPLE = "This example cannot be shown at the moment; pick another one."
WHICH_MODALITIES = 'Say which modalities may be used: a list of one or more of "text", "video" and "audio".'
BROKEN = "Something went wrong while reading this clip; another clip should work."
WORDS_FOLLOW = "So far from face and voice; the words are still being read."
READ_IN = "{duration} seconds of clip, read in {took} seconds."
NOTHING_USED = "Nothing to go by ({reasons})."


def visit_has_its_share(count: int, clips: bool) -> str:
    """Who already has so many clips (or other things asked for) in line is told to wait."""
    if clips:
        return f"You already have {count} clips waiting, the most that one visitor may have; wait until one is read."
    return "You have asked for this several times already; wait for the answers."


def address_has_its_share(count: int, clips: bool) -> str:
    """As ``visit_has_its_share``, of everybody who comes from the same address."""
    if clips:
        return f"{count} clips from your address are waiting already, the most for one address; try again in a minute."
    return "Much has been asked for from your address already; try again in a minute."


def line_is_full(count: int, clips: bool) -> str:
    """Nobody is let in at the moment."""
    what = "clips" if clips else "requests of this kind"
    return f"{count} {what} are waiting already, the most that this server takes; try again in a few minutes."


ALL_OFF = "Everything is switched off, so there is nothing to go by. Switch at least one on."
UNDEFINED = "Undefined: with a single modality there is no other one to look at."
INSTEAD = "Cross-attention is undefined here; this is self-attention."

NEUTRAL_SECOND = "This clip begins with a second of my neutral face: compare with it"
FROM_NEUTRAL = "The face is now seen from the neutral one in the clip's first second."
NOT_FROM_NEUTRAL = "The face is seen as it is again."
MORE = "More models: both kinds of attention together, and a gate that mixes them"
NO_MORE = "This stored result does not hold what more models would read; press Analyse to compute it."
GATES = "What each takes from the other; the rest is from itself"


def gate(query: str, key: str, share: str) -> str:
    """How much one modality takes from another, where a gate mixes."""
    one, other = MODALITY[query], MODALITY[key]
    return f"{one} → {other}: {share} of what the {one} take in is from the {other}, the rest from themselves"


SWITCHES = "Models may use"
WHOSE = "Whose face counts?"
PLACES = {"left": "on the left", "middle": "in the middle", "right": "on the right"}


def person(number: int, place: str, pictures: int, start: str, end: str) -> str:
    """One of several persons: "2: on the left, in 40 pictures, 0.0–6.7 s"; ``place`` is a key of ``PLACES``."""
    return f"{number}: {PLACES[place]}, in {pictures} picture{'s' if pictures > 1 else ''}, {start}–{end} s"


FACE_NUMBER = "face {number}"
GHOSTS = "Outlines: everything on. Bars: what is switched on now."
NOT_SURE = "no class stands out"


HARDLY_RULED_OUT = "most classes are not ruled out"


def not_ruled_out(others: Sequence[str]) -> str:
    """The other classes of a prediction set."""
    return f"or {' or '.join(LABEL[other] for other in others)}"


def with_everything_on(arrow: str, before: str, other: str | None) -> str:
    """What a model said before something was switched off; ``other``: the label, where it was another one."""
    return f"{arrow} {before} with everything on" + (f", which said {LABEL[other]}" if other else "")


def bar_title(label: str, share: float, difference: float | None) -> str:
    """What a bar says when it is pointed at; ``difference`` to what was said with everything on."""
    said = f"{LABEL[label]} {share:.3f}"
    if difference is None:
        return said
    return f"{said}, {abs(difference):.3f} {'more' if difference >= 0 else 'less'} than with everything on"


ALL_SEVEN = "{model}, all seven: {each}."  # for screen readers
ONLY_SELF = "Only self-attention can answer: {label}."
BOTH_SAY = "Both say <b>{label}</b>."
THEY_DISAGREE = "<b>They disagree.</b> Cross-attention says {cross}, self-attention says {own}."


SECTIONS = {  # parts of the page that open and close
    "time": "The clip in time",
    "attention": "Where they looked",
    "worth": "What contributed to the verdict?",
    "matrix": "Each part alone, each pair together",
    "seen": "Words and faces",
    "course": "The course of each emotion",
    "phrases": "Phrase by phrase",
    "export": "Take it home",
}

USING = "using"
NEEDS_TWO = "needs two"
MATRIX_CAPTION = "Verdicts of each model for all seven combinations"


def absent(modalities: Sequence[str]) -> str:
    """Why a combination is not there: "no face and no words in this clip"."""
    return f"{' and '.join(f'no {MODALITY[m]}' for m in modalities)} in this clip"


MATRIX = """<p class="hint">All seven combinations for both models. A strip holds the seven probabilities in the colours
of the bars; the class in words is the most probable one.</p>"""

ATTENTION = """<p class="hint">Each small map is one head of one direction: a row asks, a column answers, and all are
drawn on one scale, dark for nothing and brightest for six even shares or more. The heads that single out moments come
first, and among these the ones where it matters <em>who asks</em>. Press a map to enlarge it. In the large one each row
sums to 1, the mark on the scale is the <em>uniform</em> weight, what every moment gets when nothing stands out, and a
click on a cell plays what is looked at. Attention says what was mixed into the result, not why the result came
out.</p>"""
MAPS = "All maps, the most telling first: arrow keys move, Enter enlarges"
ALIKE = "all look at the same moments"
ALIKE_SENTENCE = "All look at the same moments."
ALIKE_WHY = "Who asks hardly matters here, so one line is drawn for all rows."
ROWS_DIFFER = "Who asks matters here."
HEAD_WORTH = {  # whose map it is; 1, 0 or -1: what it looks at most is worth more than others, no more, less
    ("head", 1): """In {clips} clips the moments that this head looks at most were worth more than others: leaving one
out lowered the probability of the verdict by {top} points, leaving any moment out by {all} on average.""",
    ("head", 0): "In {clips} clips the moments that this head looks at most were worth no more than others.",
    ("head", -1): """In {clips} clips the moments that this head looks at most were worth less than others: leaving one
out lowered the probability of the verdict by {top} points, leaving any moment out by {all} on average.""",
    ("mean", 1): """In {clips} clips the moments that these heads together look at most were worth more than others:
leaving one out lowered the probability of the verdict by {top} points, leaving any moment out by {all} on average.""",
    ("mean", 0): "In {clips} clips the moments that these heads together look at most were worth no more than others.",
    ("mean", -1): """In {clips} clips the moments that these heads together look at most were worth less than others:
leaving one out lowered the probability of the verdict by {top} points, leaving any moment out by {all} on average.""",
}
HEAD_WORTH_SOURCE = "Measured on {corpus}, {date}"
SCALE = "What a map shows"
CHOOSE_MODEL, CHOOSE_PAIR, CHOOSE_HEAD = "Model", "Who looks at whom", "Head"
ALL_HEADS = "mean of all"
ALL_HEADS_SHORT = "mean"


def head(number: int) -> str:
    """A head, counted from 0; below that the mean of all."""
    return "mean of all heads" if number < 0 else f"head {number + 1}"


SHARPNESS = """{shown}: at most <b>{highest} ×</b> an even share; on average a row spreads its attention over
<b>{spread}</b> of {steps} moments{nearly}."""
NEARLY_EVENLY = " – nearly evenly"
AT_MOST = "{shown}: at most {highest} × an even share"  # a small map
_ASKS = {"text": "word", "video": "the face at", "audio": "the voice at"}
_ANSWERS = {"text": "word", "video": "face at", "audio": "voice at"}


def map_query(modality: str) -> str:
    """Beside the rows of a map."""
    return f"↓ query: the {_ONE[modality]} that looks"


def map_key(modality: str) -> str:
    """Below the columns of a map."""
    return f"key: the {_ONE[modality]} looked at →"


_ONE = {"text": "word", "video": "face", "audio": "voice"}
MAP_ALIKE = {  # above a line that stands for all rows
    "text": "all words look at the same moments",
    "video": "all faces look at the same moments",
    "audio": "all moments of the voice look at the same moments",
}
UNIFORM = "▲ uniform {weight}"  # on the scale of a map
AS_ALL_ROWS = "as all rows do"  # on the scale of differences


def cell_weight(query: str, key: str, row: str, column: str, value: str, by_length: bool) -> str:
    """What a cell of a map says when it is pointed at; ``row`` and ``column`` are words or seconds."""
    what = "share of what is passed on" if by_length else "weight"
    return f"{_ASKS[query]} {row} attends to {_ANSWERS[key]} {column}, {what} {value}"


def cell_difference(query: str, key: str, row: str, column: str, value: str) -> str:
    """As ``cell_weight``, where a map shows only what differs between rows."""
    return f"{_ASKS[query]} {row} attends to {_ANSWERS[key]} {column} {value} even shares more than the mean row"


def cell_alike(key: str, column: str, value: str) -> str:
    """As ``cell_weight``, where one line stands for all rows."""
    return f"all attend to {_ANSWERS[key]} {column} with {value} × an even share"


SCALES = {"weights": "attention weights", "lengths": "weight × length of what is passed on"}
LENGTHS = """<p class="hint">A weight alone misleads where little is passed on. The second scale multiplies each weight
by the length of what the head passes on of that moment, its value behind the head’s part of the output projection, and
shares each row out anew.</p>"""
NO_LENGTHS = "The lengths of what is passed on were not stored with this result; shown are weights."
DIFFERING = "Only what differs between rows (a weight less the mean of its column)"

TIMELINE = """<p class="hint">The coloured line is the attention each moment received, the dotted line an even share.
Click a moment to play from there. Point at a word or tap it: arcs lead to what it looks at most, above by
cross-attention (voice; dashed: face), below by self-attention; click an end to play it at half speed.</p>"""

IN_TIME = "In time"
HOVER_WORD = "“{word}” {start}–{end} s"
HOVER_COURSE = "{model}, {span}<br>{label} {value}"


def hover_received(modality: str, seconds: str, value: str) -> str:
    """What the line of attention says of a moment."""
    return f"the {MODALITY[modality]} at {seconds} s receives {value} × an even share"


COURSE = f"""<p class="hint">The clip in windows of {SAID["window"]} seconds, a new one every {SAID["hop"]}. Click a
window to play it.</p>"""

EXPORT = """<p class="hint">Made on request and handed straight to your browser: nothing is kept here.
The report is one file that opens without internet; it holds small pictures of the face.</p>"""

TRANSCRIPT = "Transcript"
WORDS = "Words"
NO_WORDS = "No words were heard."
WORD_TITLE = "{start}–{end} s, Whisper is {sure} sure"
FACES = "Faces"
FACE = "Face"
FACE_AT = "face at {seconds} s"
FACES_FOUND = "Found in {found} of {total} frames."
NO_FACE = "No face was found."


def not_recognised(some: bool) -> str:
    """Of speech whose language is not known; ``some``: other words were understood."""
    which = "Some of the speech" if some else "The speech"
    return f"{which} was not understood, and its language was not recognised."


def other_language(code: str, name: str, sure: str) -> str:
    """Of words that the models do not use; ``code`` and ``name`` are those of their language in Whisper."""
    unclear = ", not clear enough for the models" if code == "en" else ""
    why = "" if code == "en" else ": they read English"
    return (
        f"{language_name(code, name)}{unclear} (Whisper is {sure} sure of the language). "
        f"The models do not use these words{why}."
    )


PHRASES_NAME = "Phrases"
PHRASES_SAID = "said"

MISSING = {"video": "No face to go by", "audio": "No voice to go by", "text": "No words to go by"}

EXAMPLES = {  # file in demo/examples -> button
    "glad": "Glad: smile, bright voice, glad words",
    "angry": "Angry words, a frown made by a warp",
    "contradiction": "Contradiction: a smile says sad words",
    "moods": "Moods: glad, surprised, angry, sad in 24 seconds",
}


GUESSES = {"contradiction": "She smiles and says that her dog died. What will the models say?"}  # by example
GUESS_FIRST = "A guess first"
GUESS_SKIP = "Just show me"
GUESS_RIGHT = "Right."
GUESS_WRONG = "Not this time."


def guess_alone(each: Sequence[tuple[str, str, str]]) -> str:
    """What each modality says alone: its name, its label and how probable that is."""
    said = [f"the {MODALITY[m]} {'say' if m == 'text' else 'says'} {LABEL[label]} ({p})" for m, label, p in each]
    return f"Alone, {', '.join(said)}."


def guess_same(label: str, probabilities: Sequence[str], sides: Sequence[str]) -> str:
    """Both models say the same; ``sides`` are the modalities that say it alone."""
    return f"Of all together both models say {LABEL[label]} ({' and '.join(probabilities)}): {_won(sides)}."


def guess_different(each: Sequence[tuple[str, str, str, Sequence[str]]]) -> str:
    """The models differ: of each its name, its label, how probable that is, and the modalities that say it alone."""
    said = [f"{MODEL_TITLE[model]} says {LABEL[label]} ({p}): {_won(sides)}" for model, label, p, sides in each]
    return f"Of all together, {'; '.join(said)}."


def _won(sides: Sequence[str]) -> str:
    """["video"] -> "the face won"."""
    if not sides:
        return "none of the three alone said that"
    return f"the {' and the '.join(MODALITY[side] for side in sides)} won"


EXAMPLES_HINT = """<p class="hint">Examples, made of a public-domain portrait (NASA) moved by a warp and a synthetic
voice. The astronaut never said or looked any of this.</p>"""

RECORDER = {  # what is said over the clip while it is recorded with one press
    "wait": "Opening camera and microphone …",
    "count": "Recording starts in",
    "cancel": "Cancel",
    "stop": "Stop",
    "recording": "Recording",
    "neutral": "Look neutral …",
}
RECORDER_NEUTRAL = "The last second shows my neutral face, to compare with"
AGAIN = "Say it another way"
CHALLENGE = "A challenge"
CARD = "A picture to send on"
TAKES_WAITING = "A is kept. Now say the same sentence another way: with another face, another voice, or both."
FORGET_TAKES = "Forget the first take"
COMPARED = "Two takes of a sentence"
TAKES_COLUMNS = ["", "A", "B", "changed by points"]
TAKE_NONE = "no verdict"
MOST_CHANGED = {
    "text": "Alone, the words changed most.",
    "video": "Alone, the face changed most.",
    "audio": "Alone, the voice changed most.",
}
NOTHING_CHANGED = "Nothing that stands alone changed by a point."
UNCHANGED = "nothing"
TAKES_WORDS = "The words of A above those of B; press one of B to play it."
CHALLENGE_SAYS = "The dogs are sitting by the door."  # English in all languages: the models read no other
CHALLENGE_ASKS = f"Say “{CHALLENGE_SAYS}” so that your face and your voice disagree: smile, and sound angry."
CHALLENGE_WON = "They disagree: alone, the face says {face} and the voice says {voice}. You did it."
CHALLENGE_LOST = "Not yet: alone, the face says {face} and the voice says {voice}."
CHALLENGE_NEEDS_BOTH = "This clip lacks a face or a voice, so they cannot disagree."
CARD_FACE = "with the picture that the clip shows now"
CARD_SHARE = "Share"
CARD_SAVE = "Save the picture"
CARD_CLOSE = "Close"
CARD_HINT = "Drawn in your browser. Nothing is sent before you share it."
CARD_PICTURE = "The picture as it will be sent"
CARD_NONE = "no verdict"

DOWNLOADS = {
    "json": "JSON",
    "csv": "CSV of windows and phrases",
    "worth": "CSV of contributions",
    "html": "Report (HTML)",
}

WELCOME = "<h3>What you will see</h3><p>Two verdicts side by side, and the attention behind each.</p>"


TOUR_NAME = "Show me around"
TOUR_PLACE = "{step} of {steps}"
TOUR_CLOSE, TOUR_BACK, TOUR_NEXT, TOUR_DONE = "Close", "Back", "Next", "Done"
TOUR = {  # by step; <b data-say="…"> is filled with what a model says there, and stays as it is
    "models": TourStep(
        "Two models, one clip",
        """Both read the same face, voice and words. In cross-attention each looks at the other two, in six directions;
        in self-attention each looks only at itself. Of this clip, cross-attention says <b data-say="cross"></b>,
        self-attention <b data-say="self"></b>.""",
    ),
    "switches": TourStep(
        "Switch something off",
        """A switch takes face, voice or words away from both models; outlines keep what was said with everything on.
        With a single one left nobody is there to look at, and cross-attention has no answer.""",
        press="Switch the face off",
        back="Switch the face on again",
    ),
    "head": TourStep(
        "One head",
        """Each model looks with several heads at once; the small maps show all of them, and the most telling is large.
        A row is the moment that looks, a column what it looks at; one line is drawn where all look at the same moments.
        A single head may be choosy where the mean of all is nearly even. This is what was mixed into the verdict, not
        why it came out.""",
        press="Show the mean of all heads",
        back="Back to the most telling head",
    ),
    "contradiction": TourStep(
        "When they contradict each other",
        """Alone, the face says <b data-say="self video"></b>, the voice <b data-say="self audio"></b> and the words
        <b data-say="self text"></b>. The rows below show who gives way to whom, and where the two models part.""",
        press="Take the example in which a smile says sad words",
    ),
    "answer": TourStep(
        "The paper’s answer, and ours",
        """On IEMOCAP, Rajan, Brutti and Cavallaro found no significant difference between the two. {answer} One clip
        cannot decide it either.""",
    ),
}

FIGURE = {  # the paper's figure in words
    "self": "Words, face and voice each look at themselves.",
    "cross": "Each looks at each of the other two.",
}
FIGURE_REST = "The mean and the deviation across the streams go to a classifier with seven classes."
FIGURE_STREAMS = "across {count} streams"
FIGURE_MEAN = ("mean +", "deviation")  # one line each, of ten letters at most
FIGURE_CLASSES = "7 classes"
EXPLANATION = f"""
<div class="explain">
<h2>What am I looking at?</h2>
<p>Five steps on the clip that is there, yours or the example: {{start}}</p>
{{figure}}
<p>A clip becomes three sequences: the <b>words</b> (Whisper writes them, MiniLM reads them), the <b>face</b> (found in
{SAID["rate"]} pictures a second, read by a small network) and the <b>voice</b> (heard by what began as Whisper's ear
and went on learning from voices in four languages). Then the two models part. In <b>self-attention</b> every moment of
a modality may look at every moment of <em>the same</em> modality; in <b>cross-attention</b> only at <em>the
others</em>: words at the face, words at the voice, and so on, six directions. Each direction gives one stream; mean and
standard deviation across the streams go to one classifier.</p>
<details><summary>How to read the page</summary>
<ul>
<li><b>Probabilities</b> are the models' own, calibrated on people and corpora that were held out. Where none reaches
{SAID["unsure"]} the page says that no class stands out.</li>
<li><b>“anger or disgust”</b>: one class is not earned. As many are named as it takes for the right one to be among them
in nine of ten clips that were held out; the card of the models says how often it is on those of strangers.</li>
<li><b>Outlines</b> around the bars show what was said with everything on, after you switch something off. While a
clip of several phrases plays, a mark on each bar is the verdict of the phrase.</li>
<li><b>Maps</b> show attention weights as the models computed them, by head or as the mean of all heads; one line where
all look at the same moments. They tell what was mixed, not what mattered.</li>
<li>A modality that was not found is <b>absent</b>: it is left out of the model, not replaced by silence or black.</li>
</ul></details>
<details><summary>Limits</summary>
<p>{LIMITS}</p>
<p>Seven classes are a crude grid over faces and voices, drawn from acted material; people differ in how they show
what they feel, and often show nothing or something else. Accents, ages, skin tones, glasses, beards, head scarves,
dialects and disabilities that are rare in the training data make the guesses worse. Using such a model on
somebody at work, at school, at a border or in court would be wrong even if it were right more often; in the European
Union, inferring the emotions of pupils and employees is prohibited.</p></details>
<details><summary>With a screen reader or without a mouse</summary>
<p>Each verdict is written out with all seven probabilities, the seven combinations are a plain table, the transcript
is text whose words are buttons, faces have times, and every switch and choice is a labelled form control that works
from the keyboard; so do the sections and the tour, which Escape ends. Errors and progress are announced. Maps
and words are reached with arrow keys and say what they show; their numbers are in the JSON file.</p></details>
</div>"""

LIVE_HINT = """Camera and microphone, continuously. The face is read several times a second, the voice about once a
second, words when a phrase ends. Pictures and sound are forgotten after a few seconds and never become files.
A guess at displayed expression, made from composed training data: it will be wrong. A label stays until another one
leads it clearly, or has been ahead for a moment; the bars show every change."""
LIVE_FOLLOW = "Follow this person"
LIVE_SEVERAL = "Tap a face to have that person read."
LIVE_FULL = f"""{SAID["visitors"].capitalize()} visitors are live already, which is all this machine can do; try again
later or record a clip."""
LIVE_SHARED = f"""From your address {SAID["live_share"]} visitors are live already, the most for one address; try again
later or record a clip."""
LIVE_OVER = """This live session has ended: nothing came from here for a while, or the server was started again. Press
Start to begin a new one."""
LIVE_NOTHING = (
    "There was nothing to see or hear for a minute, so this live session has ended; press Start for a new one."
)
LIVE_LONG = f"This live session has lasted {SAID['live_minutes']}, the longest there is; press Start for a new one."
LIVE_TWICE = "The browser sent the next moment before the last one was answered; press Start to begin anew."
LIVE_OFFLINE = "The connection was lost: this device is offline. Press Start when it is back."
LIVE_LOST = "The server does not answer: it may be starting again. Press Start in a moment."
LIVE_REFUSED = "The server refused what the browser sent; reload the page and press Start."
LIVE_NO_CAMERA = "Not running: camera and microphone could not be opened."
LIVE_NO_SOUND = "The browser could not read the microphone; another browser should work."
LIVE_BROKEN = "Something went wrong while reading this moment; press Start to begin anew."
NEUTRAL = "Measure three neutral seconds"
NEUTRAL_HINT = """A face at rest may look angry to a model, a voice sad, always in the same way. Three neutral seconds
of yours are measured, and what each model said of them is taken off the logarithms of what it says later: the bars
then show what has changed since, and all are equal while nothing has. It is forgotten when you stop."""
LIVE_COURSE = """For each moment the most probable class in its colour, as high as it is probable. Gaps are moments
without a verdict."""
LIVE_BAD = "The browser sent something that is not a picture with sound."
LIVE_CAMERA = "Your camera"
LIVE_START = "Start"
LIVE_IDLE = "Not running."
LIVE_MINUTE = "The last minute"
LIVE_NOTHING_YET = "{model}: nothing yet"
LIVE_SAID = {  # what the browser itself finds out
    "stop": "Stop",
    "opening": "Opening camera and microphone …",
    "camera": LIVE_NO_CAMERA,
    "sound": LIVE_NO_SOUND,
    "offline": LIVE_OFFLINE,
    "lost": LIVE_LOST,
    "refused": LIVE_REFUSED,
    "ended": "The camera or the microphone was lost.",
    "stopped": "Stopped. Nothing was kept.",
    "left": "Stopped.",
    "hidden": "Stopped: the tab was left.",
    "without": "Without the baseline",
    "measuring": "Look and sound neutral …",
    "compared": "Compared with your neutral seconds: equal bars mean as then.",
    "apart": "Not compared: these parts were not there together in your neutral seconds.",
    "as_then": "as in your neutral seconds",
    "needs_two": "undefined: needs two",
    "nothing": "nothing to go by",
    "face": "a face is in the picture",
    "no_face": "no face in the picture",
    "doing": "{rate} pictures a second · {face} · {doing} · {milliseconds} ms a step",
    "dropped": " · {seconds} s of sound let go",
    "none": "no verdict yet",
    "course": "{model}, share of the last minute: {said}",
}

COPY_LINK = "Copy a link to this view"
COPY_LINK_DONE = "The link is copied"
COPY_LINK_HINT = "A link holds which example is shown and how, never a clip of yours."
CLASS_BAR = {  # the class view: its buttons
    "name": "Views, one after the other",
    "back": "Back",
    "next": "Next",
    "save": "Save this view",
    "clear": "Forget saved views",
    "leave": "Leave the class view",
}

FOOTER = f"""<footer id="about-foot"><p>After V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Nothing on this page is loaded from elsewhere, and nothing is sent elsewhere. Version {__version__}.
<a href="#view=class">Class view for a projector</a></p></footer>"""

ATTRIBUTION_LEFT_OUT = """<p class="hint"><em>Looked at</em> is the attention each part received; the dotted line is
an even share. <em>Mattered</em> is how the probability changes when that part alone is left out: a bar up means that
the class was more probable with the part, a bar down that it was less probable, in percentage points. Neither
explains a verdict. The encoders read words and voice in context, so the remaining parts still carry traces of the one
that was left out; and parts that repeat each other contribute little one by one, though all of them together, which
stands beside each title, may contribute much. Words, half seconds of voice and half seconds of face are left
out.</p>"""
ATTRIBUTION_TABLE = "These numbers as a table"
ATTRIBUTION_COLUMNS = ["left out", "attention, even = 1", "{label} with it"]
ATTRIBUTION_GIVES = "{model} gives <b>{label}</b> {probability}."
ATTRIBUTION_WHOLES = "Left out as a whole: {parts}."
ATTRIBUTION_FOR = "Of single parts, most for it: {parts}."
ATTRIBUTION_NONE_FOR = "No single part speaks for it by itself."
ATTRIBUTION_AGAINST = "Most against it: {parts}."
ATTRIBUTION_NONE_AGAINST = "No single part speaks against it by itself."
CHOOSE_CLASS, CHOOSE_PART = "Class", "Part of the clip"
ITS_VERDICT = "its verdict"


def attribution_alike(modalities: Sequence[str]) -> str:
    """Of modalities whose parts say the same."""
    of = " and ".join(MODALITY[m] for m in modalities)
    return f"One by one the parts of {of} change little of that, because the others say the same."


def part_name(modality: str, name: str) -> str:
    """A part of a clip as a sentence says it; ``name`` is the word, or its seconds."""
    return QUOTED.format(text=name) if modality == "text" else f"{MODALITY[modality]} at {name}"


def lane_looked(modality: str) -> str:
    """Above the attention that the parts of a modality received."""
    return f"{MODALITY[modality]}: looked at"


def lane_mattered(modality: str, whole: str) -> str:
    """Above what leaving each part out changes; ``whole``: what all of it changes, "" where that is unknown."""
    return f"{MODALITY[modality]}: mattered" + (f"; all of it {whole}" if whole else "")


HOVER_LOOKED = "{part}: attention {value} × an even share"
HOVER_MATTERED = "with {part}, {label} has {value} points"
HOVER_DIFFERENCE = "{part}: cross looks {value} even shares more than self"
NO_WHOLE = "Without one of the two it says nothing, so neither can be left out as a whole."
NOT_MEASURED = "What contributed to the verdict was not measured, so there is nothing to take home."
ATTRIBUTION_SHAPLEY = """<h3>The modalities</h3>
<p class="hint">The Shapley value of each modality: how much it adds to the probability, averaged over all orders in
which the modalities could be added. By convention, without any modality all classes are equally probable. For two
modalities the table also shows what they add together beyond what each adds alone; below zero they repeat each
other.</p>"""
ATTRIBUTION_CROSS = """<h3>The modalities</h3>
<p class="hint">Cross-attention says nothing from a single modality, so Shapley values are undefined. Shown is what
each modality adds to the other two.</p>"""
ATTRIBUTION_CROSS_PAIR = """<h3>The modalities</h3>
<p class="hint">Cross-attention says nothing from a single modality, so with two of them neither has a contribution of
its own.</p>"""
ATTRIBUTION_FROM_NOTHING = "{share} for nothing at all, plus these, is {total}."
ATTRIBUTION_ON_AVERAGE = "on average"
ATTRIBUTION_TOGETHER = "say together beyond what each says"
ATTRIBUTION_PAIR = "{one} and {two}"
ATTRIBUTION_ADDED = {1: "to nothing", 2: "to the other one", 3: "to the other two"}
ATTRIBUTION_EVEN = """<h3>If attention were uniform</h3>
<p class="hint">The same models with the same weight for every moment. Where the verdict stays the same, it did not
depend on where they looked.</p>"""
ATTRIBUTION_EVEN_COLUMNS = ["as it is", "with even attention", "attention’s part in {label}"]
ATTRIBUTION_DIFFERENCE = """<h3>Cross minus self</h3>
<p class="hint">Attention that each moment receives under cross-attention less what it receives under self-attention,
in even shares: above zero the others look there more than its own modality does.</p>"""
ATTRIBUTION_UNKNOWN = (
    "This stored result does not hold the features that this section needs; press Analyse to compute them."
)

PHRASES = """<p class="hint">What was said between two pauses or in one sentence, and what both models make of that part
alone. Press one to play it.</p>"""

MANY = f"""<h3>Several clips, one table</h3>
<p>Choose up to {SAID["at_once"]} files, {SAID["megabytes"]} together. They are read one after the other, each in its
turn among all visitors' clips, and each file is deleted as soon as it has been read. Stay on this page meanwhile: the
table is yours alone and goes when you leave. A folder of any size is better read on your own machine:
<code>python scripts/analyze.py FOLDER --csv OUT.csv</code>.</p>"""
MANY_STOP = "Stop"
MANY_CSV = "CSV of the table"
CLIPS_READ = "{read} of {all} clips are read."
CLIP_COLUMN, TRUTH_COLUMN, WORDS_COLUMN = "clip", "truth", "words"
BEING_READ, WAITING = "being read", "waiting"
ROW_OPEN = "Open or close what is said of this clip"
ROW_LET_GO = "What this row can be opened for was let go because many are visiting; its line stays."
TRUTH = "Do you know what they show?"
TRUTH_HINT = """<p class="hint">Then both models can be scored. Either the names of the files say it: write
<code>{label}</code> where the label stands and <code>{anything}</code> for the rest, such as
<code>{anything}_{label}_{anything}</code> for <code>1001_DFA_ANG_XX.wav</code>. Or a table does: CSV with a file and
its label a line. Labels are the seven classes, also as <em>angry, happy, sad …</em> or <em>ANG, HAP, SAD …</em></p>"""
TRUTH_PATTERN = "Names of the files"
TRUTH_TABLE = "Table of labels …"
TRUTH_UNKNOWN = "not known"
RIGHT, WRONG = "right", "wrong"
SCORES = "How often are they right?"
SCORE_COLUMNS = [
    "", "clips", "accuracy", "balanced accuracy", "right one not ruled out", "classes not ruled out",
]  # fmt: skip
SCORES_HINT = """Of the clips whose truth is known and of which the model says anything. Balanced accuracy is the mean
of the recalls of the classes that occur; guessing gives one in seven where all of them do. Of a few clips both can be
far from what more would give."""
CONFUSION = "How many clips of each class, by line, each model takes for which class, by column"
CONFUSION_HEAD = "true"
LEFT_OUT_WHOLE = "What each gives to that, left out as a whole:"
WHOLE_HINT = "In percentage points of that class; below zero it speaks against it."
NOT_MEASURED_HERE = "What contributed to the verdict could not be measured of this clip."


def labels_read(count: int, unknown: int) -> str:
    """What was found in a table of labels."""
    found = f"{count} file{'s have' if count != 1 else ' has'} a label in this table."
    return f"{found} Lines without one of the seven: {unknown}." if unknown else found


def models_agree(agree: int, both: int) -> str:
    """How often both models say the same."""
    if not both:
        return "Of no clip do both models say anything."
    return f"Both models say the same of {agree} of {both} clips ({percent(agree / both)})."


def truth_known(known: int, read: int) -> str:
    """Of how many clips it is known what they show."""
    return f"What it shows is known of {known} of {read} clips." if known else "What the clips show is not known."


MANY_FILES = "Choose files …"
TOO_MANY = f"Left out: at most {SAID['at_once']} clips can be sent at once."

# The report that a visitor can take home

REPORT_TITLE = "Cross or self? {file}"
REPORT_HEAD = "Cross or self? A report"
REPORT_FACTS = {"clip": "Clip", "used": "Used", "models": "Models"}
REPORT_MODELS = "fusion models after Rajan, Brutti and Cavallaro (ICASSP 2022), trained on composed samples"

# What scripts say in the browser

IN_BROWSER = {
    "NotAllowedError": "The browser was not allowed to use the camera or microphone. Allow it in the address bar, or "
    "upload a video instead.",
    "NotFoundError": "No camera or microphone was found. Plug one in, or upload a video instead.",
    "NotReadableError": "The camera or microphone is in use by another program. Close it, or upload a video instead.",
    "OverconstrainedError": "This camera cannot do what was asked of it. Upload a video instead.",
    "SecurityError": "The browser only allows the camera on https pages or on this very machine. Upload a video "
    "instead.",
    "camera": "Camera and microphone could not be opened ({error}). Upload a video instead.",
    "silent": "The microphone hears nothing",
    "heard": "The microphone hears you",
    "recording": " · recording {seconds} s",
    "play": "Play the clip",
    "put_away": "Put the small clip away",
    "moment": "{name}: {label} {share} %",  # of the verdict while the clip plays
    "says": "{label} ({share} %)",
    "says_nothing": "nothing",
    "word": "“{word}”",
    "word_looks": "“{word}” at {seconds} s: what it looks at",
    "looks_most": "“{word}” looks most at: ",
    "look_audio": "Cross: voice ",
    "look_video": "Cross: face ",
    "look_text": "Self: words ",
    "look_at": "at {seconds} s",
    "look_play": "{what}, {share} × an even share: play it at half speed",
    "attention-chart": "The enlarged map of attention",
    "timeline-chart": "The clip in time with attention received",
    "course-chart": "Course of each emotion over time",
    "worth-chart": "Attention that each part received, and what leaving it out changes",
    "difference-chart": "Attention received under cross-attention less under self-attention",
}

# What the part that reads clips says: its sentence, with what changes in braces -> the same in this language

CORE = {
    same: same
    for same in (
        "reading the clip",
        "{file}: no face was found in its first second that could be the neutral one.",
        "looking for the face",
        "listening for words",
        "asking both models",
        "loading the models, once after the start",
        "waiting for a graphics card",
        "the clip has no pictures",
        "no picture could be decoded",
        "no face was found",
        "the clip has no sound track",
        "the sound track is silent",
        "no speech was heard",
        "the words were not understood",
        "the words were not understood, the language was not recognised",
        "the words are {language}, and the models read English alone",
        "switched off",
        "waiting for a voice",
        "hearing a voice",
        "reading a phrase",
        "listening has failed, only the face is read",
        "listening cannot keep up, only the face is read",
        "no sound comes from the microphone",
        "Only the first {seconds} seconds were read.",
        "There are more pictures at once than can be decoded: some were passed over.",
        "Parts of the sound track were damaged and passed over.",
        "The file's clock jumps: {time} without sound and pictures were cut out.",
        "The file's clock starts again on the way: its parts were laid one behind the other.",
        "The pictures are upside down; they were turned to read the face.",
        "The face was found in only {share} of the pictures that could have shown it.",
        "{count} faces were seen; number {number}, {place} of the picture, was chosen.",
        "{count} faces were seen; the largest and steadiest, {place} of the picture, was followed.",
        "{count} faces were seen; the largest one that moves, {place} of the picture, was followed.",
        "on the left",
        "in the middle",
        "on the right",
        "{file} is empty.",
        "{file} is cut short or damaged and cannot be read.",
        "{file} is not a media file that can be read.",
        "{file} is damaged: nothing in it could be decoded.",
        "{file} holds neither sound nor moving pictures.",
        "{file} lasts zero seconds.",
        "{file} has more or larger pictures than can be read.",
        "{file}: a face, a voice and spoken words were looked for, none was found ({why}).",
        "A pattern may have {number} characters.",
        "A pattern holds {label} once, where the name of a file says the label.",
        "A pattern may hold {anything} {number} times.",
        "A pattern knows {label} and {anything}, no other braces.",
        "A table of labels may have {number} MB.",
        "A table of labels may have {number} lines.",
        "This is no table of labels: it should be CSV as UTF-8, a file and its label a line.",
        "No line of this table says a file and one of {labels}.",
    )
}
