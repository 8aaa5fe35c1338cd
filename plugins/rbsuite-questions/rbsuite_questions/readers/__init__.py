"""Reading answers: named, versioned conventions that turn a model's output into an integer or the letter of a choice."""

from __future__ import annotations

from rbsuite_questions.readers.base import LETTERS, Kind, Reader, ReaderInfo, Reading
from rbsuite_questions.readers.registry import READERS, get_reader, reader_of_kind

__all__ = ["LETTERS", "READERS", "Kind", "Reader", "ReaderInfo", "Reading", "get_reader", "reader_of_kind"]
