"""The folder of a description: its tables, for machines and for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.files import make_folder, whole_file
from otoscope.optional import needs

if TYPE_CHECKING:
    from otoscope.descriptions.describe import Description

TABLES = ("maps", "layers", "facts")


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
