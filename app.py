"""Starts the page: python app.py, then http://127.0.0.1:7860. The models are loaded behind the page."""

from core.analysis import Analyzer
from core.checkpoint import attention_heads
from core.loading import LoadingAnalyzer
from demo import clients, connections, console, memory, zero
from demo.bounds import close_on_silence
from demo.limits import MOST_EVENTS
from demo.page import build, launch_options
from demo.stored import clip_of

memory.keep_together()
# Cards are lent only to what lies on them before the page is served.
analyzer = zero.BorrowingAnalyzer() if zero.here() else LoadingAnalyzer(Analyzer.load, attention_heads())
demo = build(analyzer)

if __name__ == "__main__":
    console.tidy()
    clients.trust_proxies()
    # How many may wait is counted in demo/places.py; nobody gets past the lines.
    demo.queue(max_size=MOST_EVENTS, api_open=False).launch(prevent_thread_lock=True, **launch_options())
    close_on_silence(demo.server)
    connections.share_out(demo.server)
    # First calls compile and allocate for seconds: a visitor who comes later need not wait for them.
    analyzer.loaded().analyze(clip_of("glad"))
    demo.block_thread()
