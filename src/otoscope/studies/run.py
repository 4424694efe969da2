"""A study run: steps that are missing computed, claims judged, and all of it as one record."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from otoscope.errors import InputError
from otoscope.files import make_folder
from otoscope.studies.claim import Claim, Judged
from otoscope.studies.found import Found
from otoscope.studies.inputs import Folder
from otoscope.studies.step import Outcome, Report, Step, Work
from otoscope.studies.store import Kept, Store
from otoscope.studies.study import Setting, Study, rows_folder

State = Literal["kept", "to compute", "no data", "not trained"]


@dataclass(frozen=True)
class Planned:
    """A step of a plan, and how it stands.

    Attributes
    ----------
    step : Step
    state : {"kept", "to compute", "no data", "not trained"}
        Its rows are kept; it can be computed; its data is not there; a model that it opens cannot be trained here.
    kept : Kept or None
    """

    step: Step
    state: State
    kept: Kept | None = None


@dataclass(frozen=True)
class Ran:
    """A study that has been run.

    Attributes
    ----------
    study : Study
    setting : Setting
    part : str or None
        The only part that was run.
    found : Found
    judged : list of Judged
        In the order of the claims.
    steps : list of Planned
        Those whose rows are not kept were left out.
    """

    study: Study
    setting: Setting
    part: str | None
    found: Found
    judged: list[Judged]
    steps: list[Planned]


def plan(study: Study, setting: Setting, out: Path | None, *, part: str | None = None) -> list[Planned]:
    """The steps of a run, and what is left to compute.

    Parameters
    ----------
    study : Study
    setting : Setting
    out : Path or None
        The folder of the run; without it only the rows that come with Otoscope are looked at.
    part : str, optional
        One part of the study.

    Returns
    -------
    list of Planned

    Raises
    ------
    InputError
        If the study has no such part, or kept rows are damaged.
    """
    store, data = _store(study, out), setting.data
    found: dict[str, Planned] = {}
    for step in study.steps(setting, part):
        kept = store.find(step, data)
        found[step.recipe] = Planned(step, "kept" if kept else _state(step, data, found), kept)
    return list(found.values())


def run(
    study: Study,
    setting: Setting,
    out: Path | None,
    *,
    part: str | None = None,
    rows_only: bool = False,
    jobs: int = 1,
    report: Report = lambda step, done, total: None,
) -> Ran:
    """Run a study, or go on with one that was stopped.

    Parameters
    ----------
    study : Study
    setting : Setting
    out : Path or None
        The folder in which rows and trained models are kept; it may be None with `rows_only`.
    part : str, optional
        One part of the study.
    rows_only : bool
        Compute nothing: judge by the rows that are kept, in `out` or with Otoscope, whatever data they are of.
    jobs : int
        Steps at a time, each in a process of its own with one thread.
    report : callable
        Called with what is done, how many steps, and of how many.

    Returns
    -------
    Ran
        The same whether it was stopped in between or not: whatever is computed is read back from where it is kept.

    Raises
    ------
    InputError
        If a part, an option or data is wrong; what was computed until then is kept.
    """
    if jobs < 1:
        raise InputError(f"jobs has to be 1 or more, not {jobs}")
    if out is None and not rows_only:
        raise InputError("a study needs a folder for its rows: give --out")
    planned = plan(study, setting, out, part=part)
    if rows_only:
        store = _store(study, out)
        planned = [replace(one, kept=store.find(one.step, setting.data, any_data=True)) for one in planned]
    elif out is not None:
        store = _store(study, out)
        missing = [one.step for one in planned if one.state == "to compute"]
        _compute(missing, store, setting.data, make_folder(out / "models"), jobs, report)
        planned = [replace(one, kept=store.find(one.step, setting.data)) for one in planned]
    tables: dict[str, list[Kept]] = {}
    for one in planned:
        if one.kept is not None:
            tables.setdefault(one.step.table, []).append(one.kept)
    found = Found(tables, setting.quick)
    judged = [judge(claim, found, part) for claim in study.claims]
    return Ran(study, setting, part, found, judged, planned)


def judge(claim: Claim, found: Found, part: str | None = None) -> Judged:
    """A claim with what the rows say of it.

    Parameters
    ----------
    claim : Claim
    found : Found
    part : str, optional
        The only part that was run: claims of others are not.

    Returns
    -------
    Judged
    """
    missing = [table for table in claim.uses if not found.rows(table)]
    if claim.measure is None:
        return Judged(claim, None, "not run here", "nothing here measures it yet")
    if part is not None and claim.part != part:
        return Judged(claim, None, "not run here", f"only the part {part} was run")
    if missing:
        return Judged(claim, None, "not run here", f"no rows of {' and '.join(missing)}")
    estimate = claim.measure(found)
    reason = "" if estimate is not None else "its rows do not say it"
    return Judged(claim, estimate, claim.verdict(estimate), reason)


def _store(study: Study, out: Path | None) -> Store:
    return Store(None if out is None else out / "rows", [rows_folder(study.name)])


def _state(step: Step, data: Folder, earlier: dict[str, Planned]) -> State:
    if not all(data.has(one) for one in step.inputs):
        return "no data"
    if any(earlier[one.recipe].state in ("no data", "not trained") for one in step.needs):
        return "not trained"
    return "to compute" if step.key(data) is not None else "not trained"


# -- Computing --------------------------------------------------------------------------------------------


def _compute(steps: Sequence[Step], store: Store, data: Folder, models: Path, jobs: int, report: Report) -> None:
    """Compute steps, several at a time, each after those whose models it opens; keep what each found at once."""
    waiting = _with_models(steps, data, models)
    total, done = len(waiting), set[str]()
    wanted = {step.recipe for step in steps}

    def keep(step: Step, outcome: Outcome) -> None:
        if step.recipe in wanted:
            store.write(step, data, outcome)
        done.add(step.recipe)
        report(step.name, len(done), total)

    if jobs == 1:
        for step in waiting:
            report(step.name, len(done), total)
            inner: Report = lambda what, at, of, step=step: report(f"{step.name}: {what}", len(done), total)  # type: ignore[misc]  # noqa: E731
            keep(step, execute(step, data, models, inner))
        return
    before = {step.recipe for step in waiting}
    running: dict[Future[Outcome], Step] = {}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        try:
            while waiting or running:
                for step in list(waiting):
                    if len(running) < jobs and not any(
                        one.recipe in before and one.recipe not in done for one in step.needs
                    ):
                        waiting.remove(step)
                        running[pool.submit(execute, step, data, models)] = step
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    keep(running.pop(future), future.result())
        except BrokenProcessPool:
            raise InputError(
                "a process that computed a step ended without a word, as where memory is short; what was done is kept, "
                "and the same command continues (with fewer --jobs, if it happens again)"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _with_models(steps: Sequence[Step], data: Folder, models: Path) -> list[Step]:
    """Steps, with those whose rows are kept but whose models are not here and are opened, each after what it needs."""
    found: dict[str, Step] = {}

    def add(step: Step) -> None:
        for one in step.needs:
            if one.recipe not in found and not (models / str(one.key(data)) / "config.json").is_file():
                add(one)
        found.setdefault(step.recipe, step)

    for step in steps:
        add(step)
    return list(found.values())


def execute(step: Step, data: Folder, models: Path, report: Report | None = None) -> Outcome:
    """Compute a step with one thread, so that its rows do not depend on how many there are.

    Parameters
    ----------
    step : Step
    data : Folder
    models : Path
        The folder of trained models.
    report : callable, optional

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        With the name of the step.
    """
    work = Work(step, data, models) if report is None else Work(step, data, models, report)
    try:
        with _one_thread():
            return step.run(work)
    except InputError as error:
        raise InputError(f"{step.name}: {error}") from None


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
