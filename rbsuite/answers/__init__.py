"""Reading answers: named, versioned conventions that turn a model's output into an integer or the letter of a choice."""

from __future__ import annotations

from rbsuite.answers.base import Kind, Reader, ReaderInfo, Reading
from rbsuite.answers.registry import READERS, get_reader

__all__ = ["READERS", "Kind", "Reader", "ReaderInfo", "Reading", "get_reader"]
