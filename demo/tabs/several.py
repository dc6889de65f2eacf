"""Several clips at once: one visitor's queue, read clip by clip, and one table of it.

Each clip takes its own turn among all visitors' clips, so that nobody waits for somebody else's whole queue. A file is
let go, and deleted by that, as soon as it has been read.
"""

import contextlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from core.analysis.table import Row, failed, row_of, table_text
from core.media.reader import SUFFIXES, MediaError
from demo import wording
from demo.charts.html import render
from demo.charts.palette import MODEL
from demo.server import client_files
from demo.server.analyzers import AnyAnalyzer
from demo.server.limits import HOUR, MOST_AT_ONCE, TURNS
from demo.server.places import stands_in
from demo.server.sessions import Session, Stopped, end_later, gone, name_of, remember
from demo.tabs.clip import ONE_CLIP_AT_A_TIME, PRIVATE, QUICK


@dataclass(eq=False)
class Queue:
    """A visitor's files that wait, and what was said of those that were read. Ends as a ``Session`` does.

    Attributes:
        waiting: uploads that the visitor owns, the next one first.
        rows: of what was read, in order.
        stop: set by the Stop button and when the visitor leaves, read by the analysis that runs.
        holder: owns the files.
    """

    waiting: list[Path] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    stop: bool = False
    holder: Session = field(default_factory=Session)

    @property
    def in_use(self) -> bool:
        """Whether anything of the visitor's own is kept."""
        return bool(self.waiting or self.rows)

    def begin(self, paths: list[str]) -> None:
        """Puts files in the place of whatever was there; those beyond ``MOST_AT_ONCE`` are said to be left out.

        What is no upload becomes a row that says so, and is not touched.
        """
        self.end()
        self.stop, self.rows, self.waiting = False, [], []
        for path in dict.fromkeys(map(Path, paths)):
            self.holder.own(str(path))
            if path not in self.holder.files:
                self.rows.append(failed(path.name, wording.NOT_UPLOADED))
            elif len(self.waiting) < MOST_AT_ONCE:
                self.waiting.append(path)
            else:
                self.rows.append(failed(path.name, wording.TOO_MANY))
                self.holder.disown(path)

    def read_next(self, analyzer: AnyAnalyzer, progress, left) -> None:
        """Reads one clip, lets go of its file and adds its row, a sentence where it cannot be analysed.

        Raises:
            Stopped: the visitor pressed Stop or has left.
        """
        path = self.waiting[0]
        guest = Session()
        try:
            row = row_of(path.name, guest.take(analyzer, path, progress, lambda: self.stop or left()))
        except MediaError as error:
            row = failed(path.name, str(error))
        except Stopped:
            raise
        except Exception:
            row = failed(path.name, wording.BROKEN)
        if path in self.waiting:  # the visitor may have begun another queue meanwhile
            self.waiting.remove(path)
            self.rows.append(row)
            self.holder.disown(path)

    def end(self) -> None:
        """Lets go of all files and forgets everything; called when the visitor leaves."""
        self.stop = True
        self.waiting, self.rows = [], []
        self.holder.end()


def tab(analyzer: AnyAnalyzer, page: gr.Blocks) -> None:
    """The contents of the tab."""
    state = gr.State(Queue(), time_to_live=HOUR, delete_callback=end_later)
    turns = gr.State(0)  # counts up while clips wait: each change reads the next one
    gr.HTML(wording.MANY)
    with gr.Row():
        files = client_files.plain(
            gr.UploadButton(
                wording.MANY_FILES, file_count="multiple", file_types=sorted(SUFFIXES), variant="primary",
                elem_id="many-files",
            )
        )  # fmt: skip
        stop = gr.Button("Stop", elem_id="many-stop", visible=False)
        csv = gr.Button("CSV of the table", elem_id="many-csv", visible=False)
    said = gr.HTML(elem_id="many-said")
    table = gr.HTML(elem_id="many-table")
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
            report = lambda share, stage: progress(share, desc=f"{label}: {stage}")  # noqa: E731
            with contextlib.suppress(Stopped):
                queue.read_next(analyzer, report, partial(gone, page, name))
        if queue.stop:  # what was read stays
            rows = queue.rows
            queue.end()
            queue.rows = rows
        goes_on = bool(queue.waiting)
        ready = gr.update(visible=bool(queue.rows) and not goes_on)
        return turn + 1 if goes_on else turn, as_html(queue), "", gr.update(visible=goes_on), ready

    def on_stop(queue):
        queue.stop = True

    # Only what goes through gradio's queue tells the page that a state has changed.
    files.upload(on_files, [files, state, turns], [state, turns, table, stop, csv], show_progress="hidden", **PRIVATE)
    turns.change(
        on_turn, [state, turns], [turns, table, said, stop, csv],
        show_progress="full", show_progress_on=[said], **ONE_CLIP_AT_A_TIME, **PRIVATE,
    )  # fmt: skip
    stop.click(on_stop, state, None, **QUICK)
    csv.click(as_file, state, handed_out, **QUICK).then(
        None, handed_out, None, js="(file) => window.handOut(file)", **PRIVATE
    )


def as_html(queue: Queue) -> Markup:
    """The table: a row a clip, what waits included."""
    if not queue.rows and not queue.waiting:
        return Markup()
    rows = [row | {"verdicts": _verdicts(row)} for row in queue.rows]
    return render("tables", "clips", rows=rows, waiting=[path.name for path in queue.waiting])


def _verdicts(row: Row) -> list[tuple[str, str, float]]:
    """Each model with its class, "" where it says nothing, and the probability of that class."""
    return [(model, row[model], float(row[f"{model} {row[model]}"]) if row[model] else 0.0) for model in MODEL]


def as_file(queue: Queue) -> dict:
    """The table as the browser makes a file of it."""
    return {"name": "clips-cross-or-self.csv", "type": "text/csv", "text": table_text(queue.rows)}
