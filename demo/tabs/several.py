"""Several clips at once: one visitor's queue, read clip by clip, and one table of it.

Each clip takes its own turn among all visitors' clips, so that nobody waits for somebody else's whole queue. A file is
let go, and deleted by that, as soon as it has been read.
"""

import contextlib
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from core.analysis.attribution import spans
from core.analysis.kept import nbytes
from core.analysis.results import Analysis
from core.analysis.table import COLUMNS, Row, failed, row_of, table_text
from core.analysis.truth import MAX_PATTERN, MAX_TABLE_BYTES, NamePattern, TruthError, TruthTable
from core.media.reader import SUFFIXES, MediaError
from demo import wording
from demo.charts import clips
from demo.server import client_files
from demo.server.analyzers import AnyAnalyzer, measure
from demo.server.budget import budget
from demo.server.limits import HOUR, MAX_AT_ONCE, TURNS
from demo.server.places import stands_in
from demo.server.sessions import Session, Stopped, end_later, gone, name_of, remember
from demo.tabs.clip import ONE_CLIP_AT_A_TIME
from demo.tabs.components import ONE_MEASURED_AT_A_TIME, PRIVATE, QUICK


@dataclass(eq=False)
class Queue:
    """A visitor's files that wait, and what was said of those that were read. Ends as a ``Session`` does.

    Attributes:
        waiting: uploads that the visitor owns, the next one first.
        rows: of what was read, in order.
        analyses: number of a row -> what it can be opened for; without attention, which takes most room.
        opened: numbers of rows that are open -> what they show.
        pattern, table: what names of files say, and what a table says, of what clips show; None where none is given.
        stop: set by the Stop button and when the visitor leaves, read by the analysis that runs.
        holder: owns the files.
    """

    waiting: list[Path] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    analyses: dict[int, Analysis] = field(default_factory=dict)
    opened: dict[int, Markup] = field(default_factory=dict)
    pattern: NamePattern | None = None
    table: TruthTable | None = None
    stop: bool = False
    holder: Session = field(default_factory=Session)

    @property
    def in_use(self) -> bool:
        """Whether anything of the visitor's own is kept."""
        return bool(self.waiting or self.rows)

    def begin(self, paths: list[str]) -> None:
        """Puts files in the place of whatever was there; those beyond ``MAX_AT_ONCE`` are said to be left out.

        What is no upload becomes a row that says so, and is not touched.
        """
        self.end()
        self.stop = False
        for path in dict.fromkeys(map(Path, paths)):
            self.holder.own(str(path))
            if path not in self.holder.files:
                self.rows.append(failed(path.name, wording.NOT_UPLOADED))
            elif len(self.waiting) < MAX_AT_ONCE:
                self.waiting.append(path)
            else:
                self.rows.append(failed(path.name, wording.TOO_MANY))
                self.holder.disown(path)

    def read_next(self, analyzer: AnyAnalyzer, progress, left) -> None:
        """Reads one clip, lets go of its file and adds its row, a sentence where it cannot be analysed.

        Raises:
            Stopped: the visitor pressed Stop or has left.
        """
        path, analysis = self.waiting[0], None
        guest = Session()
        try:
            analysis = guest.take(analyzer, path, progress, lambda: self.stop or left())
            row = row_of(path.name, analysis)
        except MediaError as error:
            row = failed(path.name, str(error))
        except Stopped:
            raise
        except Exception:
            row = failed(path.name, wording.BROKEN)
        finally:
            guest.clear()  # what is kept of the clip is this queue's
        if path in self.waiting:  # the visitor may have begun another queue meanwhile
            self.waiting.remove(path)
            self.rows.append(row)
            if analysis is not None:
                self.analyses[len(self.rows) - 1] = _without_attention(analysis)
                budget.hold(self, nbytes((self.analyses, self.opened)))
            self.holder.disown(path)

    def toggle(self, number: int, analyzer: AnyAnalyzer) -> None:
        """Opens a row or closes it; one that does not exist stays closed."""
        if self.opened.pop(number, None) is not None or not 0 <= number < len(self.rows):
            return
        budget.use(self)
        analysis, opened = self.analyses.get(number), self.opened
        if analysis is None:
            opened[number] = clips.sentence(wording.of_core(self.rows[number]["error"]) or wording.ROW_LET_GO)
            return
        worth = measure(analyzer, analysis, spans(analysis)[0]) if analysis.sequences else None
        if self.opened is opened:  # still the same clips
            opened[number] = clips.details(analysis, worth)
            budget.hold(self, nbytes((self.analyses, self.opened)))

    def truth(self) -> list[str | None]:
        """What is known of each row: the table counts, and where it says nothing the name."""
        known = [self.table.label_of(row["file"]) if self.table else None for row in self.rows]
        if self.pattern is None:
            return known
        return [label or self.pattern.label_of(row["file"]) for label, row in zip(known, self.rows, strict=True)]

    def let_go(self) -> None:
        """Forgets what rows can be opened for, because others need the room; the table stays."""
        self.analyses, self.opened = {}, {}

    def halt(self) -> None:
        """Lets go of the files that wait; what was read stays."""
        self.stop, self.waiting = True, []
        self.holder.end()

    def end(self) -> None:
        """Lets go of all files and forgets the clips; called when the visitor leaves."""
        self.rows, self.analyses, self.opened = [], {}, {}
        budget.drop(self)
        self.halt()


def _without_attention(analysis: Analysis) -> Analysis:
    """What a row shows when it is opened, and what is measured of it then."""
    predictions = {
        used: replace(
            found,
            cross=found.cross and replace(found.cross, attention={}),
            self_=found.self_ and replace(found.self_, attention={}),
        )
        for used, found in analysis.predictions.items()
    }
    return replace(analysis, predictions=predictions, persons=None, envelope=None)


def tab(analyzer: AnyAnalyzer, page: gr.Blocks) -> None:
    """The contents of the tab."""
    state = gr.State(Queue(), time_to_live=HOUR, delete_callback=end_later)
    turns = gr.State(0)  # counts up while clips wait: each change reads the next one
    gr.HTML(wording.MANY)
    with gr.Row(elem_id="many-buttons"):
        files = client_files.plain(
            gr.UploadButton(
                wording.MANY_FILES, file_count="multiple", file_types=sorted(SUFFIXES), variant="primary",
                elem_id="many-files",
            )
        )  # fmt: skip
        stop = gr.Button(wording.MANY_STOP, elem_id="many-stop", visible=False)
        csv = gr.Button(wording.MANY_CSV, elem_id="many-csv", visible=False)
    with gr.Accordion(wording.TRUTH, open=False, elem_id="many-truth", elem_classes=["section"]):
        gr.HTML(wording.TRUTH_HINT)
        with gr.Row():
            pattern = gr.Textbox(
                label=wording.TRUTH_PATTERN, placeholder="{label}_{anything}", max_length=MAX_PATTERN,
                elem_id="many-pattern", min_width=220,
            )  # fmt: skip
            labels = client_files.plain(
                gr.UploadButton(
                    wording.TRUTH_TABLE, file_types=[".csv", ".tsv", ".txt"], elem_id="many-labels", size="sm"
                )
            )
        truth_said = gr.HTML(elem_id="many-truth-said")
    said = gr.HTML(elem_id="many-said")
    table = gr.HTML(elem_id="many-table")
    pressed = gr.Textbox(visible="hidden", elem_id="many-row", max_length=16, label="row")
    handed_out = gr.JSON(visible=False)

    def on_files(paths, queue, turn, request: gr.Request):
        remember(name_of(request), queue)
        queue.begin(paths or [])
        return queue, turn + 1, as_html(queue), gr.update(visible=bool(queue.waiting)), gr.update(visible=False)

    @stands_in(TURNS)  # who was let in comes to the end of it, however many clips wait
    def on_turn(queue, turn, request: gr.Request, progress=gr.Progress()):  # noqa: B008 gradio looks for it there
        name = name_of(request)
        if queue.waiting and not queue.stop:
            label = queue.waiting[0].name
            known = wording.CORE
            report = lambda share, stage: progress(share, desc=f"{label}: {wording.of_core(stage, known)}")  # noqa: E731
            with contextlib.suppress(Stopped):
                queue.read_next(analyzer, report, partial(gone, page, name))
        if queue.stop:
            queue.halt()
        goes_on = bool(queue.waiting)
        ready = gr.update(visible=bool(queue.rows) and not goes_on)
        return turn + 1 if goes_on else turn, as_html(queue), "", gr.update(visible=goes_on), ready

    def on_stop(queue):
        queue.stop = True

    def on_row(queue, number):
        number = str(number).partition(" ")[0]  # then how many presses there were: each is a change
        if number.isdecimal():
            queue.toggle(int(number), analyzer)
        return as_html(queue)

    def on_pattern(queue, text):
        sentence = ""
        try:
            queue.pattern = NamePattern.of(text) if text and text.strip() else None
        except TruthError as error:
            queue.pattern, sentence = None, clips.sentence(wording.of_core(str(error)))
        return queue, sentence, as_html(queue)

    def on_labels(queue, path, request: gr.Request):
        remember(name_of(request), queue)
        sentence = read_labels(queue, path)
        return queue, clips.sentence(sentence), as_html(queue)

    # Only what goes through gradio's queue tells the page that a state has changed.
    files.upload(on_files, [files, state, turns], [state, turns, table, stop, csv], show_progress="hidden", **PRIVATE)
    turns.change(
        on_turn, [state, turns], [turns, table, said, stop, csv],
        show_progress="full", show_progress_on=[said], **ONE_CLIP_AT_A_TIME, **PRIVATE,
    )  # fmt: skip
    stop.click(on_stop, state, None, **QUICK)
    # Gradio tells of an input at keys only, of a change whatever made it: what is pasted, or set by the page's script.
    pattern.change(on_pattern, [state, pattern], [state, truth_said, table], trigger_mode="always_last", **QUICK)
    labels.upload(on_labels, [state, labels], [state, truth_said, table], **QUICK)
    pressed.change(on_row, [state, pressed], table, show_progress="hidden", **ONE_MEASURED_AT_A_TIME).then(
        None, pressed, None, js="(number) => window.rowOpened(number)", **PRIVATE
    )
    csv.click(as_file, state, handed_out, **QUICK).then(
        None, handed_out, None, js="(file) => window.handOut(file)", **PRIVATE
    )


def read_labels(queue: Queue, path: str | None) -> str:
    """Takes the table of labels from an upload, which is deleted; what is said of it in one sentence."""
    queue.holder.own(path)
    file = Path(path or "")
    if file not in queue.holder.files:
        return wording.NOT_UPLOADED
    try:
        with file.open("rb") as stream:
            queue.table = TruthTable.of(stream.read(MAX_TABLE_BYTES + 1))
    except TruthError as error:
        return wording.of_core(str(error))
    except OSError:
        return wording.LOST_CLIP
    finally:
        queue.holder.disown(file)
    return wording.labels_read(len(queue.table.labels), queue.table.unknown)


def as_html(queue: Queue) -> Markup:
    """The table: a row a clip, what waits included, and below it how often the models are right."""
    return clips.table(queue.rows, queue.truth(), dict(queue.opened), [path.name for path in queue.waiting])


def as_file(queue: Queue) -> dict:
    """The table as the browser makes a file of it; with a column of what is known if anything is."""
    truth = queue.truth()
    rows = [row | {"truth": known or ""} for row, known in zip(queue.rows, truth, strict=True)]
    text = table_text(rows, (*COLUMNS, "truth") if any(truth) else COLUMNS)
    return {"name": "clips-cross-or-self.csv", "type": "text/csv", "text": text}
