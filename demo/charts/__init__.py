"""Figures and HTML of a result: pure functions of what they show."""
