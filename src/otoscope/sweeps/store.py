"""The run folder: what is written there, whole or not at all, and what of it is there already."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from otoscope.errors import InputError
from otoscope.files import make_folder, whole_file, write_new
from otoscope.optional import needs
from otoscope.runs.info import INFORMS, fingerprint, read_info
from otoscope.runs.parts import LEFT_OUT, check_part, facts_in, parts_in, shard_of

ROW_GROUP = 100_000
"""Rows that a reader skips together where it looks for another layer or channel."""

_OURS = re.compile(r"rows|errors|arrays|sounds|items\.parquet|(run\.json|items\.parquet)\.[0-9a-f]+\.part")


class Taken(Exception):
    """Another process began the same run."""


class Store:
    """A run folder.

    Parameters
    ----------
    folder : str or path
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    # -- The plan -----------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any] | None:
        """What ``run.json`` says; None where the folder is new.

        Raises
        ------
        InputError
            If it cannot be read, or is of another version; if there is none, and the folder holds other things.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file: give the name of a folder with --out")
        try:
            run = read_info(self.folder)
        except FileNotFoundError:
            self._check_new()
            return None
        if run["kind"] != "sweep":
            raise InputError(f"{self.folder} is the folder of another kind of run: give another folder with --out")
        return run

    def _check_new(self) -> None:
        others = [path.name for path in self.folder.glob("*") if not _OURS.fullmatch(path.name)]
        if others:
            raise InputError(
                f"{self.folder} is not a run folder and holds {others[0]}: give a new or empty folder with --out"
            )

    @contextmanager
    def new_list(self, tables: Iterator[Any], digest: Callable[[], str]) -> Iterator[str]:
        """Write the list of a run that is to begin, as tables; it gets its place if what is done with it does not fail.

        Parameters
        ----------
        tables : iterator
        digest : callable
            The hash of the list, when all tables were taken.

        Yields
        ------
        str
            That hash, which is kept with the list.
        """
        new = not self.folder.exists()
        make_folder(self.folder)
        try:
            with whole_file(self.folder / "items.parquet") as part:
                write_tables(part, tables, {}, lambda: {"list": digest()})
                yield digest()
        except Taken:  # whose list this is, too
            pass
        except BaseException:
            if new:
                with suppress(OSError):
                    self.folder.rmdir()
            raise

    def begin(self, run: Mapping[str, Any]) -> None:
        """Write ``run.json``, by which the folder is this run's.

        Raises
        ------
        Taken
            If another process began the same run meanwhile, which is none to :meth:`new_list`.
        InputError
            If it began another run.
        """
        if not write_new(self.folder / "run.json", json.dumps(run, indent=1, ensure_ascii=False) + "\n"):
            check_same(self.run() or {}, run, self.folder)
            raise Taken

    def complete(self, run: Mapping[str, Any], items: Callable[[], Iterator[Any]], left_out: Any) -> None:
        """Write what of the plan is not there, is damaged, or is of another run: the list, and what it leaves out."""
        for name in ("rows", "errors"):
            make_folder(self.folder / name)
        of_list, of_run = {"list": str(run["data"]["sha256"])}, {"fingerprint": fingerprint(run)}
        wanted = {"items.parquet": (items, of_list), LEFT_OUT: (lambda: iter([left_out]), of_run)}
        if not left_out.num_rows:
            del wanted[LEFT_OUT]
            (self.folder / LEFT_OUT).unlink(missing_ok=True)
        for name, (tables, facts) in wanted.items():
            if not _says(self.folder / name, facts):
                with whole_file(self.folder / name) as part:
                    write_tables(part, tables(), {}, lambda facts=facts: facts)  # type: ignore[misc]

    # -- Shards -------------------------------------------------------------------------------------------

    def part(self, kind: str, shard: int) -> Path:
        return self.folder / kind / f"part-{shard:05d}.parquet"

    def finished(self, fingerprint: str) -> set[int]:
        """The shards whose rows are there.

        Raises
        ------
        InputError
            If a part is damaged, or of another run.
        """
        parts = parts_in(self.folder / "rows")
        for shard, path in parts.items():
            check_part(path, fingerprint, shard)
        return set(parts)

    def causes(self, shards: Iterable[int], *, of_list: bool) -> dict[str, int]:
        """How many clips of some shards, of those that are done, had an error, by cause."""
        pq = needs("pyarrow.parquet", extra="sweep")
        count: Counter[str] = Counter()
        paths = [self.part("errors", shard) for shard in shards if self.part("rows", shard).exists()]
        for path in [*paths, *([self.folder / LEFT_OUT] if of_list else [])]:
            if path.exists():
                table = pq.read_table(path, columns=["name", "cause"]).to_pydict()
                count.update(cause for _, cause in set(zip(table["name"], table["cause"], strict=True)))
        return dict(sorted(count.items()))

    def tidy(self, shards: Collection[int], *, alone: bool) -> None:
        """Remove what processes that were killed left behind of some shards, which nothing else works on.

        Where nothing else works on other shards either, what is left behind of the plan goes, too.
        """
        for path in self.folder.glob("*.part") if alone else ():
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        for kind in ("rows", "errors"):
            for path in (self.folder / kind).glob("*.part"):
                shard = shard_of(path.name)
                if alone if shard is None else shard in shards:
                    path.unlink(missing_ok=True)

    def commit(self, shard: int, rows: Any, errors: Any, facts: Mapping[str, str]) -> None:
        """Write the errors of a shard, and then its rows, which say that it is done.

        Parameters
        ----------
        shard : int
        rows, errors : tables
        facts : mapping of str to str
            For the footers.
        """
        place = self.part("errors", shard)
        if errors.num_rows:
            with whole_file(place) as part:
                write_tables(part, iter([errors]), facts)
        else:
            place.unlink(missing_ok=True)
        with whole_file(self.part("rows", shard)) as part:
            write_tables(part, iter([rows]), facts)


def write_tables(
    path: Path, tables: Iterator[Any], facts: Mapping[str, str], late: Callable[[], Mapping[str, str]] | None = None
) -> None:
    """Write tables of one schema, one or more, as a Parquet file whose bytes depend on nothing but them.

    `facts` go into its footer, with ``otoscope.`` before their names, and so does what `late` says when all tables are
    written.
    """
    pq = needs("pyarrow.parquet", extra="sweep")
    first = next(tables)
    schema = first.schema.with_metadata(_named(facts))
    coded = [field.name for field in schema if str(field.type).startswith(("dictionary", "string"))]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=coded) as writer:
        writer.write_table(first.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)
        if late is not None:
            writer.add_key_value_metadata(_named(late()))


def _named(facts: Mapping[str, str]) -> dict[str, str]:
    return {f"otoscope.{name}": fact for name, fact in facts.items()}


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raise an InputError where a run is not the one that a folder was begun with; it names the field."""
    differing = _differing(before, now)
    if differing is None:
        return
    field, old, new = differing
    what = {"data.sha256": "the list of clips", "model.sha256": "the weights of the model"}.get(field)
    what = f"{what} ({field})" if what else field
    raise InputError(
        f"{folder} holds another run: {what} is {_short(old)} there, and {_short(new)} now. Give another folder with "
        "--out, or what that run was begun with"
    )


def _differing(before: Any, now: Any, path: tuple[str, ...] = ()) -> tuple[str, Any, Any] | None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if (*path, key) not in INFORMS:
                found = _differing(before.get(key), now.get(key), (*path, key))
                if found is not None:
                    return found
        return None
    return None if before == now else (".".join(path), before, now)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _says(path: Path, facts: Mapping[str, str]) -> bool:
    """Whether a table is there, whole, and its footer says so much."""
    try:
        found = facts_in(path)
    except InputError:
        return False
    return all(found.get(name.encode()) == fact.encode() for name, fact in _named(facts).items())
