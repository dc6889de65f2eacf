"""Starts the page: python app.py, then http://127.0.0.1:7860."""

from core.analysis import Analyzer
from demo.clip import EXAMPLES
from demo.page import build, launch_options

analyzer = Analyzer.load()
analyzer.analyze(EXAMPLES / "glad.mp4")  # first calls compile and allocate for seconds: nobody should wait for them
demo = build(analyzer)

if __name__ == "__main__":
    demo.queue(max_size=32).launch(**launch_options())
