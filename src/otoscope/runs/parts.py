"""The parts of a sweep, a file for each shard: by their names, and by what their footers say of the run they are of."""

from __future__ import annotations

import re
from pathlib import Path

from otoscope.errors import InputError
from otoscope.optional import needs

LEFT_OUT = "errors/left-out.parquet"
"""What of a list was left out before the sweep began."""

_NAME = re.compile(r"part-(\d+)\.parquet")


def parts_in(folder: Path) -> dict[int, Path]:
    """The parts in a folder by the numbers of their shards, in order; what has another name is none."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob("part-*.parquet"))
    return dict(sorted((int(name[1]), path) for name, path in found if name))


def shard_of(name: str) -> int | None:
    """The shard of a file that is, or was to become, a part."""
    found = _NAME.match(name)
    return int(found[1]) if found else None


def check_part(path: Path, fingerprint: str, shard: int) -> None:
    """Look into the footer of a part, and at nothing else of it.

    Raises
    ------
    InputError
        If the part is damaged, or of another run or shard.
    """
    facts = facts_in(path)
    if facts.get(b"otoscope.fingerprint", b"").decode() != fingerprint:
        raise InputError(
            f"{path} is a part of another run, or the run.json beside it was changed: remove the part, and the same "
            "sweep computes it again"
        )
    if facts.get(b"otoscope.shard", b"").decode() != str(shard):
        raise InputError(f"{path} is the part of another shard: remove it, and the same sweep computes it again")


def facts_in(path: Path) -> dict[bytes, bytes]:
    """What the footer of a table says; an InputError where the table is damaged."""
    pq, pa = needs("pyarrow.parquet", extra="sweep"), needs("pyarrow", extra="sweep")
    try:
        return pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        why = str(error).splitlines()[0]
        raise InputError(
            f"{path} is damaged ({why}): remove it, and the same sweep, started again, makes it again"
        ) from None
