"""A study: the steps that it takes, the claims that it judges, and the tables and figures that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.errors import InputError
from otoscope.studies.claim import Claim
from otoscope.studies.found import Found
from otoscope.studies.inputs import Folder, Sounds
from otoscope.studies.step import Step, in_order, of_part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Setting:
    """How a study is run.

    Parameters
    ----------
    quick : bool
        With fewer runs and clips, in minutes.
    seeds : int, optional
        How many runs of each training; as many as the study says by default.
    changes : tuple of str
        Of the recipe of every training, such as ``learn.epochs=3``.
    data : Folder
        Where the data lies.
    """

    quick: bool = False
    seeds: int | None = None
    changes: tuple[str, ...] = ()
    data: Folder = field(default_factory=Folder)

    def seeds_of(self, full: int, quick: int = 1) -> range:
        """The seeds of a training that has so many in full, and so many in a quick run.

        Examples
        --------
        >>> Setting(quick=True).seeds_of(10), Setting(seeds=3).seeds_of(10)
        (range(0, 1), range(0, 3))
        """
        return range(self.seeds if self.seeds is not None else quick if self.quick else full)

    def has(self, *sets: str) -> bool:
        """Whether all of these data sets are there."""
        return all(self.data.has(Sounds(name)) for name in sets)


@dataclass(frozen=True)
class Picture:
    """A figure of a study.

    Parameters
    ----------
    name : str
        Of its files, such as ``fig-3``.
    title : str
    published : str
        The figure of the work, and how it is laid out there.
    caption : str
        What ours shows, and what differs.
    draw : callable
        From what was found to a matplotlib figure. It is called under the settings of a printed page.
    uses : tuple of str
        Tables that it draws; where one is empty it is left out, which the page says.
    part : str
    """

    name: str
    title: str
    published: str
    caption: str
    draw: Callable[[Found], Figure]
    uses: tuple[str, ...]
    part: str = ""


@dataclass(frozen=True)
class Listing:
    """A table of a study, beside that of the work.

    Parameters
    ----------
    name : str
        Of its CSV file, such as ``table-4``.
    title : str
    caption : str
        What stands in it.
    make : callable
        From what was found to headings and rows.
    uses : tuple of str
        Tables of rows that it is made from; where one is empty it is left out, which the page says.
    part : str
    """

    name: str
    title: str
    caption: str
    make: Callable[[Found], tuple[Sequence[str], Sequence[Sequence[object]]]]
    uses: tuple[str, ...]
    part: str = ""


@dataclass(frozen=True)
class Study:
    """The experiments of a work, or on top of several.

    Parameters
    ----------
    name : str
        Of the command, and of the folder in ``studies/``.
    title : str
    about : str
        What it asks, in a sentence.
    works : tuple of str
        Keys of the bibliography.
    claims : tuple of Claim
    plan : callable
        From a setting to the steps. It adds the steps of a full-scale experiment where their data is there.
    parts : tuple of str
        What ``--only`` takes.
    pictures : tuple of Picture
    tables : tuple of Listing
    left_out : tuple of str
        What of the work is not done, and why.
    cost : str
        Time of a quick and of a full run, measured on two cores.
    """

    name: str
    title: str
    about: str
    works: tuple[str, ...]
    claims: tuple[Claim, ...]
    plan: Callable[[Setting], Sequence[Step]]
    parts: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Listing, ...] = ()
    left_out: tuple[str, ...] = ()
    cost: str = ""

    def steps(self, setting: Setting, part: str | None = None) -> list[Step]:
        """The steps of a run, each after those that it needs.

        Raises
        ------
        InputError
            If the study has no such part.
        """
        if part is not None and part not in self.parts:
            raise InputError(f"the study {self.name} has no part {part!r}: its parts are {', '.join(self.parts)}")
        return in_order(of_part(self.plan(setting), part))


HERE = Path(__file__).resolve().parent


def rows_folder(name: str) -> Path:
    """Where the rows of a study are kept that come with Otoscope."""
    return HERE / name / "rows"
