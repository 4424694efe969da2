"""The folder of a description: its tables, for machines and for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.errors import InputError
from otoscope.files import make_folder, whole_file
from otoscope.optional import needs

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.descriptions.describe import Description

TABLES = ("maps", "layers", "facts")
_OF_MAPS = {"layer", "channel", "description", "described", "dead", "fact", "measure", "score", "chance", "explained"}


def write_description(found: Description, folder: str | Path) -> list[Path]:
    """Write each table as Parquet and as CSV, replacing those of an earlier description.

    Parameters
    ----------
    found : Description
    folder : str or Path
        Made where it is missing.

    Returns
    -------
    list of Path
        ``maps.parquet``, ``maps.csv``, and so on of `layers` and `facts`.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    needs("pyarrow", extra="sweep", purpose="a description in Parquet")
    place, written = make_folder(folder), []
    for name in TABLES:
        table = getattr(found, name)
        for path in (place / f"{name}.parquet", place / f"{name}.csv"):
            with whole_file(path) as part:
                if path.suffix == ".csv":
                    table.to_csv(part, index=False)
                else:
                    table.to_parquet(part, index=False)
            written.append(path)
    return written


def read_maps(folder: str | Path) -> pd.DataFrame:
    """The table of maps in a folder that :func:`write_description` wrote.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    DataFrame
        A row a map, as :class:`otoscope.descriptions.describe.Description` has it.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    pandas = needs("pandas", extra="sweep", purpose="a description")
    path = Path(folder) / "maps.parquet"
    try:
        table: pd.DataFrame = pandas.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"{folder} holds no maps.parquet: give what otoscope describe RUN --out wrote") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({str(error).splitlines()[0]}): describe the run again") from None
    missing = _OF_MAPS - {*table.columns}
    if missing:
        raise InputError(f"{path} has no column {min(missing)}: describe the run again, with otoscope describe --out")
    return table
