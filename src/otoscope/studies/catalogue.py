"""The list of all claims, as docs/studies.md has it: how each stands by the rows that come with Otoscope."""

from __future__ import annotations

from collections.abc import Sequence

from otoscope.studies.claim import Judged
from otoscope.studies.estimate import short
from otoscope.studies.inputs import Folder
from otoscope.studies.listing import find_study, names
from otoscope.studies.page import counts, markdown_table
from otoscope.studies.run import run
from otoscope.studies.study import Setting, Study

HEADINGS = ("claim", "where", "what it says", "published", "here", "data of the work")


def judged_by_kept_rows(study: Study) -> list[Judged]:
    """The claims of a study by the rows that come with Otoscope; nothing is computed, and no data is needed.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of Judged
        In the order of the claims.
    """
    return run(study, Setting(data=Folder()), None, rows_only=True).judged


def claims_in_markdown() -> str:
    """A table of claims for each study, under its title, with how many of them hold."""
    blocks = []
    for study in map(find_study, names()):
        judged = judged_by_kept_rows(study)
        said = ", ".join(f"{count} {verdict}" for verdict, count in counts(judged).items() if count)
        head = f"## {study.title} (`otoscope study {study.name}`)\n\n{study.about} {len(judged)} claims: {said}."
        blocks.append(f"{head}\n\n{markdown_table(HEADINGS, _rows(judged))}")
    return "\n\n".join(blocks)


def _rows(judged: Sequence[Judged]) -> list[list[str]]:
    return [
        [
            one.claim.number,
            one.claim.where,
            one.claim.text,
            one.claim.published,
            _here(one),
            ", ".join(one.claim.needs) or "any",
        ]
        for one in judged
    ]


def _here(one: Judged) -> str:
    found = one.estimate
    if found is None:
        return one.verdict
    ours = f"{short(found.value)} {found.unit}".strip()
    interval = f" ({found.interval})" if found.interval else ""
    return f"**{one.verdict}**: {ours}{interval}, {found.of}"
