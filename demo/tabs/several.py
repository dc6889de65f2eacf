"""Several clips at once: one visitor's queue, read clip by clip, and one table of it.

Each clip takes its own turn among all visitors' clips, so that nobody waits for somebody else's whole queue. A file is
let go, and deleted by that, as soon as it has been read.
"""

from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from core.analysis.table import Row, failed, row_of, table_text
from core.media.reader import SUFFIXES, MediaError
from demo import wording
from demo.charts.palette import EMOTION, MODEL, percent
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
            try:
                queue.read_next(analyzer, report, partial(gone, page, name))
            except Stopped:
                pass
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


def as_html(queue: Queue) -> str:
    """The table: a row a clip, what waits included."""
    if not queue.rows and not queue.waiting:
        return ""
    rows = [_row(row) for row in queue.rows]
    rows += [
        f'<tr><th scope="row">{escape(path.name)}</th><td colspan="3" class="none">'
        f"{'being read' if i == 0 else 'waiting'}</td></tr>"
        for i, path in enumerate(queue.waiting)
    ]
    done, total = len(queue.rows), len(queue.rows) + len(queue.waiting)
    head = "".join(f'<th scope="col">{title}</th>' for title in MODEL.values())
    return (
        f'<p class="hint" role="status" data-done="{done}">{done} of {total} clips are read.</p>'
        f'<table class="numbers" id="clips"><thead><tr><th scope="col">clip</th>{head}<th scope="col">words</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _row(row: Row) -> str:
    head = f'<tr><th scope="row">{escape(row["file"])}'
    if row["error"]:
        return f'{head}</th><td colspan="3" class="none">{escape(row["error"])}</td></tr>'
    cells = []
    for model in MODEL:
        label = row[model]
        if not label:
            cells.append(f'<td class="none" data-model="{model}">undefined</td>')
            continue
        probability = float(row[f"{model} {label}"])
        cells.append(
            f'<td data-model="{model}" data-label="{label}" data-probability="{probability:.6f}"><i class="swatch" '
            f'aria-hidden="true" style="background:{EMOTION[label]}"></i>{label} {percent(probability)}</td>'
        )
    seconds = f"<small>{float(row['duration']):.1f} s</small>"
    return f"{head}{seconds}</th>{''.join(cells)}<td>{escape(row['text'])}</td></tr>"


def as_file(queue: Queue) -> dict:
    """The table as the browser makes a file of it."""
    return {"name": "clips-cross-or-self.csv", "type": "text/csv", "text": table_text(queue.rows)}
