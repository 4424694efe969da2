"""Facts that are measured from the sounds of a run, once: they are kept beside its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from otoscope.audio import load_piece
from otoscope.data.find import find_sounds
from otoscope.data.item import Item
from otoscope.data.items import names_of
from otoscope.dsp.sound_facts import quantities, sound_facts
from otoscope.errors import InputError
from otoscope.files import whole_file
from otoscope.optional import needs
from otoscope.runs.run import Run
from otoscope.sweeps.plan import listed

if TYPE_CHECKING:
    import pandas as pd

FILE = "facts.parquet"
_VERSION = 1  # of what is measured
_SAME_LENGTH = 1e-3  # s

Report = Callable[[int, int], None]


def measured_facts(run: Run, *, progress: Report | None = None) -> tuple[pd.DataFrame, list[str]]:
    """What is measured of every clip of a run, from ``facts.parquet`` in its folder, or now.

    Parameters
    ----------
    run : Run
        A sweep; its sounds have to be where they were.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.

    Returns
    -------
    facts : DataFrame
        `clip` and the facts that :func:`otoscope.dsp.sound_facts.quantities` names, at the rate of the model.
    notes : list of str
        What was left out, and why.

    Raises
    ------
    InputError
        If the sounds are not there, or are others than those that were swept.

    Notes
    -----
    The file carries a fingerprint of the list of clips, the rate and what is measured; where that differs it is
    made again.
    """
    voice = _voice_there()
    rate, stamp = _stamp(run, voice)
    kept = _kept(run, stamp)
    if kept is not None:
        return kept, _notes(voice, int(kept["level"].isna().sum()))
    table = _measure(run, rate, voice, progress)
    _write(table, run.folder / FILE, stamp)
    return table, _notes(voice, int(table["level"].isna().sum()))


def facts_there(run: Run) -> pd.DataFrame | None:
    """What :func:`measured_facts` kept beside the tables of a run, of its clips; None where it has measured nothing."""
    found = (_kept(run, _stamp(run, voice)[1]) for voice in (True, False))
    return next((table for table in found if table is not None), None)


def _stamp(run: Run, voice: bool) -> tuple[int, str]:
    """The rate at which sounds are measured, and by what their facts are known again."""
    rate = int(run.info["model"]["subject"].get("sample_rate") or 16_000)
    return rate, f"{run.info['data']['sha256']} {rate} {_VERSION} {'voice' if voice else ''}".strip()


def _kept(run: Run, stamp: str) -> pd.DataFrame | None:
    pq = needs("pyarrow.parquet", extra="sweep", purpose="facts of a run")
    path = run.folder / FILE
    if not path.is_file():
        return None
    try:
        kept = pq.read_table(path)
    except (OSError, ValueError):  # a damaged file is made again
        return None
    fits = (kept.schema.metadata or {}).get(b"otoscope", b"").decode() == stamp
    table: pd.DataFrame | None = kept.to_pandas() if fits else None
    return table


def _voice_there() -> bool:
    try:
        needs("parselmouth", extra="voice")
    except InputError:
        return False
    return True


def _notes(voice: bool, silent: int) -> list[str]:
    said = [] if voice else ["F0 is not among the facts, which parselmouth measures: pip install otoscope[voice]"]
    if silent:
        said.append(f"{silent} clips are silent or cannot be read, of which nothing was measured")
    return said


def _measure(run: Run, rate: int, voice: bool, progress: Report | None) -> pd.DataFrame:
    pandas = needs("pandas", extra="sweep", purpose="facts of a run")
    items = _items(run, rate)
    rows: list[dict[str, Any]] = []
    names = quantities(rate)
    for number, item in enumerate(items):
        try:
            facts = sound_facts(_samples(item, rate), rate, voice=voice)
        except InputError:  # the sweep has it among its errors
            facts = dict.fromkeys(names, float("nan"))
        rows.append({"clip": number, **facts})
        if progress:
            progress(number + 1, len(items))
    table: pd.DataFrame = pandas.DataFrame(rows, columns=["clip", *names])
    return table


def _samples(item: Item, rate: int) -> Any:
    start = item.start or 0.0
    if isinstance(item.sound, xr.DataArray):
        return item.sound.values.reshape(-1, item.sound.sizes["time"]).mean(0)
    return load_piece(item.sound, rate, start, None if item.stop is None else item.stop - start)


def _items(run: Run, rate: int) -> list[Item]:
    """The sounds of a run, in the order of its clips."""
    data = run.info["data"]
    try:
        found = find_sounds(data["given"], by=data.get("by"), sample_rate=rate)
        listing = listed(found, data["ids"])
    except InputError as error:
        raise InputError(
            f"the sounds of {run.folder} cannot be found again ({error}): put them where they were swept, or leave "
            "out what is measured from them with --no-measured"
        ) from None
    ids = {listing.ids[place].decode(): place for place in range(len(listing))}
    names = {name: place for place, name in enumerate(names_of(listing.items))}
    wanted = run.sql("SELECT id, name, seconds FROM items ORDER BY clip")
    places = [ids.get(one.id, names.get(one.name)) for one in wanted.itertuples()]
    lost = [
        one.name
        for one, place in zip(wanted.itertuples(), places, strict=True)
        if place is None or abs(listing.seconds[place] - one.seconds) > _SAME_LENGTH
    ]
    if lost:
        raise InputError(
            f"{len(lost)} of the {len(wanted)} clips of {run.folder} are not in {data['given']} any more, or are of "
            f"another length now, the first of them {lost[0]}: put the sounds back that were swept, or leave out what "
            "is measured with --no-measured"
        )
    return [listing.items[place] for place in places if place is not None]


def _write(table: pd.DataFrame, path: Path, stamp: str) -> None:
    pa = needs("pyarrow", extra="sweep", purpose="facts of a run")
    pq = needs("pyarrow.parquet", extra="sweep", purpose="facts of a run")
    made = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata({"otoscope": stamp})
    with whole_file(path) as part:
        pq.write_table(made, part)


def named_units(rate: int, columns: Iterable[str]) -> dict[str, str]:
    """Units of those columns that are measured."""
    known = quantities(rate)
    return {name: known[name].units for name in columns if name in known}
