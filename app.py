"""Starts the page: python app.py, then http://127.0.0.1:7860."""

from core.analysis import Analyzer
from demo.page import build, launch_options

analyzer = Analyzer.load()
analyzer.warm_up()
demo = build(analyzer)

if __name__ == "__main__":
    demo.queue(max_size=32).launch(**launch_options())
