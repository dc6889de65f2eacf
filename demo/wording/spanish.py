"""Every sentence of the page in Spanish; names, arguments and placeholders are those of ``demo.wording.english``."""

from collections.abc import Sequence

from core import __version__
from core.experiment.published import PublishedComparison
from demo.charts.palette import percent, signed
from demo.server import limits
from demo.wording.shared import MEASURED, TourStep, measured_of_both, with_neutral_words

LANGUAGE = "es"  # as HTML names it

_NUMBERS = ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez")


def in_words(number: float) -> str:
    """3 -> "tres"; what is no whole number up to ten stays a figure."""
    return _NUMBERS[int(number)] if number in range(len(_NUMBERS)) else f"{number:g}"


def _counted(number: float, one: str, many: str) -> str:
    """(1, "una semilla", "semillas") -> "una semilla", (3, …) -> "tres semillas"."""
    return one if number == 1 else f"{in_words(number)} {many}"


SAID = {  # limits -> how the page says them
    "megabytes": f"{limits.MAX_FILE_BYTES / 1024**2:.0f} MB",
    "clip_minutes": _counted(limits.MAX_CLIP_SECONDS / 60, "un minuto", "minutos"),
    "analysis_minutes": _counted(limits.MAX_ANALYSIS_SECONDS / 60, "un minuto", "minutos"),
    "waiting": f"{limits.MAX_WAITING}",
    "at_once": f"{limits.MAX_AT_ONCE}",
    "visitors": in_words(limits.MAX_VISITORS),
    "live_share": in_words(limits.LIVE_SHARE),
    "live_minutes": _counted(limits.MAX_VISIT_SECONDS / 60, "un minuto", "minutos"),
    "come_back": "un minuto" if limits.COME_BACK == 60 else _counted(limits.COME_BACK, "un segundo", "segundos"),
    "window": in_words(limits.WINDOW),
    "hop": in_words(limits.HOP),
    "rate": in_words(limits.FRAME_RATE),
    "unsure": f"{limits.UNSURE:.0%}".replace("%", " %"),
}

# Names

LABEL = {
    "anger": "ira",
    "disgust": "asco",
    "fear": "miedo",
    "happiness": "alegría",
    "neutral": "neutral",
    "sadness": "tristeza",
    "surprise": "sorpresa",
}
MODALITY = {"text": "palabras", "video": "cara", "audio": "voz"}
MODEL = {"cross": "Atención cruzada", "self": "Autoatención"}
MODEL_TITLE = {**MODEL, "both": "Cruzada + propia", "gated": "Con compuertas"}  # of every model
SWITCH = {"video": "Cara", "audio": "Voz", "text": "Palabras"}
ALL_OF = {"text": "todas las palabras", "video": "toda la cara", "audio": "toda la voz"}
ALONE = {"text": "solo palabras", "video": "solo cara", "audio": "solo voz"}
QUOTED = "«{text}»"
COLON = ": "
UNDEFINED_CELL = "sin definir"

_THE = {"text": "las palabras", "video": "la cara", "audio": "la voz"}
_THE_MODEL = {
    "cross": "la atención cruzada",
    "self": "la autoatención",
    "both": "la cruzada con la propia",
    "gated": "la de compuertas",
}


def language_name(code: str, english: str) -> str:
    """Of the language that was spoken, by Whisper's code and its English name."""
    return _LANGUAGES.get(code, english)


def points(difference: float) -> str:
    """A difference of probabilities in percentage points: 0.0312 -> "+3.1 puntos"."""
    return f"{signed(difference * 100)} puntos"


# The page

TITLE = "¿Cruzada o propia?"
PREVIEW = (
    "Dos pequeños modelos miran la misma cara, la misma voz y las mismas palabras. En uno se miran unas a "
    "otras; en el otro, cada una solo se mira a sí misma. Vea qué dice cada modelo, y por qué. ¿Es mejor la atención "
    "cruzada que la autoatención?"
)
PREVIEW_PICTURE = "Un clip de una cara sonriente que dice palabras tristes, y qué deducen de él dos modelos"


def too_long(largest: int) -> str:
    """Why a request with more bytes than that is not read."""
    if largest >= limits.MAX_FILE_BYTES:
        return TOO_LARGE
    if not largest:
        return "Esta petición no puede llevar cuerpo."
    size = f"{largest / 1024**2:.0f} MB" if largest >= 1024**2 else f"{largest / 1024:.0f} KB"
    return f"Esta petición puede tener {size} como máximo; solo una subida puede ser mayor."


LIMITS_SHORT = "Se conjetura la expresión mostrada, no lo que alguien siente."


def how_right(held_out: dict) -> str:
    """The figures that come first: of strangers' voices and of real recordings; "" where none was measured."""
    said = ""
    if found := measured_of_both(held_out, "people", "video+audio"):
        classes = in_words(sum(recall is not None for recall in found["self"]["recall"].values()))
        said += f"""En {found["self"]["n"]} clips reales de actores que ningún modelo había visto, la cara y la voz
pusieron en primer lugar la correcta de {classes} emociones en {_shares(found)}. """
    found, whole = with_neutral_words(held_out)
    if found:
        whom = "corpus que se habían apartado por completo" if whole else "personas que se habían apartado"
        said += f"""En {found["self"]["n"]} enunciados compuestos con voces actuadas de {whom},
caras que ningún codificador había visto y frases que no dicen nada, la correcta de siete emociones quedó en primer
lugar en {_shares(found)}; espere menos cuando nadie actúa. """
    return said


def _shares(found: dict) -> str:
    cross, own = (percent(found[model]["accuracy"]) for model in ("cross", "self"))
    return f"el {cross} (atención cruzada) y el {own} (autoatención)"


def our_answer(found: PublishedComparison | None) -> str:
    """What the paper's configurations gave here; without numbers where the report is not there."""
    if found is None:
        return (
            "Pusimos a prueba todas sus configuraciones con enunciados compuestos; las cifras están en el informe del "
            "proyecto."
        )
    decided = "No está decidido: no se puede demostrar ni una diferencia ni una igualdad."
    conclusion = decided if found.conclusion == "undecided" else f"En resumen: {_concluded(found.conclusion)}."
    return (
        "Pusimos a prueba todas sus configuraciones con enunciados compuestos, "
        f"{_counted(found.folds, 'una partición', 'particiones')} y {_counted(found.seeds, 'una semilla', 'semillas')}:"
        " con cara, voz y palabras, la atención cruzada menos la autoatención da "
        f"{signed(found.difference)} puntos de exactitud equilibrada, intervalo del 95 % de {signed(found.low)} a "
        f"{signed(found.high)}. {conclusion}"
    )


def answer_in_short(found: PublishedComparison | None) -> str:
    """The title's question, answered in one line."""
    ours = "la nuestra está en el informe del proyecto"
    if found is not None:
        ours = f"la nuestra: {_concluded(found.conclusion)}"
    return f"Entonces, ¿cruzada o propia? La respuesta del artículo: ninguna diferencia significativa; {ours}."


def _concluded(conclusion: str) -> str:
    """ "undecided", "self is better but equivalent within 2 points", … of the experiment's report."""
    if conclusion == "one fold: no inference":
        return "una sola partición: no se puede inferir nada"
    return ", pero ".join(_concluded_part(part) for part in conclusion.split(" but "))


def _concluded_part(part: str) -> str:
    if part == "undecided":
        return "sin decidir"
    if part.endswith(" is better"):
        name = part.removesuffix(" is better")
        return f"es mejor {_THE_MODEL.get(name, name)}"
    if part.startswith("equivalent within "):
        margin = part.removeprefix("equivalent within ").removesuffix(" points")
        return f"son equivalentes con un margen de {margin} puntos"
    return part


LIMITS_BEHIND = f"""{how_right(MEASURED)}Los modelos aprendieron sobre todo
de muestras <em>compuestas</em>: la voz de un actor, una imagen de otra cara y una frase de una serie de televisión,
unidas porque llevan la misma etiqueta. Se equivocan a menudo, y de forma distinta con personas distintas.
Por favor, no juzgue a nadie por lo que digan."""
LIMITS = f"<strong>{LIMITS_SHORT}</strong> {LIMITS_BEHIND}"

TABS = {"clip": "Un clip", "several": "Varios", "live": "En vivo", "about": "¿Qué es esto?"}
INTRODUCTION = """Dos pequeños modelos leen el mismo clip. En uno, la cara, la voz y las palabras se miran <em>entre
sí</em>; en el otro, cada una solo se mira <em>a sí misma</em>."""
INTRODUCTION_MORE = "Más"
INTRODUCTION_KEPT = f"""Su clip permanece en este servidor solo mientras usted lo mira, y se borra {SAID["come_back"]}
después de que se vaya, o al cabo de una hora."""
NOTICE = """<p class="notice" role="note"><strong>Esta página infiere emociones</strong> a partir de la cara, la voz y
las palabras. Grabe solo a personas que lo sepan y estén de acuerdo. En la Unión Europea es obligatorio informar a las
personas, y está prohibido inferir las emociones de alumnos o empleados.</p>"""
FILE_NOTES = {  # of a file that was chosen or dropped
    "other": "«{name}» no es ni un vídeo ni un archivo de sonido, así que no hay nada que ver ni que oír.",
    "empty": "«{name}» está vacío: no contiene nada.",
    "large": f"«{{name}}» es más grande de lo que admite esta página: {SAID['megabytes']} de clip.",
}

CAPTURE = "Su clip"
SOUND = "Subir audio"
SOUND_TRACK = "Sonido"
SOURCE_RECORD, SOURCE_UPLOAD = "Grabar", "Subir"  # below the pictures of gradio's own buttons
ANALYSE, STOP = "Analizar", "Parar"
STORED = "Un ejemplo con su resultado guardado. Pulse Analizar para que los modelos lo lean otra vez."
KEPT = "Su último clip y su análisis, de antes de que esta página se volviera a cargar."
NOT_KEPT = (
    f"Su último clip ya no está aquí: una visita se conserva durante {SAID['come_back']} después de abandonar su "
    "página. En su lugar se muestra el ejemplo."
)
IDLE = (
    "Lo que mejor funciona son unos segundos de una sola persona que habla en inglés, en vídeo o solo con sonido. "
    "La grabación se detiene al pulsar el botón otra vez."
)
BOUNDS = f"""<details class="hint"><summary>Cómo puede ser un clip</summary><p>{SAID["megabytes"]} como máximo; de un
clip se leen los primeros {SAID["clip_minutes"]}, y durante {SAID["analysis_minutes"]} como máximo. Se lee un clip a la
vez; {SAID["waiting"]} pueden esperar.</p></details>"""
NO_CLIP = "Aquí no hay ningún clip: grabe uno, súbalo o elija un ejemplo. Los clips se conservan una hora como máximo."
LET_GO = "Este análisis se descartó porque hay muchas visitas; analice el clip otra vez."
LOST_CLIP = "Este clip se ha borrado (los clips se conservan una hora como máximo): grábelo o súbalo de nuevo."
STOPPED = "Detenido. El clip sigue aquí; pulse Analizar para empezar de nuevo."
TOO_SLOW = (
    f"La lectura de este clip tardó más de {SAID['analysis_minutes']} y se abandonó; con uno más corto debería "
    "funcionar."
)
NO_FILE = "No se envió ningún clip."
HUNG_UP = "Quien lo pidió se ha ido; el análisis se detuvo."
NO_LENGTH = "Una petición debe indicar su longitud."
TOO_LARGE = f"Esto es más grande de lo que admite esta página: {SAID['megabytes']} de clip."
TOO_COMPLEX = f"Esta petición contiene más de {limits.MAX_VALUES:,} valores.".replace(",", "\u202f")
NO_ROOM = "En este momento el servidor no tiene sitio para más clips; inténtelo más tarde."
TOO_MANY_REQUESTS = "Se piden demasiadas cosas a la vez desde esta dirección; inténtelo de nuevo en un momento."
TOO_MANY_UPLOADS = "Hay demasiadas subidas en curso desde esta dirección; espere a que lleguen algunas."
NO_UPLOAD = "No hay ninguna subida con este nombre."
NO_FORM = (
    "Una subida debe ser un formulario (multipart/form-data) cuyo campo «files» contenga los archivos, cada uno con "
    "un nombre."
)
NO_JSON = "El cuerpo de una petición debe ser JSON (Content-Type: application/json)."
HOW_TO_UPLOAD = (
    'Primero hay que enviar el archivo a este servidor: como multipart/form-data en el campo "files", con POST a '
    "/gradio_api/upload. La respuesta es una lista con su ruta; indique esa ruta, o "
    "http://SERVER/gradio_api/file=PATH."
)
NO_ADDRESS = f"No se aceptan archivos de otros servidores ni direcciones data:. {HOW_TO_UPLOAD}"
NOT_UPLOADED = "Este archivo no se subió a esta página: primero grábelo o súbalo."
OTHER_HOST = (
    "Este servidor no responde al nombre que figura en esta dirección. Quien lo administra puede añadir el nombre: "
    "python app.py --allow-host NAME"
)
OTHER_SITE = "Esta petición viene de otro sitio; solo pueden enviarla esta misma página y los programas."
NOT_SERVED = "Aquí no hay nada."
UNFIT = "Lo que se envió no encaja con esta página; vuelva a cargarla e inténtelo de nuevo."
FAILED = "Algo salió mal con esta petición."
UNSAFE_PAGE = "Esta página no se envió, porque otros podrían haber adivinado el nombre de su sesión."
NO_EXAMPLE = "Este ejemplo no se puede mostrar en este momento; elija otro."
WHICH_MODALITIES = (
    'Diga qué modalidades se pueden usar: una lista con una o varias de estas: "text", "video" y "audio".'
)
BROKEN = "Algo salió mal al leer este clip; con otro debería funcionar."
WORDS_FOLLOW = "Por ahora, según la cara y la voz; las palabras aún se están leyendo."
READ_IN = "{duration} segundos de clip, leídos en {took} segundos."
NOTHING_USED = "No hay nada en que basarse ({reasons})."


def visit_has_its_share(count: int, clips: bool) -> str:
    """Who already has so many clips (or other things asked for) in line is told to wait."""
    if clips:
        return f"Ya tiene {count} clips en espera, el máximo para una visita; espere a que se lea alguno."
    return "Ya ha pedido esto varias veces; espere las respuestas."


def address_has_its_share(count: int, clips: bool) -> str:
    """As ``visit_has_its_share``, of everybody who comes from the same address."""
    if clips:
        return (
            f"Ya hay {count} clips en espera desde su dirección, el máximo por dirección; inténtelo de nuevo en un "
            "minuto."
        )
    return "Ya se han pedido muchas cosas desde su dirección; inténtelo de nuevo en un minuto."


def line_is_full(count: int, clips: bool) -> str:
    """Nobody is let in at the moment."""
    what = "clips" if clips else "peticiones de este tipo"
    return f"Ya hay {count} {what} en espera, el máximo que admite este servidor; inténtelo de nuevo en unos minutos."


ALL_OFF = "Todo está desactivado, así que no hay nada en que basarse. Active al menos una modalidad."
UNDEFINED = "Sin definir: con una sola modalidad no hay ninguna otra a la que mirar."
INSTEAD = "La atención cruzada no está definida aquí; esto es la autoatención."

NEUTRAL_SECOND = "Este clip empieza con un segundo de mi rostro neutro: comparar con él"
FROM_NEUTRAL = "El rostro se compara ahora con el rostro neutro del primer segundo del clip."
NOT_FROM_NEUTRAL = "El rostro se toma de nuevo tal como es."
MORE = "Más modelos: los dos tipos de atención juntos, y una compuerta que los mezcla"
NO_MORE = "Este resultado guardado no contiene lo que leerían más modelos; pulse Analizar para calcularlo."
GATES = "Lo que cada una toma de la otra; el resto es de sí misma"


def gate(query: str, key: str, share: str) -> str:
    """How much one modality takes from another, where a gate mixes."""
    one, other = MODALITY[query], MODALITY[key]
    takes, rest = ("toman", "ellas mismas") if query == "text" else ("toma", "sí misma")
    return f"{one} → {other}: el {share} de lo que {takes} {_THE[query]} viene de {_THE[key]}, el resto de {rest}"


SWITCHES = "Los modelos usan"
WHOSE = "¿Qué cara cuenta?"
PLACES = {"left": "a la izquierda", "middle": "en el centro", "right": "a la derecha"}


def person(number: int, place: str, pictures: int, start: str, end: str) -> str:
    """One of several persons: "2: a la izquierda, en 40 imágenes, 0.0–6.7 s"; ``place`` is a key of ``PLACES``."""
    return f"{number}: {PLACES[place]}, en {pictures} {'imágenes' if pictures > 1 else 'imagen'}, {start}–{end} s"


FACE_NUMBER = "cara {number}"
GHOSTS = "Contornos: con todo activado. Barras: con lo que está activado ahora."
NOT_SURE = "ninguna clase destaca"


HARDLY_RULED_OUT = "la mayoría de las clases no quedan descartadas"


def not_ruled_out(others: Sequence[str]) -> str:
    """The other classes of a prediction set."""
    return f"o {' o '.join(LABEL[other] for other in others)}"


def with_everything_on(arrow: str, before: str, other: str | None) -> str:
    """What a model said before something was switched off; ``other``: the label, where it was another one."""
    return f"{arrow} {before} con todo activado" + (f", cuando decía {LABEL[other]}" if other else "")


def bar_title(label: str, share: float, difference: float | None) -> str:
    """What a bar says when it is pointed at; ``difference`` to what was said with everything on."""
    said = f"{LABEL[label]} {share:.3f}"
    if difference is None:
        return said
    return f"{said}, {abs(difference):.3f} {'más' if difference >= 0 else 'menos'} que con todo activado"


ALL_SEVEN = "{model}, las siete: {each}."  # for screen readers
ONLY_SELF = "Solo la autoatención puede responder: {label}."
BOTH_SAY = "Los dos dicen <b>{label}</b>."
THEY_DISAGREE = "<b>No coinciden.</b> La atención cruzada dice {cross}; la autoatención, {own}."


SECTIONS = {  # parts of the page that open and close
    "time": "El clip en el tiempo",
    "attention": "Adónde miraron",
    "worth": "¿Qué contribuyó al veredicto?",
    "matrix": "Cada parte sola, cada par junto",
    "seen": "Palabras y caras",
    "course": "El curso de cada emoción",
    "phrases": "Frase por frase",
    "export": "Para llevar",
}

USING = "con"
NEEDS_TWO = "necesita dos"
MATRIX_CAPTION = "Veredictos de cada modelo para las siete combinaciones"


def absent(modalities: Sequence[str]) -> str:
    """Why a combination is not there: "sin cara ni palabras en este clip"."""
    return f"sin {' ni '.join(MODALITY[m] for m in modalities)} en este clip"


MATRIX = """<p class="hint">Las siete combinaciones con los dos modelos. Cada franja contiene las siete probabilidades
en los colores de las barras; la clase escrita es la más probable.</p>"""

ATTENTION = """<p class="hint">Cada mapa pequeño es una cabeza de una dirección: una fila pregunta, una columna
responde, y todos se dibujan con una misma escala, oscuro para nada y lo más claro para seis partes uniformes o más.
Primero van las cabezas que señalan momentos concretos y, entre ellas, aquellas en las que importa <em>quién
pregunta</em>. Pulse un mapa para ampliarlo. En el grande, cada fila suma 1; la marca de la escala es el peso
<em>uniforme</em>, lo que recibe cada momento cuando nada destaca, y un clic en una celda reproduce lo que se mira. La
atención dice qué se mezcló en el resultado, no por qué salió ese resultado.</p>"""
MAPS = "Todos los mapas, primero los más reveladores: con las flechas se recorren, con Intro se amplían"
ALIKE = "todos miran los mismos momentos"
ALIKE_SENTENCE = "Todos miran los mismos momentos."
ALIKE_WHY = "Aquí apenas importa quién pregunta, así que se dibuja una sola línea para todas las filas."
ROWS_DIFFER = "Aquí importa quién pregunta."
HEAD_WORTH = {  # whose map it is; 1, 0 or -1: what it looks at most is worth more than others, no more, less
    ("head", 1): """En {clips} clips, los momentos que más mira esta cabeza valieron más que los demás: omitir uno bajó
la probabilidad del veredicto en {top} puntos; omitir un momento cualquiera, en {all} de media.""",
    ("head", 0): "En {clips} clips, los momentos que más mira esta cabeza no valieron más que los demás.",
    ("head", -1): """En {clips} clips, los momentos que más mira esta cabeza valieron menos que los demás: omitir uno
bajó la probabilidad del veredicto en {top} puntos; omitir un momento cualquiera, en {all} de media.""",
    ("mean", 1): """En {clips} clips, los momentos que más miran estas cabezas juntas valieron más que los demás:
omitir uno bajó la probabilidad del veredicto en {top} puntos; omitir un momento cualquiera, en {all} de media.""",
    ("mean", 0): "En {clips} clips, los momentos que más miran estas cabezas juntas no valieron más que los demás.",
    ("mean", -1): """En {clips} clips, los momentos que más miran estas cabezas juntas valieron menos que los demás:
omitir uno bajó la probabilidad del veredicto en {top} puntos; omitir un momento cualquiera, en {all} de media.""",
}
HEAD_WORTH_SOURCE = "Medido con {corpus}, {date}"
SCALE = "Qué muestra un mapa"
CHOOSE_MODEL, CHOOSE_PAIR, CHOOSE_HEAD = "Modelo", "Quién mira a quién", "Cabeza"
ALL_HEADS = "media de todas"
ALL_HEADS_SHORT = "media"


def head(number: int) -> str:
    """A head, counted from 0; below that the mean of all."""
    return "media de todas las cabezas" if number < 0 else f"cabeza {number + 1}"


SHARPNESS = """{shown}: como máximo <b>{highest} ×</b> la parte uniforme; de media, una fila reparte su atención entre
<b>{spread}</b> de {steps} momentos{nearly}."""
NEARLY_EVENLY = " – casi por igual"
AT_MOST = "{shown}: como máximo {highest} × la parte uniforme"  # a small map
_AT = {"text": "la palabra", "video": "la cara a los", "audio": "la voz a los"}  # before a word or seconds


def map_query(modality: str) -> str:
    """Beside the rows of a map."""
    return f"↓ consulta: la {_ONE[modality]} que mira"


def map_key(modality: str) -> str:
    """Below the columns of a map."""
    return f"clave: la {_ONE[modality]} mirada →"


_ONE = {"text": "palabra", "video": "cara", "audio": "voz"}
MAP_ALIKE = {  # above a line that stands for all rows
    "text": "todas las palabras miran los mismos momentos",
    "video": "todas las caras miran los mismos momentos",
    "audio": "toda la voz mira los mismos momentos",
}
UNIFORM = "▲ uniforme {weight}"  # on the scale of a map
AS_ALL_ROWS = "como todas"  # on the scale of differences


def cell_weight(query: str, key: str, row: str, column: str, value: str, by_length: bool) -> str:
    """What a cell of a map says when it is pointed at; ``row`` and ``column`` are words or seconds."""
    what = "proporción de lo que se transmite" if by_length else "peso"
    return f"{_AT[query]} {row} atiende a {_AT[key]} {column}, {what} {value}"


def cell_difference(query: str, key: str, row: str, column: str, value: str) -> str:
    """As ``cell_weight``, where a map shows only what differs between rows."""
    return f"{_AT[query]} {row} atiende a {_AT[key]} {column} {value} partes uniformes más que la fila media"


def cell_alike(key: str, column: str, value: str) -> str:
    """As ``cell_weight``, where one line stands for all rows."""
    return f"todas las filas atienden a {_AT[key]} {column} con {value} × la parte uniforme"


SCALES = {"weights": "pesos de atención", "lengths": "peso × longitud de lo que se transmite"}
LENGTHS = """<p class="hint">Un peso por sí solo engaña donde se transmite poco. La segunda escala multiplica cada peso
por la longitud de lo que la cabeza transmite de ese momento, es decir, su valor tras la parte de la proyección de
salida que corresponde a la cabeza, y reparte de nuevo cada fila.</p>"""
NO_LENGTHS = "Las longitudes de lo que se transmite no se guardaron con este resultado; se muestran los pesos."
DIFFERING = "Solo lo que difiere entre filas (un peso menos la media de su columna)"

TIMELINE = """<p class="hint">La línea de color es la atención que recibió cada momento; la de puntos, la parte
uniforme. Haga clic en un momento para reproducir desde ahí. Señale o toque una palabra: unos arcos llevan a lo que más
mira, arriba con la atención cruzada (voz; a trazos: cara), abajo con la autoatención; haga clic en un extremo para
reproducirlo a media velocidad.</p>"""

IN_TIME = "En el tiempo"
HOVER_WORD = "«{word}» {start}–{end} s"
HOVER_COURSE = "{model}, {span}<br>{label} {value}"


def hover_received(modality: str, seconds: str, value: str) -> str:
    """What the line of attention says of a moment."""
    receives = "reciben" if modality == "text" else "recibe"
    return f"{_THE[modality]} a los {seconds} s {receives} {value} × la parte uniforme"


COURSE = f"""<p class="hint">El clip en ventanas de {SAID["window"]} segundos, una nueva cada {SAID["hop"]}. Haga clic
en una ventana para reproducirla.</p>"""

EXPORT = """<p class="hint">Se hace cuando se pide y se entrega directamente a su navegador: aquí no se guarda nada.
El informe es un solo archivo que se abre sin internet; contiene pequeñas imágenes de la cara.</p>"""

TRANSCRIPT = "Transcripción"
WORDS = "Palabras"
NO_WORDS = "No se oyeron palabras."
WORD_TITLE = "{start}–{end} s, seguridad de Whisper: {sure}"
FACES = "Caras"
FACE = "Cara"
FACE_AT = "cara a los {seconds} s"
FACES_FOUND = "Encontrada en {found} de {total} fotogramas."
NO_FACE = "No se encontró ninguna cara."


def not_recognised(some: bool) -> str:
    """Of speech whose language is not known; ``some``: other words were understood."""
    which = "Parte de lo que se dijo" if some else "Lo que se dijo"
    return f"{which} no se entendió, y no se reconoció su idioma."


def other_language(code: str, name: str, sure: str) -> str:
    """Of words that the models do not use; ``code`` and ``name`` are those of their language in Whisper."""
    unclear = ", no lo bastante claro para los modelos" if code == "en" else ""
    why = "" if code == "en" else ": leen inglés"
    return (
        f"{language_name(code, name)}{unclear} (seguridad de Whisper sobre el idioma: {sure}). "
        f"Los modelos no usan estas palabras{why}."
    )


PHRASES_NAME = "Frases"
PHRASES_SAID = "se dijo"

MISSING = {
    "video": "Sin cara en que basarse",
    "audio": "Sin voz en que basarse",
    "text": "Sin palabras en que basarse",
}

EXAMPLES = {  # file in demo/examples -> button
    "glad": "Alegre: sonrisa, voz viva, palabras alegres",
    "angry": "Palabras de ira, ceño hecho por deformación",
    "contradiction": "Contradicción: una sonrisa dice palabras tristes",
    "moods": "Ánimos: alegre, sorprendida, airada, triste en 24 segundos",
}


GUESSES = {"contradiction": "Ella sonríe y dice que su perro ha muerto. ¿Qué dirán los modelos?"}  # by example
GUESS_FIRST = "Primero, adivine"
GUESS_SKIP = "Ver la respuesta"
GUESS_RIGHT = "Correcto."
GUESS_WRONG = "Esta vez no."


def guess_alone(each: Sequence[tuple[str, str, str]]) -> str:
    """What each modality says alone: its name, its label and how probable that is."""
    said = [f"{_THE[m]} {'dicen' if m == 'text' else 'dice'} {LABEL[label]} ({p})" for m, label, p in each]
    return f"Por separado, {', '.join(said)}."


def guess_same(label: str, probabilities: Sequence[str], sides: Sequence[str]) -> str:
    """Both models say the same; ``sides`` are the modalities that say it alone."""
    return f"De todo junto, los dos modelos dicen {LABEL[label]} ({' y '.join(probabilities)}): {_won(sides)}."


def guess_different(each: Sequence[tuple[str, str, str, Sequence[str]]]) -> str:
    """The models differ: of each its name, its label, how probable that is, and the modalities that say it alone."""
    said = [f"{_THE_MODEL[model]} dice {LABEL[label]} ({p}): {_won(sides)}" for model, label, p, sides in each]
    return f"De todo junto, {'; '.join(said)}."


def _won(sides: Sequence[str]) -> str:
    """["video"] -> "ganó la cara"."""
    if not sides:
        return "ninguna de las tres dijo eso por separado"
    won = "ganó" if list(sides) in (["video"], ["audio"]) else "ganaron"
    return f"{won} {' y '.join(_THE[side] for side in sides)}"


EXAMPLES_HINT = """<p class="hint">Ejemplos hechos con un retrato de dominio público (NASA), movido por deformación, y
una voz sintética. La astronauta nunca dijo nada de esto ni puso estas caras.</p>"""

RECORDER = {  # what is said over the clip while it is recorded with one press
    "wait": "Abriendo la cámara y el micrófono …",
    "count": "La grabación empieza en",
    "cancel": "Cancelar",
    "stop": "Parar",
    "recording": "Grabando",
    "neutral": "Ponga cara neutra …",
}
RECORDER_NEUTRAL = "El último segundo muestra mi rostro neutro, para comparar"
AGAIN = "Decirlo de otra forma"
CHALLENGE = "Un reto"
CARD = "Una imagen para enviar"
TAKES_WAITING = (
    "La toma A queda guardada. Ahora diga la misma frase de otra forma: con otra cara, con otra voz o con ambas."
)
FORGET_TAKES = "Olvidar la primera toma"
COMPARED = "Dos tomas de una frase"
TAKES_COLUMNS = ["", "A", "B", "cambio en puntos"]
TAKE_NONE = "sin veredicto"
MOST_CHANGED = {
    "text": "Por separado, lo que más cambió fueron las palabras.",
    "video": "Por separado, lo que más cambió fue la cara.",
    "audio": "Por separado, lo que más cambió fue la voz.",
}
NOTHING_CHANGED = "Por separado, nada cambió ni un punto."
UNCHANGED = "nada"
TAKES_WORDS = "Las palabras de A, encima de las de B; pulse una de B para reproducirla."
CHALLENGE_SAYS = "The dogs are sitting by the door."  # English in all languages: the models read no other
CHALLENGE_ASKS = (
    f"Diga en inglés «{CHALLENGE_SAYS}» de modo que su cara y su voz no coincidan: sonría, y que la voz suene a ira."
)
CHALLENGE_WON = "No coinciden: por separado, la cara dice {face} y la voz dice {voice}. Lo ha conseguido."
CHALLENGE_LOST = "Todavía no: por separado, la cara dice {face} y la voz dice {voice}."
CHALLENGE_NEEDS_BOTH = "En este clip falta la cara o la voz, así que no pueden discrepar."
CARD_FACE = "con la imagen que el clip muestra ahora"
CARD_SHARE = "Enviar"
CARD_SAVE = "Guardar la imagen"
CARD_CLOSE = "Cerrar"
CARD_HINT = "Se dibuja en su navegador. No se envía nada hasta que usted la envíe."
CARD_PICTURE = "La imagen tal como se enviará"
CARD_NONE = "sin veredicto"

DOWNLOADS = {
    "json": "JSON",
    "csv": "CSV de ventanas y frases",
    "worth": "CSV de contribuciones",
    "html": "Informe (HTML)",
}

WELCOME = "<h3>Qué va a ver</h3><p>Dos veredictos, uno junto al otro, y la atención que hay detrás de cada uno.</p>"


TOUR_NAME = "Visita guiada"
TOUR_PLACE = "{step} de {steps}"
TOUR_CLOSE, TOUR_BACK, TOUR_NEXT, TOUR_DONE = "Cerrar", "Atrás", "Seguir", "Listo"
TOUR = {  # by step; <b data-say="…"> is filled with what a model says there, and stays as it is
    "models": TourStep(
        "Dos modelos, un clip",
        """Los dos leen la misma cara, la misma voz y las mismas palabras. En la atención cruzada, cada una mira a las
        otras dos, en seis direcciones; en la autoatención, cada una solo se mira a sí misma. De este clip, la atención
        cruzada dice <b data-say="cross"></b>; la autoatención, <b data-say="self"></b>.""",
    ),
    "switches": TourStep(
        "Desactive algo",
        """Un interruptor quita la cara, la voz o las palabras a los dos modelos; los contornos conservan lo que se
        dijo con todo activado. Si queda una sola, no hay a quién mirar, y la atención cruzada no tiene respuesta.""",
        press="Desactivar la cara",
        back="Volver a activar la cara",
    ),
    "head": TourStep(
        "Una cabeza",
        """Cada modelo mira con varias cabezas a la vez; los mapas pequeños las muestran todas, y el más revelador está
        en grande. Una fila es el momento que mira; una columna, lo que mira; se dibuja una sola línea donde todos miran
        los mismos momentos. Una cabeza sola puede ser selectiva aunque la media de todas sea casi uniforme. Esto es
        lo que se mezcló en el veredicto, no por qué salió.""",
        press="Mostrar la media de todas las cabezas",
        back="Volver a la cabeza más reveladora",
    ),
    "contradiction": TourStep(
        "Cuando se contradicen",
        """Por separado, la cara dice <b data-say="self video"></b>; la voz, <b data-say="self audio"></b>, y las
        palabras, <b data-say="self text"></b>. Las filas de abajo muestran quién cede ante quién, y dónde se separan
        los dos modelos.""",
        press="Ver el ejemplo en que una sonrisa dice palabras tristes",
    ),
    "answer": TourStep(
        "La respuesta del artículo, y la nuestra",
        """Con IEMOCAP, Rajan, Brutti y Cavallaro no encontraron ninguna diferencia significativa entre los dos.
        {answer} Un solo clip tampoco puede decidirlo.""",
    ),
}

FIGURE = {  # the paper's figure in words
    "self": "Las palabras, la cara y la voz se miran cada una a sí misma.",
    "cross": "Cada una mira a cada una de las otras dos.",
}
FIGURE_REST = "La media y la desviación entre los flujos van a un clasificador con siete clases."
FIGURE_STREAMS = "entre {count} flujos"
FIGURE_MEAN = ("media +", "desviación")  # one line each, of ten letters at most
FIGURE_CLASSES = "7 clases"
EXPLANATION = f"""
<div class="explain">
<h2>¿Qué estoy viendo?</h2>
<p>Cinco pasos con el clip que está puesto, el suyo o el ejemplo: {{start}}</p>
{{figure}}
<p>Un clip se convierte en tres secuencias: las <b>palabras</b> (Whisper las escribe, MiniLM las lee), la <b>cara</b>
(buscada en {SAID["rate"]} imágenes por segundo, leída por una red pequeña) y la <b>voz</b> (oída por lo que empezó
siendo el oído de Whisper y siguió aprendiendo de voces en cuatro idiomas). Después los dos modelos se separan. En la
<b>autoatención</b>, o atención propia, cada momento de una modalidad puede mirar cualquier momento de <em>la misma</em>
modalidad; en la <b>atención cruzada</b>, solo a <em>las demás</em>: las palabras a la cara, las palabras a la voz,
etcétera, seis direcciones. Cada dirección da un flujo; la media y la desviación estándar entre los flujos van a un
mismo clasificador.</p>
<details><summary>Cómo leer la página</summary>
<ul>
<li>Las <b>probabilidades</b> son las de los propios modelos, calibradas con personas y corpus que se habían apartado.
Cuando ninguna llega al {SAID["unsure"]}, la página dice que ninguna clase destaca.</li>
<li><b>«ira o asco»</b>: no hay base para una sola clase. Se nombran tantas como hacen falta para que la correcta esté
entre ellas en nueve de cada diez clips que se habían apartado; la ficha de los modelos dice con qué frecuencia lo está
en los de desconocidos.</li>
<li>Los <b>contornos</b> de las barras muestran lo que se dijo con todo activado, después de que usted desactive algo.
Mientras se reproduce un clip de varias frases, una marca en cada barra es el veredicto de la frase.</li>
<li>Los <b>mapas</b> muestran los pesos de atención tal como los calcularon los modelos, por cabeza o como media de
todas las cabezas; una sola línea donde todos miran los mismos momentos. Dicen qué se mezcló, no qué importó.</li>
<li>Una modalidad que no se encontró está <b>ausente</b>: se deja fuera del modelo, no se sustituye por silencio ni por
negro.</li>
</ul></details>
<details><summary>Límites</summary>
<p>{LIMITS}</p>
<p>Siete clases son una rejilla tosca sobre caras y voces, sacada de material actuado; las personas muestran lo que
sienten de maneras distintas, y a menudo no muestran nada o muestran otra cosa. Los acentos, edades, tonos de piel,
gafas, barbas, pañuelos en la cabeza, dialectos y discapacidades que son raros en los datos de entrenamiento empeoran
las conjeturas. Usar un modelo así con alguien en el trabajo, en la escuela, en una frontera o ante un tribunal estaría
mal aunque acertara más a menudo; en la Unión Europea está prohibido inferir las emociones de alumnos y
empleados.</p></details>
<details><summary>Con un lector de pantalla o sin ratón</summary>
<p>Cada veredicto está escrito con sus siete probabilidades, las siete combinaciones son una tabla sencilla, la
transcripción es texto cuyas palabras son botones, las caras llevan su tiempo, y cada interruptor y cada opción es un
control de formulario con etiqueta que funciona con el teclado; también las secciones y la visita guiada, que se cierra
con Escape. Los errores y el progreso se anuncian. A los mapas y a las palabras se llega con las flechas, y dicen lo que
muestran; sus números están en el archivo JSON.</p></details>
</div>"""

LIVE_HINT = """Cámara y micrófono, de forma continua. La cara se lee varias veces por segundo; la voz, más o menos una
vez por segundo; las palabras, cuando termina una frase. Las imágenes y el sonido se olvidan a los pocos segundos y
nunca se convierten en archivos. Una conjetura sobre la expresión mostrada, hecha con datos de entrenamiento
compuestos: se equivocará. Una etiqueta se mantiene hasta que otra la supera con claridad o lleva un momento por
delante; las barras muestran cada cambio."""
LIVE_FOLLOW = "Seguir a esta persona"
LIVE_SEVERAL = "Toque una cara para que se lea a esa persona."
LIVE_FULL = f"""Ya hay {SAID["visitors"]} visitantes en vivo, que es todo lo que puede esta máquina; inténtelo más tarde
o grabe un clip."""
LIVE_SHARED = f"""Desde su dirección ya hay {SAID["live_share"]} visitantes en vivo, el máximo por dirección; inténtelo
más tarde o grabe un clip."""
LIVE_OVER = """Esta sesión en vivo ha terminado: durante un rato no llegó nada desde aquí, o el servidor se reinició.
Pulse Empezar para abrir otra."""
LIVE_NOTHING = (
    "Durante un minuto no hubo nada que ver ni que oír, así que esta sesión en vivo ha terminado; pulse Empezar para "
    "abrir otra."
)
LIVE_LONG = f"Esta sesión en vivo ha durado {SAID['live_minutes']}, la duración máxima; pulse Empezar para abrir otra."
LIVE_TWICE = (
    "El navegador envió el momento siguiente antes de que se respondiera al anterior; pulse Empezar para comenzar de "
    "nuevo."
)
LIVE_OFFLINE = "Se perdió la conexión: este dispositivo no está en línea. Pulse Empezar cuando vuelva a estarlo."
LIVE_LOST = "El servidor no responde: quizá se esté reiniciando. Pulse Empezar dentro de un momento."
LIVE_REFUSED = "El servidor rechazó lo que envió el navegador; vuelva a cargar la página y pulse Empezar."
LIVE_NO_CAMERA = "Sin iniciar: no se pudieron abrir la cámara y el micrófono."
LIVE_NO_SOUND = "El navegador no pudo leer el micrófono; con otro navegador debería funcionar."
LIVE_BROKEN = "Algo salió mal al leer este momento; pulse Empezar para comenzar de nuevo."
NEUTRAL = "Medir tres segundos neutrales"
NEUTRAL_HINT = """A un modelo, una cara en reposo puede parecerle de ira, y una voz, de tristeza, siempre de la misma
manera. Se miden tres segundos neutrales suyos, y lo que cada modelo dijo de ellos se resta de los logaritmos de lo que
dice después: las barras muestran entonces qué ha cambiado desde ese momento, y todas son iguales mientras no cambie
nada. Se olvida cuando usted para."""
LIVE_COURSE = """Para cada momento, la clase más probable en su color, con una altura igual a su probabilidad. Los
huecos son momentos sin veredicto."""
LIVE_BAD = "El navegador envió algo que no es una imagen con sonido."
LIVE_CAMERA = "Su cámara"
LIVE_START = "Empezar"
LIVE_IDLE = "Sin iniciar."
LIVE_MINUTE = "El último minuto"
LIVE_NOTHING_YET = "{model}: nada todavía"
LIVE_SAID = {  # what the browser itself finds out
    "stop": "Parar",
    "opening": "Abriendo la cámara y el micrófono …",
    "camera": LIVE_NO_CAMERA,
    "sound": LIVE_NO_SOUND,
    "offline": LIVE_OFFLINE,
    "lost": LIVE_LOST,
    "refused": LIVE_REFUSED,
    "ended": "Se perdió la cámara o el micrófono.",
    "stopped": "Detenido. No se guardó nada.",
    "left": "Detenido.",
    "hidden": "Detenido: se salió de la pestaña.",
    "without": "Sin la línea de base",
    "measuring": "Cara y voz neutrales …",
    "compared": "Comparado con sus segundos neutrales: barras iguales significan como entonces.",
    "apart": "Sin comparar: estas partes no estaban juntas en sus segundos neutrales.",
    "as_then": "como en sus segundos neutrales",
    "needs_two": "sin definir: necesita dos",
    "nothing": "nada en que basarse",
    "face": "hay una cara en la imagen",
    "no_face": "ninguna cara en la imagen",
    "doing": "{rate} imágenes por segundo · {face} · {doing} · {milliseconds} ms por paso",
    "dropped": " · {seconds} s de sonido descartados",
    "none": "sin veredicto todavía",
    "course": "{model}, reparto del último minuto: {said}",
}

COPY_LINK = "Copiar enlace a esta vista"
COPY_LINK_DONE = "El enlace está copiado"
COPY_LINK_HINT = "Un enlace contiene qué ejemplo se muestra y cómo, nunca un clip suyo."
CLASS_BAR = {  # the class view: its buttons
    "name": "Vistas, una tras otra",
    "back": "Atrás",
    "next": "Siguiente",
    "save": "Guardar esta vista",
    "clear": "Olvidar las guardadas",
    "leave": "Salir de la vista de aula",
}

FOOTER = f"""<footer id="about-foot"><p>Según V. Rajan, A. Brutti, A. Cavallaro,
<em>Is cross-attention preferable to self-attention for multi-modal emotion recognition?</em>, ICASSP 2022.
Nada de esta página se carga de otro sitio, y nada se envía a otro sitio. Versión {__version__}.
<a href="#view=class">Vista de aula para proyector</a></p></footer>"""

ATTRIBUTION_LEFT_OUT = """<p class="hint"><em>Miradas</em>: la atención que recibió cada parte; la línea de puntos es
la parte uniforme. <em>Importancia</em>: cuánto cambia la probabilidad cuando se omite solo esa parte: una barra hacia
arriba significa que la clase era más probable con la parte; una hacia abajo, que era menos probable, en puntos
porcentuales. Ninguna de las dos explica un veredicto. Los codificadores leen las palabras y la voz en su contexto, así
que las partes restantes todavía llevan huellas de la omitida; y las partes que se repiten entre sí contribuyen poco una
a una, aunque todas juntas, que figuran junto a cada título, puedan contribuir mucho. Se omiten palabras, medios
segundos de voz y medios segundos de cara.</p>"""
ATTRIBUTION_TABLE = "Estos números en una tabla"
ATTRIBUTION_COLUMNS = ["omitido", "atención, uniforme = 1", "{label} con ello"]
ATTRIBUTION_GIVES = "{model}: <b>{label}</b> {probability}."
ATTRIBUTION_WHOLES = "Omitidas por completo: {parts}."
ATTRIBUTION_FOR = "De las partes sueltas, más a favor: {parts}."
ATTRIBUTION_NONE_FOR = "Ninguna parte suelta habla por sí misma a favor."
ATTRIBUTION_AGAINST = "Más en contra: {parts}."
ATTRIBUTION_NONE_AGAINST = "Ninguna parte suelta habla por sí misma en contra."
CHOOSE_CLASS, CHOOSE_PART = "Clase", "Parte del clip"
ITS_VERDICT = "su veredicto"


def attribution_alike(modalities: Sequence[str]) -> str:
    """Of modalities whose parts say the same."""
    of = " y de ".join(_THE[m] for m in modalities)
    return f"Una a una, las partes de {of} cambian poco de eso, porque las demás dicen lo mismo."


def part_name(modality: str, name: str) -> str:
    """A part of a clip as a sentence says it; ``name`` is the word, or its seconds."""
    return QUOTED.format(text=name) if modality == "text" else f"{MODALITY[modality]} en {name}"


def lane_looked(modality: str) -> str:
    """Above the attention that the parts of a modality received."""
    return f"{MODALITY[modality]}: miradas"


def lane_mattered(modality: str, whole: str) -> str:
    """Above what leaving each part out changes; ``whole``: what all of it changes, "" where that is unknown."""
    return f"{MODALITY[modality]}: importancia" + (f"; {ALL_OF[modality]} {whole}" if whole else "")


HOVER_LOOKED = "{part}: atención {value} × la parte uniforme"
HOVER_MATTERED = "con {part}, {label} tiene {value} puntos"
HOVER_DIFFERENCE = "{part}: la atención cruzada mira {value} partes uniformes más que la autoatención"
NO_WHOLE = "Sin una de las dos no dice nada, así que ninguna se puede omitir por completo."
NOT_MEASURED = "No se midió qué contribuyó al veredicto, así que no hay nada que llevarse."
ATTRIBUTION_SHAPLEY = """<h3>Las modalidades</h3>
<p class="hint">El valor de Shapley de cada modalidad: cuánto añade a la probabilidad, como media de todos los órdenes
en que se podrían añadir las modalidades. Por convención, sin ninguna modalidad todas las clases son igual de probables.
Para dos modalidades, la tabla muestra también lo que añaden juntas más allá de lo que añade cada una sola; por debajo
de cero, se repiten entre sí.</p>"""
ATTRIBUTION_CROSS = """<h3>Las modalidades</h3>
<p class="hint">La atención cruzada no dice nada a partir de una sola modalidad, así que los valores de Shapley no están
definidos. Se muestra lo que cada modalidad añade a las otras dos.</p>"""
ATTRIBUTION_CROSS_PAIR = """<h3>Las modalidades</h3>
<p class="hint">La atención cruzada no dice nada a partir de una sola modalidad, así que, con dos, ninguna tiene una
contribución propia.</p>"""
ATTRIBUTION_FROM_NOTHING = "{share} sin nada en absoluto, más estos valores, da {total}."
ATTRIBUTION_ON_AVERAGE = "de media"
ATTRIBUTION_TOGETHER = "dicen juntas más allá de lo que dice cada una"
ATTRIBUTION_PAIR = "{one} y {two}"
ATTRIBUTION_ADDED = {1: "añadida a nada", 2: "añadida a la otra", 3: "añadida a las otras dos"}
ATTRIBUTION_EVEN = """<h3>Si la atención fuera uniforme</h3>
<p class="hint">Los mismos modelos con el mismo peso para cada momento. Donde el veredicto sigue igual, no dependía de
adónde miraron.</p>"""
ATTRIBUTION_EVEN_COLUMNS = ["tal como es", "con atención uniforme", "parte de la atención en {label}"]
ATTRIBUTION_DIFFERENCE = """<h3>Atención cruzada menos autoatención</h3>
<p class="hint">La atención que cada momento recibe con la atención cruzada menos la que recibe con la autoatención, en
partes uniformes: por encima de cero, las demás miran ahí más que su propia modalidad.</p>"""
ATTRIBUTION_UNKNOWN = (
    "Este resultado guardado no contiene los rasgos que necesita esta sección; pulse Analizar para calcularlos."
)

PHRASES = """<p class="hint">Lo que se dijo entre dos pausas o en una oración, y qué deducen los dos modelos de esa
parte sola. Pulse una para reproducirla.</p>"""

MANY = f"""<h3>Varios clips, una tabla</h3>
<p>Elija hasta {SAID["at_once"]} archivos, {SAID["megabytes"]} en total. Se leen uno tras otro, cada uno en su turno
entre los clips de todas las visitas, y cada archivo se borra en cuanto se ha leído. Quédese mientras tanto en esta
página: la tabla es solo suya y desaparece cuando usted se va. Una carpeta de cualquier tamaño se lee mejor en su
propia máquina: <code>python scripts/analyze.py FOLDER --csv OUT.csv</code>.</p>"""
MANY_STOP = "Parar"
MANY_CSV = "CSV de la tabla"
CLIPS_READ = "Clips leídos: {read} de {all}."
CLIP_COLUMN, TRUTH_COLUMN, WORDS_COLUMN = "clip", "verdad", "palabras"
BEING_READ, WAITING = "se está leyendo", "en espera"
ROW_OPEN = "Abrir o cerrar lo que se dice de este clip"
ROW_LET_GO = "Lo que se veía al abrir esta fila se descartó porque hay muchas visitas; su línea permanece."
TRUTH = "¿Sabe qué muestran?"
TRUTH_HINT = """<p class="hint">Entonces se puede puntuar a los dos modelos. O lo dicen los nombres de los archivos:
escriba <code>{label}</code> donde está la etiqueta y <code>{anything}</code> para el resto, como
<code>{anything}_{label}_{anything}</code> para <code>1001_DFA_ANG_XX.wav</code>. O lo dice una tabla: CSV con un
archivo y su etiqueta en cada línea. Las etiquetas son los nombres ingleses de las siete clases, también como
<em>angry, happy, sad …</em> o <em>ANG, HAP, SAD …</em></p>"""
TRUTH_PATTERN = "Nombres de los archivos"
TRUTH_TABLE = "Tabla de etiquetas …"
TRUTH_UNKNOWN = "se desconoce"
RIGHT, WRONG = "correcto", "incorrecto"
SCORES = "¿Con qué frecuencia aciertan?"
SCORE_COLUMNS = [
    "", "clips", "exactitud", "exactitud equilibrada", "la correcta no descartada", "clases no descartadas",
]  # fmt: skip
SCORES_HINT = """De los clips cuya verdad se conoce y de los que el modelo dice algo. La exactitud equilibrada es la
media de las sensibilidades de las clases presentes; al azar se acierta una de cada siete veces cuando están todas. Con
pocos clips, ambas pueden quedar lejos de lo que darían más clips."""
CONFUSION = "Cuántos clips de cada clase, por línea, toma cada modelo por qué clase, por columna"
CONFUSION_HEAD = "verdad"
LEFT_OUT_WHOLE = "Lo que cada una aporta a eso, omitida por completo:"
WHOLE_HINT = "En puntos porcentuales de esa clase; por debajo de cero habla en contra."
NOT_MEASURED_HERE = "En este clip no se pudo medir qué contribuyó al veredicto."


def labels_read(count: int, unknown: int) -> str:
    """What was found in a table of labels."""
    found = f"{count} {'archivos tienen' if count != 1 else 'archivo tiene'} etiqueta en esta tabla."
    return f"{found} Líneas sin una de las siete: {unknown}." if unknown else found


def models_agree(agree: int, both: int) -> str:
    """How often both models say the same."""
    if not both:
        return "De ningún clip dicen algo los dos modelos."
    return f"Los dos modelos dicen lo mismo de {agree} de {both} clips ({percent(agree / both)})."


def truth_known(known: int, read: int) -> str:
    """Of how many clips it is known what they show."""
    return f"Se sabe qué muestran {known} de {read} clips." if known else "No se sabe qué muestran los clips."


MANY_FILES = "Elegir archivos …"
TOO_MANY = f"Se dejó fuera: se pueden enviar como máximo {SAID['at_once']} clips a la vez."

# The report that a visitor can take home

REPORT_TITLE = "¿Cruzada o propia? {file}"
REPORT_HEAD = "¿Cruzada o propia? Un informe"
REPORT_FACTS = {"clip": "Clip", "used": "Usado", "models": "Modelos"}
REPORT_MODELS = "modelos de fusión según Rajan, Brutti y Cavallaro (ICASSP 2022), entrenados con muestras compuestas"

# What scripts say in the browser

IN_BROWSER = {
    "NotAllowedError": "No se permitió al navegador usar la cámara o el micrófono. Permítalo en la barra de "
    "direcciones o suba un vídeo.",
    "NotFoundError": "No se encontró ninguna cámara o ningún micrófono. Conecte uno o suba un vídeo.",
    "NotReadableError": "Otro programa está usando la cámara o el micrófono. Ciérrelo o suba un vídeo.",
    "OverconstrainedError": "Esta cámara no puede hacer lo que se le pidió. Suba un vídeo en su lugar.",
    "SecurityError": "El navegador solo permite la cámara en páginas https o en esta misma máquina. Suba un vídeo en "
    "su lugar.",
    "camera": "No se pudieron abrir la cámara y el micrófono ({error}). Suba un vídeo en su lugar.",
    "silent": "El micrófono no oye nada",
    "heard": "El micrófono le oye",
    "recording": " · grabando {seconds} s",
    "play": "Reproducir el clip",
    "put_away": "Quitar el clip pequeño",
    "moment": "{name}: {label} {share} %",  # of the verdict while the clip plays
    "says": "{label} ({share} %)",
    "says_nothing": "nada",
    "word": "«{word}»",
    "word_looks": "«{word}» a los {seconds} s: lo que mira",
    "looks_most": "Adónde mira más «{word}»: ",
    "look_audio": "Cruzada: voz ",
    "look_video": "Cruzada: cara ",
    "look_text": "Propia: palabras ",
    "look_at": "a los {seconds} s",
    "look_play": "{what}, {share} × la parte uniforme: reproducir a media velocidad",
    "attention-chart": "El mapa de atención ampliado",
    "timeline-chart": "El clip en el tiempo con la atención recibida",
    "course-chart": "El curso de cada emoción en el tiempo",
    "worth-chart": "La atención que recibió cada parte, y qué cambia al omitirla",
    "difference-chart": "La atención recibida con la atención cruzada menos la recibida con la autoatención",
}

# What the part that reads clips says: its sentence, with what changes in braces -> the same in this language

CORE = {
    "{file}: no face was found in its first second that could be the neutral one.": (
        "{file}: no se encontró en el primer segundo ningún rostro que pueda ser el neutro."
    ),
    "reading the clip": "leyendo el clip",
    "looking for the face": "buscando la cara",
    "listening for words": "escuchando las palabras",
    "asking both models": "preguntando a los dos modelos",
    "loading the models, once after the start": "cargando los modelos, una sola vez tras el arranque",
    "waiting for a graphics card": "esperando una tarjeta gráfica",
    "the clip has no pictures": "el clip no tiene imágenes",
    "no picture could be decoded": "no se pudo decodificar ninguna imagen",
    "no face was found": "no se encontró ninguna cara",
    "the clip has no sound track": "el clip no tiene pista de sonido",
    "the sound track is silent": "la pista de sonido está en silencio",
    "no speech was heard": "no se oyó hablar a nadie",
    "the words were not understood": "las palabras no se entendieron",
    "the words were not understood, the language was not recognised": "las palabras no se entendieron, el idioma no se "
    "reconoció",
    "the words are {language}, and the models read English alone": "las palabras están en otro idioma ({language}), y "
    "los modelos solo leen inglés",
    "switched off": "desactivado",
    "waiting for a voice": "esperando una voz",
    "hearing a voice": "oyendo una voz",
    "reading a phrase": "leyendo una frase",
    "listening has failed, only the face is read": "la escucha ha fallado, solo se lee la cara",
    "listening cannot keep up, only the face is read": "la escucha no da abasto, solo se lee la cara",
    "no sound comes from the microphone": "no llega sonido del micrófono",
    "Only the first {seconds} seconds were read.": "Solo se leyeron los primeros {seconds} segundos.",
    "There are more pictures at once than can be decoded: some were passed over.": "Hay más imágenes a la vez de las "
    "que se pueden decodificar: algunas se pasaron por alto.",
    "Parts of the sound track were damaged and passed over.": "Partes de la pista de sonido estaban dañadas y se "
    "pasaron por alto.",
    "The file's clock jumps: {time} without sound and pictures were cut out.": "El reloj del archivo da saltos: se "
    "recortaron {time} sin sonido ni imágenes.",
    "The file's clock starts again on the way: its parts were laid one behind the other.": "El reloj del archivo "
    "vuelve a empezar a mitad de camino: sus partes se pusieron una detrás de otra.",
    "The pictures are upside down; they were turned to read the face.": "Las imágenes están al revés; se les dio la "
    "vuelta para leer la cara.",
    "The face was found in only {share} of the pictures that could have shown it.": "La cara se encontró solo en el "
    "{share} de las imágenes que podían haberla mostrado.",
    "{count} faces were seen; number {number}, {place} of the picture, was chosen.": (
        "Se vieron {count} caras; se eligió la número {number}, {place} de la imagen."
    ),
    "{count} faces were seen; the largest and steadiest, {place} of the picture, was followed.": (
        "Se vieron {count} caras; se siguió la más grande y constante, {place} de la imagen."
    ),
    "{count} faces were seen; the largest one that moves, {place} of the picture, was followed.": (
        "Se vieron {count} caras; se siguió la más grande de las que se mueven, {place} de la imagen."
    ),
    "on the left": "a la izquierda",
    "in the middle": "en el centro",
    "on the right": "a la derecha",
    "{file} is empty.": "{file} está vacío.",
    "{file} is cut short or damaged and cannot be read.": "{file} está cortado o dañado y no se puede leer.",
    "{file} is not a media file that can be read.": "{file} no es un archivo multimedia que se pueda leer.",
    "{file} is damaged: nothing in it could be decoded.": "{file} está dañado: no se pudo decodificar nada de él.",
    "{file} holds neither sound nor moving pictures.": "{file} no contiene ni sonido ni imágenes en movimiento.",
    "{file} lasts zero seconds.": "{file} dura cero segundos.",
    "{file} has more or larger pictures than can be read.": "{file} tiene más imágenes, o más grandes, de las que se "
    "pueden leer.",
    "{file}: a face, a voice and spoken words were looked for, none was found ({why}).": "{file}: se buscaron una "
    "cara, una voz y palabras habladas, y no se encontró nada ({why}).",
    "A pattern may have {number} characters.": "Un patrón puede tener {number} caracteres como máximo.",
    "A pattern holds {label} once, where the name of a file says the label.": "Un patrón contiene {label} una vez, "
    "donde el nombre de un archivo dice la etiqueta.",
    "A pattern may hold {anything} {number} times.": "Un patrón puede contener {anything} {number} veces como máximo.",
    "A pattern knows {label} and {anything}, no other braces.": "Un patrón conoce {label} y {anything}, ninguna otra "
    "llave.",
    "A table of labels may have {number} MB.": "Una tabla de etiquetas puede tener {number} MB como máximo.",
    "A table of labels may have {number} lines.": "Una tabla de etiquetas puede tener {number} líneas como máximo.",
    "This is no table of labels: it should be CSV as UTF-8, a file and its label a line.": "Esto no es una tabla de "
    "etiquetas: debería ser CSV en UTF-8, con un archivo y su etiqueta en cada línea.",
    "No line of this table says a file and one of {labels}.": "Ninguna línea de esta tabla dice un archivo y una de "
    "{labels}.",
}

_LANGUAGES = {  # Whisper's codes; with a capital letter, as sentences begin with them
    "en": "Inglés", "zh": "Chino", "de": "Alemán", "es": "Español", "ru": "Ruso", "ko": "Coreano", "fr": "Francés",
    "ja": "Japonés", "pt": "Portugués", "tr": "Turco", "pl": "Polaco", "ca": "Catalán", "nl": "Neerlandés",
    "ar": "Árabe", "sv": "Sueco", "it": "Italiano", "id": "Indonesio", "hi": "Hindi", "fi": "Finés", "vi": "Vietnamita",
    "he": "Hebreo", "uk": "Ucraniano", "el": "Griego", "ms": "Malayo", "cs": "Checo", "ro": "Rumano", "da": "Danés",
    "hu": "Húngaro", "ta": "Tamil", "no": "Noruego", "th": "Tailandés", "ur": "Urdu", "hr": "Croata", "bg": "Búlgaro",
    "lt": "Lituano", "la": "Latín", "mi": "Maorí", "ml": "Malayalam", "cy": "Galés", "sk": "Eslovaco", "te": "Telugu",
    "fa": "Persa", "lv": "Letón", "bn": "Bengalí", "sr": "Serbio", "az": "Azerbaiyano", "sl": "Esloveno",
    "kn": "Canarés", "et": "Estonio", "mk": "Macedonio", "br": "Bretón", "eu": "Euskera", "is": "Islandés",
    "hy": "Armenio", "ne": "Nepalí", "mn": "Mongol", "bs": "Bosnio", "kk": "Kazajo", "sq": "Albanés", "sw": "Suajili",
    "gl": "Gallego", "mr": "Maratí", "pa": "Panyabí", "si": "Cingalés", "km": "Jemer", "sn": "Shona", "yo": "Yoruba",
    "so": "Somalí", "af": "Afrikáans", "oc": "Occitano", "ka": "Georgiano", "be": "Bielorruso", "tg": "Tayiko",
    "sd": "Sindhi", "gu": "Guyaratí", "am": "Amárico", "yi": "Yidis", "lo": "Lao", "uz": "Uzbeko", "fo": "Feroés",
    "ht": "Criollo haitiano", "ps": "Pastún", "tk": "Turcomano", "nn": "Nynorsk", "mt": "Maltés", "sa": "Sánscrito",
    "lb": "Luxemburgués", "my": "Birmano", "bo": "Tibetano", "tl": "Tagalo", "mg": "Malgache", "as": "Asamés",
    "tt": "Tártaro", "haw": "Hawaiano", "ln": "Lingala", "ha": "Hausa", "ba": "Baskir", "jw": "Javanés",
    "su": "Sundanés", "yue": "Cantonés",
}  # fmt: skip
