"""What all corpora share."""


class CorpusError(Exception):
    """A corpus is missing or not in its official layout; the message says what was expected and where to get it."""
