"""Tables as comma-separated values (RFC 4180, line feeds) whose cells no spreadsheet takes for a formula.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, some of them behind white space too; such a
formula may call programs or send other cells away (https://owasp.org/www-community/attacks/CSV_Injection). Text that
begins like that gets an apostrophe in front. Numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_FORMULA = re.compile("'*(?:\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20].|[\t\r\n])", re.DOTALL)


def escaped_cell(value: object) -> str:
    """A cell as it is written. What begins with apostrophes before a formula gets one more: ``plain_cell`` takes one
    away."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def plain_cell(text: str) -> str:
    """The value that ``escaped_cell`` wrote, as text."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows of cells as they stand in a file; every table that is written here goes through this function."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([escaped_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
