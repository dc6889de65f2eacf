"""Multimodal emotion recognition: from a media file to two verdicts and the attention behind them.

The way of the data, one noun per module::

    file -> media -> faces, speech, words -> features -> fusion (cross and self) -> analysis

Nothing in this package imports gradio or plotly. Training and corpora live in
``core.training`` and ``core.corpora``, apart from inference.
"""

LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The seven classes, in the order of every logits and probability vector of this project."""

MODALITIES = ("text", "video", "audio")
"""The three modalities of an utterance, in the order in which they are displayed and stored."""
