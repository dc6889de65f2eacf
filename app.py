"""Starts the page: python app.py, then http://127.0.0.1:7860. The models are loaded behind the page."""

import logging
from typing import TYPE_CHECKING

from core.analysis.loading import LoadingAnalyzer
from core.fusion.config import attention_heads, more_models
from core.media.reader import MediaError
from core.memory import keep_together
from demo import wording
from demo.page import build, launch_options
from demo.server import clients, connections, console, names, stored, zerogpu
from demo.server.gate import close_on_silence
from demo.server.hosts import Hosts
from demo.server.limits import MAX_EVENTS
from demo.server.translations import make_ready

if TYPE_CHECKING:
    from core.analysis.analyzer import Analyzer


def load(**options) -> "Analyzer":
    """The models; PyTorch is imported with them, behind the page."""
    from core.analysis.analyzer import Analyzer

    return Analyzer.load(**options)


hosts = Hosts.told(__doc__) if __name__ == "__main__" else None  # before anything is loaded
keep_together()
# Cards are lent only to what lies on them before the page is served.
analyzer = (
    zerogpu.BorrowingAnalyzer(load) if zerogpu.here() else LoadingAnalyzer(load, attention_heads(), more_models())
)
demo = build(analyzer)

if __name__ == "__main__":
    console.tidy()
    clients.trust_proxies()
    # How many may wait is counted in demo/server/places.py; nobody gets past the lines.
    demo.queue(max_size=MAX_EVENTS, api_open=False).launch(prevent_thread_lock=True, **launch_options(hosts))
    close_on_silence(demo.server)
    names.check(demo.local_url or "")
    connections.share_out(demo.server)
    make_ready(demo)
    # First calls compile and allocate for seconds: a visitor who comes later need not wait for them.
    for example in filter(stored.is_whole, wording.EXAMPLES):
        try:
            analyzer.loaded().analyze(stored.clip_of(example))
            break
        except MediaError as error:
            logging.getLogger("demo").warning("The example %s cannot be analysed: %s", example, error.code)
    demo.block_thread()
