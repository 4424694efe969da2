"""What a study leaves in its folder: the page, the same in Markdown, the claims as CSV and JSON, tables, and figures.

Nothing in it says when or how fast it was made, so that the same rows make the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope._version import __version__
from otoscope.citations import reference
from otoscope.errors import InputError
from otoscope.files import make_folder, write_text
from otoscope.markup import cell
from otoscope.plots.saved import save_figure
from otoscope.plots.style import STYLES, styled
from otoscope.report.html import Figure, Heading, Item, Note, Section, Table, render
from otoscope.studies.claim import Judged
from otoscope.studies.estimate import short
from otoscope.studies.run import Ran
from otoscope.studies.study import Listing, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

CLAIM_HEADINGS = ("claim", "where", "what it says", "published", "ours", "95 % interval", "on", "holds?")
RECORD = "study.json"


def write_study(ran: Ran, out: Path) -> Path:
    """Write the page of a study and everything beside it.

    Parameters
    ----------
    ran : Ran
    out : Path
        Its folder.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the folder holds another study, or cannot be written.
    """
    check_out(out, ran.study.name)
    make_folder(out)
    drawn = _draw(ran, make_folder(out / "figures"))
    tables = _tables(ran, make_folder(out / "tables"))
    write_text(out / "claims.csv", _csv(CLAIM_HEADINGS, claim_rows(ran.judged)))
    write_text(out / RECORD, json.dumps(record(ran), indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    write_text(out / "study.md", _markdown(ran, drawn, tables))
    page = out / "study.html"
    write_text(page, _page(ran, drawn, tables))
    _close(drawn)
    return page


def check_out(out: Path, name: str) -> None:
    """Say before long work that a folder holds another study.

    Raises
    ------
    InputError
        If it does.
    """
    try:
        held = json.loads((out / RECORD).read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, LookupError, TypeError):
        return
    if held != name:
        raise InputError(f"{out} holds the study {held}: give another folder by --out")


def claim_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """A row of text for each claim, under the headings of ``CLAIM_HEADINGS``."""
    rows = []
    for one in judged:
        claim, found = one.claim, one.estimate
        ours = "" if found is None else f"{short(found.value)} {found.unit}".strip()
        on = "" if found is None else found.of
        rows.append([
            claim.number, claim.where, claim.text, claim.published, ours, "" if found is None else found.interval,
            on, one.verdict if found is not None else f"not run here: {needed(one)}",
        ])  # fmt: skip
    return rows


def needed(one: Judged) -> str:
    """What a claim that was not run needs, or why it was not."""
    needs = f"needs {', '.join(one.claim.needs)}" if one.claim.needs else ""
    return "; ".join(filter(None, (needs, one.reason)))


def record(ran: Ran) -> dict[str, Any]:
    """The study as one JSON object.

    Returns
    -------
    dict
        `study`, `title`, `works`, `version`, `quick`, `seeds`, `changes`, `part`, `counts` of verdicts, `claims`,
        `steps` with the files of their rows, and `left_out`.
    """
    study, setting = ran.study, ran.setting
    return {
        "study": study.name,
        "title": study.title,
        "works": [reference(key) for key in study.works],
        "version": __version__,
        "quick": setting.quick,
        "seeds": setting.seeds,
        "changes": list(setting.changes),
        "part": ran.part,
        "counts": counts(ran.judged),
        "claims": [_claim(one) for one in ran.judged],
        "steps": [
            {
                "step": one.step.name,
                "rows": None if one.kept is None else one.kept.path.name,
                "inputs": {} if one.kept is None else dict(one.kept.inputs),
                "command": one.step.command,
            }
            for one in ran.steps
        ],
        "left_out": [*study.left_out, *missing(ran)],
    }


def counts(judged: Sequence[Judged]) -> dict[str, int]:
    """How many claims there are of each verdict."""
    order = ("holds", "fails", "undecided", "not run here")
    return {verdict: sum(one.verdict == verdict for one in judged) for verdict in order}


def missing(ran: Ran) -> list[str]:
    """The steps that were left out, by table and by what was missing."""
    said: dict[tuple[str, str], int] = {}
    for one in ran.steps:
        if one.kept is None:
            needs = ", ".join(i.name for i in one.step.inputs if not ran.setting.data.has(i))
            reason = f"needs {needs}" if needs else "has not been computed"
            said[one.step.table, reason] = said.get((one.step.table, reason), 0) + 1
    return [f"{table} ({count} of its steps): {reason}" for (table, reason), count in said.items()]


def _claim(one: Judged) -> dict[str, Any]:
    claim, found = one.claim, one.estimate
    return {
        "number": claim.number,
        "work": claim.work,
        "where": claim.where,
        "claim": claim.text,
        "published": claim.published,
        "test": claim.rule,
        "value": None if found is None else _finite(found.value),
        "low": None if found is None else _finite(found.low),
        "high": None if found is None else _finite(found.high),
        "unit": None if found is None else found.unit,
        "of": None if found is None else found.of,
        "verdict": one.verdict,
        "reason": one.reason,
        "needs": list(claim.needs),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# -- Figures and tables -----------------------------------------------------------------------------------


def _draw(ran: Ran, folder: Path) -> list[tuple[Picture, Drawing]]:
    """Every figure whose rows are there, drawn and written."""
    drawn = []
    for picture in ran.study.pictures:
        if _shown(picture, ran):
            with styled("paper"):
                figure = picture.draw(ran.found)
            for suffix in ("pdf", "png"):
                save_figure(figure, folder / f"{picture.name}.{suffix}")
            drawn.append((picture, figure))
    return drawn


def _close(drawn: Sequence[tuple[Picture, Drawing]]) -> None:
    import matplotlib.pyplot as plt

    for _, figure in drawn:
        plt.close(figure)


def _tables(ran: Ran, folder: Path) -> list[tuple[Listing, Table]]:
    """Every table whose rows are there; as CSV also the rows themselves."""
    for name in ran.found.tables:
        rows = ran.found.rows(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        write_text(
            folder / f"rows-{name}.csv", _csv(columns, [[row.get(column) for column in columns] for row in rows])
        )
    made = []
    for listing in ran.study.tables:
        if _shown(listing, ran):
            headings, lines = listing.make(ran.found)
            write_text(folder / f"{listing.name}.csv", _csv(headings, lines))
            made.append((listing, Table(headings, lines, listing.caption)))
    return made


def _shown(one: Picture | Listing, ran: Ran) -> bool:
    return ran.part in (None, one.part) and all(ran.found.rows(table) for table in one.uses)


def _not_shown(ran: Ran) -> list[str]:
    everything: list[Picture | Listing] = [*ran.study.tables, *ran.study.pictures]
    return [f"{one.title}: no rows of {' and '.join(one.uses)}" for one in everything if not _shown(one, ran)]


def _csv(headings: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return text.getvalue()


# -- The page ---------------------------------------------------------------------------------------------


def _facts(ran: Ran) -> dict[str, object]:
    said = counts(ran.judged)
    data: dict[str, str] = {}
    for one in ran.steps:
        data |= {} if one.kept is None else dict(one.kept.inputs)
    seeds, changes = ran.setting.seeds, ran.setting.changes
    return {
        "works": "; ".join(reference(key) for key in ran.study.works),
        "run": ", ".join(
            ["quick" if ran.setting.quick else "in full", *([] if seeds is None else [f"{seeds} seeds"]), *changes]
        ),
        "data": ", ".join(f"{name} ({digest[:8]})" for name, digest in sorted(data.items())) or "none",
        "claims": ", ".join(f"{count} {verdict}" for verdict, count in said.items()),
    }


def _notes(ran: Ran) -> list[str]:
    notes = [
        "The test of each claim was fixed before anything was measured. A claim holds only where the whole 95 % "
        "interval of ours lies on its side, and fails only where the whole of it lies on the other. Ours is measured "
        "on the data named beside it, which is not the work's own where that is not named: no such number is a "
        "reproduction of the published one."
    ]
    if ran.setting.quick:
        notes.append("This is a quick run, with fewer runs and clips: its intervals are wide.")
    return notes


def _command(ran: Ran) -> str:
    setting = ran.setting
    options = " --quick" * setting.quick + (f" --seeds {setting.seeds}" if setting.seeds is not None else "")
    options += "".join(f" --change {one}" for one in setting.changes) + (f" --only {ran.part}" if ran.part else "")
    return f"otoscope study {ran.study.name}{options} --data DATA --out OUT"


def _steps(ran: Ran) -> list[list[str]]:
    """The steps table by table: how many, the files of their rows, and the command of the first."""
    rows = []
    for table in dict.fromkeys(one.step.table for one in ran.steps):
        steps = [one for one in ran.steps if one.step.table == table]
        files = [one.kept.path.name for one in steps if one.kept is not None]
        shown = ", ".join(files[:2]) + (f" and {len(files) - 2} more" if len(files) > 2 else "")
        rows.append([table, f"{len(files)} of {len(steps)}", shown, steps[0].step.command])
    return rows


def _page(ran: Ran, drawn: Sequence[tuple[Picture, Drawing]], tables: Sequence[tuple[Listing, Table]]) -> str:
    study = ran.study
    tests = Table(
        ("claim", "test"), [[one.claim.number, one.claim.rule] for one in ran.judged if one.claim.rule], "Tests"
    )
    body: list[Item] = [_claims(ran), tests]
    sections = [Section("Claims", study.about, source="", made=_command(ran), body=body)]
    for listing, table in tables:
        sections.append(Section(listing.title, "", made=_from(listing), body=[table]))
    for picture, figure in drawn:
        narrow = figure.get_figwidth() < STYLES["paper"].inches(2)
        sections.append(
            Section(
                picture.title,
                "",
                source=picture.published,
                made=f"{_from(picture)}; figures/{picture.name}.pdf",
                body=[Figure(figure, picture.title, picture.caption, half=narrow)],
            )
        )
    left: list[Item] = [Note(one) for one in study.left_out]
    absent = [one.rpartition(": ")[::2] for one in (*missing(ran), *_not_shown(ran))]
    if absent:
        left.append(Table(("not here", "why"), absent, "Steps, tables and figures that this run does not have"))
    sections.append(Section("What was left out", "" if left else "Nothing.", body=left))
    steps = Table(("table", "steps", "rows kept in", "by hand"), _steps(ran), "Steps")
    sections.append(Section("How it was made", "", made=_command(ran), body=[Heading("Rows"), steps]))
    return render(study.title, sections, _facts(ran), notes=_notes(ran))


def _claims(ran: Ran) -> Table:
    """What :func:`claim_rows` has in columns for a program, in fewer for the eye."""
    rows = []
    for number, where, said, published, ours, interval, on, verdict in claim_rows(ran.judged):
        claim = f"{number}: {said} ({where})"
        rows.append([claim, published, "; ".join(filter(None, (ours, on))), interval, verdict])
    return Table(("claim", "published", "ours, on", "95 % interval", "holds?"), rows)


def _from(one: Picture | Listing) -> str:
    return f"rows of {', '.join(one.uses)}"


def _markdown(ran: Ran, drawn: Sequence[tuple[Picture, Drawing]], tables: Sequence[tuple[Listing, Table]]) -> str:
    study = ran.study
    parts = [f"# {study.title}", study.about, "\n".join(f"- {name}: {fact}" for name, fact in _facts(ran).items())]
    parts += [*_notes(ran), f"    {_command(ran)}", "## Claims", markdown_table(CLAIM_HEADINGS, claim_rows(ran.judged))]
    parts += ["Tests:", "\n".join(f"- {one.claim.number}: {one.claim.rule}" for one in ran.judged if one.claim.rule)]
    for listing, table in tables:
        parts += [f"## {listing.title}", listing.caption, markdown_table(table.columns, table.rows)]
    for picture, _ in drawn:
        parts += [f"## {picture.title}", picture.caption, f"![{picture.title}](figures/{picture.name}.png)"]
    left = [*study.left_out, *missing(ran), *_not_shown(ran)]
    parts += ["## What was left out", "\n".join(f"- {one}" for one in left) or "Nothing."]
    parts += ["## How it was made", markdown_table(("table", "steps", "rows kept in", "by hand"), _steps(ran))]
    return "\n\n".join(filter(None, parts)) + "\n"


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown.

    Examples
    --------
    >>> print(markdown_table(("a", "b"), [[1, "x|y"]]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [list(headings), ["---"] * len(headings), *([_md(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _md(value: object) -> str:
    return cell(value).replace("|", "\\|").replace("\n", " ")
