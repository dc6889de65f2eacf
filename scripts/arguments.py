"""What the command lines of all scripts have in common."""

import argparse

from core import __version__


def parser_of(description: str, **options) -> argparse.ArgumentParser:
    """A parser of arguments that knows ``--version``; ``options`` go to ``ArgumentParser``."""
    parser = argparse.ArgumentParser(description=description, **options)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser
