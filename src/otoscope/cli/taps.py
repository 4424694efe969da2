"""What a model takes and answers, and what is inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import xarray as xr
from cyclopts import CycloptsError, Parameter

from otoscope.cli.common import Common, CommonOptions, Flag, Model, PartOptions, load_wave, make_scope, print_notes
from otoscope.cli.console import (
    counted,
    err_console,
    facts_table,
    out_console,
    print_json,
    print_table,
    progress_bar,
)
from otoscope.errors import InputError
from otoscope.heard import fit_note, repeated, untrained
from otoscope.probe import Check
from otoscope.report import taps_table, write_numbers
from otoscope.scope import Scope
from otoscope.tables import finite

_HEADINGS = {
    "name": "tap", "op": "op", "channels": "maps", "kernel": "kernel", "stride": "stride", "dilation": "dil.",
    "hop": "hop", "receptive_field": "field", "rate": "rate (Hz)",
}  # fmt: skip
_MOST_NAMES = 8  # of taps that have one note


def taps(
    model: Model,
    audio: Annotated[
        Path | None, Parameter(name="AUDIO", help="A sound to run the model on; silence without it.")
    ] = None,
    /,
    *,
    verify: Annotated[
        Flag,
        Parameter(
            help="Prove the table: run every operation again, measure where it is in time, and compare gradients with "
            "finite differences; exit with 1 where one fails."
        ),
    ] = False,
    part: PartOptions = None,
    common: CommonOptions = None,
) -> None:
    """List what a model takes and answers, and its convolutions, activations and poolings with their place in time."""
    if part is not None and audio is None:
        raise CycloptsError(msg="--start, --duration and --channel choose a part of a sound: name AUDIO, too.")
    common = common or Common()
    scope = make_scope(model, common)
    wave = load_wave(audio, scope, part) if audio else None
    rows = taps_table(scope.taps(wave))
    print_notes(scope.name, untrained(scope))
    content = {
        "model": scope.name, "model_sha256": scope.digest, "subject": asdict(scope.contract), "taps": rows,
        "notes": _notes(scope, wave),
    }  # fmt: skip
    checks = _verified(scope, wave) if verify else []
    if verify:
        content["checks"] = [asdict(check) for check in checks]
    if common.out is not None:
        err_console.print(str(write_numbers(common.out, "taps", content)), markup=False)
    if common.json:
        print_json(finite(content))
    else:
        _print_tables(scope, rows)
        if verify:
            _print_checks(checks)
    if failed := [check for check in checks if check.passed is False]:
        raise InputError(_failure(failed, len(checks)))


def _notes(scope: Scope, wave: xr.DataArray | None) -> list[str]:
    """What was done to the sound, and that weights are random."""
    changes: list[str | None] = []
    if wave is not None:
        changes = [*str(wave.attrs.get("note") or "").split("; "), repeated(scope, wave), fit_note(scope, wave)]
    return [note for note in (*changes, untrained(scope)) if note]


def _verified(scope: Scope, wave: xr.DataArray | None) -> list[Check]:
    with progress_bar("verifying") as report:
        return scope.verify(wave, progress=lambda done, total: report("taps", done, total))


def _print_checks(checks: Sequence[Check]) -> None:
    """A line for each."""
    words = {True: "passed", False: "FAILED", None: "not known"}
    rows = [
        {"tap": one.tap or "the model", "check": one.check, "result": words[one.passed], "details": one.details}
        for one in checks
    ]
    headings = {"tap": "tap", "check": "check", "result": "result", "details": "details"}
    counts = ", ".join(f"{sum(row['result'] == word for row in rows)} {word}" for word in words.values())
    print_table("Checks", rows, headings, caption=counts, most=len(rows))


def _failure(failed: Sequence[Check], count: int) -> str:
    first = [f"{one.tap or 'the model'}: {one.check}: {one.details}" for one in failed[:3]]
    return f"{len(failed)} of {counted(count, 'check')} failed: {'; '.join(first)}{'; ...' if len(failed) > 3 else ''}"


def _print_tables(scope: Scope, rows: Sequence[dict[str, Any]]) -> None:
    stated = scope.contract.filled()
    if not scope.contract.minimum_length:
        del stated["minimum_length"]
    if scope.classes:
        stated["classes"] = (
            f"{len(scope.classes)}: {', '.join(scope.classes[:12])}{', ...' if len(scope.classes) > 12 else ''}"
        )
    out_console.print(facts_table({"model": scope.name} | stated))
    print_table("Taps; hop and receptive field in samples", rows, _HEADINGS)
    noted: dict[str, list[str]] = {}
    for row in rows:
        if row["note"]:
            noted.setdefault(row["note"], []).append(row["name"])
    for note, names in noted.items():
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        out_console.print(f"{', '.join(names[:_MOST_NAMES])}{more}: {note}", markup=False)
