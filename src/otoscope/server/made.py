"""What a worker makes of a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Made(NamedTuple):
    """What a worker made of a question: what the model says, and a page, each where it was asked for."""

    answer: dict[str, Any] | None
    manifest: dict[str, Any] | None
    parts: Mapping[str, bytes]
    notes: list[str]
