r"""Files that somebody names, alone or by their folder: which ones are meant, and what they are called in writing.

A name on disk is a series of bytes that need not be text; Python keeps bytes that are none as lone surrogates, which
neither UTF-8 nor JSON can hold.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LEFT_BEHIND = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found"}
"""Folders that archives, recycle bins and storage devices leave among other people's files."""

# Control characters, what turns the direction of writing, other ends of lines, lone surrogates.
_UNSAFE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(?:([\\nrt])|x([0-9a-f]{2})|u([0-9a-f]{4}))")
_SHORT = {"\\": "\\", "\n": "n", "\r": "r", "\t": "t"}


def escaped(name: str) -> str:
    r"""A name of a file as one line of text that UTF-8 can hold, different for different names.

    Bytes that are no text become ``\xff``, control characters and lone surrogates ``\u0007`` or ``\n``, a backslash
    ``\\``. ``unescaped`` takes it back.
    """
    return _UNSAFE.sub(_escape, name)


def unescaped(text: str) -> str:
    """The name that ``escaped`` wrote."""
    long = {letter: character for character, letter in _SHORT.items()}

    def read(match: re.Match) -> str:
        letter, byte, unit = match.groups()
        return long[letter] if letter else chr(0xDC00 + int(byte, 16) if byte else int(unit, 16))

    return _ESCAPED.sub(read, text)


def _escape(match: re.Match) -> str:
    character, code = match[0], ord(match[0])
    if character in _SHORT:
        return f"\\{_SHORT[character]}"
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def hidden(name: str) -> bool:
    """Whether a file or folder of this name was left by a system or a tool: ``._clip.wav``, ``__MACOSX``."""
    return name.startswith(".") or name in LEFT_BEHIND


def visible_files(folder: Path, unreadable: list[Path] | None = None) -> list[Path]:
    """The files below a folder, sorted; hidden ones and those in hidden folders are left out.

    Links to folders are followed where they lead out of ``folder``, but not to a folder that it lies in, and each
    folder is read once, so that no circle of links goes on for ever.

    Args:
        unreadable: collects the folders that cannot be read.

    Raises:
        OSError: a folder cannot be read and ``unreadable`` is None.
    """
    top = real_path(folder)
    found, waiting, read = [], [folder], {top}
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listed:
                entries = [(here / entry.name, _kind(entry)) for entry in listed if not hidden(entry.name)]
        except OSError:
            if unreadable is None:
                raise
            unreadable.append(here)
            continue
        for path, kind in entries:
            if kind == "file":
                found.append(path)
            elif kind == "folder":
                real = real_path(path)
                listed_elsewhere = path.is_symlink() and (real.is_relative_to(top) or top.is_relative_to(real))
                if real not in read and not listed_elsewhere:
                    read.add(real)
                    waiting.append(path)
    return sorted(found)


def _kind(entry: os.DirEntry) -> str:
    """What an entry is or leads to: "file", "folder" or "" for pipes, devices and links to nowhere."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # a circle of links
        return ""


def real_path(path: Path) -> Path:
    """Absolute and without links, whatever is there; unlike ``Path.resolve`` it does not fail at a circle of links."""
    return Path(os.path.realpath(path))


@dataclass(frozen=True)
class NamedFile:
    """A file that was named, or that lies in a folder that was named.

    Attributes:
        path: absolute, its folder without links.
        name: its path from that folder, or from the folder that holds everything that was named, as ``escaped``.
    """

    path: Path
    name: str

    @cached_property
    def location(self) -> str:
        """However this file is named the same, and of no other file: 16 digits of the SHA-256 of its path."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]


def named_files(named: Iterable[str], suffixes: frozenset[str]) -> tuple[list[NamedFile], list[Path], list[Path]]:
    """Files as they are named, and of folders those with these suffixes, each once, in that order.

    Args:
        suffixes: lower-case, with their dots.

    Returns:
        The files, the named folders that hold none, and the folders that cannot be read.
    """
    paths: list[Path] = []
    bare: list[Path] = []
    unreadable: list[Path] = []
    tops = []  # what was named lies in these, and what it is called is relative to what holds all of them
    for path in map(Path, named):
        if _is_folder(path):
            top = real_path(path)
            inside = [file for file in visible_files(top, unreadable) if file.suffix.lower() in suffixes]
            if not inside and top not in unreadable:
                bare.append(path)
        else:
            top = real_path(path.parent)
            inside = [top / path.name]
        tops.append(top)
        paths += inside
    try:
        base = Path(os.path.commonpath(tops)) if tops else Path()
        names = {path: path.relative_to(base) for path in paths}
    except ValueError:  # on several drives
        names = {path: path for path in paths}
    return [NamedFile(path, escaped(name.as_posix())) for path, name in names.items()], bare, unreadable


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that cannot be read: whoever reads it will say so
        return False
