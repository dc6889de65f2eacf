"""Corpora as features: what is a source of what, how it is changed, and labelled sequences on disk and in memory."""
