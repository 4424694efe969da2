"""The run folder: what is written there, whole or not at all, and what of it is there already."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from otoscope.errors import InputError
from otoscope.files import make_folder, whole_file, write_text
from otoscope.optional import needs

SCHEMA = 1
"""Version of the layout of a run folder."""

ROW_GROUP = 100_000
"""Rows that a reader skips together where it looks for another layer or channel."""

_LEFT_OUT = "errors/left-out.parquet"
_PART = re.compile(r"part-(\d+)\.parquet")
_OURS = re.compile(r"rows|errors|arrays|sounds|items\.parquet|(run\.json|items\.parquet)\.[0-9a-f]+\.part")
_INFORMS = (("model", "given"), ("data", "given"))  # fields by which a run is not told from another


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
        path = self.folder / "run.json"
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file: give the name of a folder with --out")
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._check_new()
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}): give another folder with --out") from None
        if not isinstance(run, dict) or run.get("schema") != SCHEMA:
            found = run.get("schema") if isinstance(run, dict) else None
            raise InputError(
                f"{self.folder} is a run folder of another version of Otoscope (schema {found}, not {SCHEMA}): give "
                "another folder with --out, or use that version"
            )
        if run.get("kind") != "sweep":
            raise InputError(f"{self.folder} is the folder of another kind of run: give another folder with --out")
        return run

    def _check_new(self) -> None:
        others = [path.name for path in self.folder.glob("*") if not _OURS.fullmatch(path.name)]
        if others:
            raise InputError(
                f"{self.folder} is not a run folder and holds {others[0]}: give a new or empty folder with --out"
            )

    @contextmanager
    def new_list(self, items: Iterator[Any]) -> Iterator[None]:
        """Write the list of a new run, as tables, which goes again where what is done with it fails."""
        new = not self.folder.exists()
        make_folder(self.folder)
        (self.folder / _LEFT_OUT).unlink(missing_ok=True)  # of a start that was killed, perhaps of another run
        try:
            with whole_file(self.folder / "items.parquet") as part:
                write_tables(part, items, {})
            yield
        except BaseException:
            if not (self.folder / "run.json").exists():  # of another process that began the same run
                (self.folder / "items.parquet").unlink(missing_ok=True)
            if new:
                with suppress(OSError):
                    self.folder.rmdir()
            raise

    def begin(self, run: Mapping[str, Any], left_out: Any) -> None:
        """Write the rest of the plan: what was left out of the list, and then ``run.json``."""
        self.complete(None, left_out)
        write_text(self.folder / "run.json", json.dumps(run, indent=1, ensure_ascii=False) + "\n")

    def complete(self, items: Iterator[Any] | None, left_out: Any) -> None:
        """Write what of the plan is not there; the list where it is given."""
        for name in ("", "rows", "errors"):
            make_folder(self.folder / name)
        parts = {"items.parquet": items, _LEFT_OUT: iter([left_out]) if left_out.num_rows else None}
        for name, tables in parts.items():
            if tables is not None and not (self.folder / name).exists():
                with whole_file(self.folder / name) as part:
                    write_tables(part, tables, {})

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
        done = set()
        for path in sorted((self.folder / "rows").glob("part-*.parquet")):
            found = _PART.fullmatch(path.name)
            if found:
                _check_part(path, fingerprint)
                done.add(int(found[1]))
        return done

    def causes(self, shards: Iterable[int], *, of_list: bool) -> dict[str, int]:
        """How many clips of some shards, of those that are done, had an error, by cause."""
        pq = needs("pyarrow.parquet", extra="sweep")
        count: Counter[str] = Counter()
        paths = [self.part("errors", shard) for shard in shards if self.part("rows", shard).exists()]
        for path in [*paths, *([self.folder / _LEFT_OUT] if of_list else [])]:
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
                found = _PART.match(path.name)
                if int(found[1]) in shards if found else alone:
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


def write_tables(path: Path, tables: Iterator[Any], facts: Mapping[str, str]) -> None:
    """Write tables of one schema, one or more, as a Parquet file whose bytes depend on nothing but them.

    `facts` go into its footer, with ``otoscope.`` before their names.
    """
    pq = needs("pyarrow.parquet", extra="sweep")
    first = next(tables)
    schema = first.schema.with_metadata({f"otoscope.{name}": fact for name, fact in facts.items()})
    coded = [field.name for field in schema if str(field.type).startswith(("dictionary", "string"))]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=coded) as writer:
        writer.write_table(first.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)


def fingerprint(run: Mapping[str, Any]) -> str:
    """A hash of all by which a run is told from another."""
    told = {
        name: {key: value for key, value in of.items() if (name, key) not in _INFORMS} if isinstance(of, dict) else of
        for name, of in run.items()
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


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
            if (*path, key) not in _INFORMS:
                found = _differing(before.get(key), now.get(key), (*path, key))
                if found is not None:
                    return found
        return None
    return None if before == now else (".".join(path), before, now)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_part(path: Path, fingerprint: str) -> None:
    pq, pa = needs("pyarrow.parquet", extra="sweep"), needs("pyarrow", extra="sweep")
    try:
        facts = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is damaged ({error}): remove it, and it is computed again") from None
    if facts.get(b"otoscope.fingerprint", b"").decode() != fingerprint:
        raise InputError(f"{path} is a part of another run: remove it, and it is computed again")
