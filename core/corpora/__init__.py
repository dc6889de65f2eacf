"""Readers of emotion corpora in their official layouts, one file each."""
