"""Results of a method as rows of one number each: long form, by arrays and not row by row."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from otoscope.methods.catalogue import Record
from otoscope.methods.catalogue import Rows as Said
from otoscope.optional import needs

Place = tuple[str | None, int | None, str, str | None]
"""Layer, channel, variable, and the coordinates that remain as JSON."""

_KEYS = ("layer", "channel")  # which have a column of their own


@dataclass
class Block:
    """What a method says of some clips at some places: a rectangle of values.

    Attributes
    ----------
    clips : ndarray of int, (clip,)
    places : list of Place
    values : ndarray, (clip, place)
        Numbers, or text.
    """

    clips: np.ndarray
    places: list[Place]
    values: np.ndarray


@dataclass
class Rows:
    """The rows of a shard, as they come: by method, blocks of numbers and of text."""

    blocks: dict[str, list[Block]] = field(default_factory=dict)
    _known: dict[tuple[Any, ...], list[Place]] = field(default_factory=dict)

    def add(self, name: str, result: xr.Dataset, record: Record, clips: Sequence[int]) -> None:
        """Add what a method returned for one clip, or for several along its dimension `clip`.

        Parameters
        ----------
        name : str
            Of the method.
        result : Dataset
        record : Record
        clips : sequence of int
            Their numbers in the list.
        """
        numbers = np.asarray(clips, dtype=np.int64)
        said = record.clips or record.rows
        if said.make is not None:
            self._add_made(name, said.make(result), result, numbers)
            return
        for one in (said, *said.beside):
            if one.swept:
                self._add_table(name, one, result, numbers)

    def _add_table(self, name: str, said: Said, result: xr.Dataset, numbers: np.ndarray) -> None:
        dims = [dim for dim in said.over if dim in result.dims]
        keys = [key for key in _KEYS if key in result.coords and result[key].dims in {(dim,) for dim in dims}]
        for column in said.columns:
            if column in keys or column not in result.variables:
                continue
            variable = result[column]
            own = [dim for dim in dims if dim in variable.dims]
            order = ["clip", *own] if "clip" in variable.dims else own
            values = np.asarray(variable.transpose(*order).values)
            values = values.reshape(len(numbers), -1) if order[:1] == ["clip"] else values.reshape(1, -1)
            values = np.broadcast_to(values, (len(numbers), values.shape[1]))
            self._add(name, Block(numbers, self._places(result, column, own, keys), values))

    def _add(self, name: str, block: Block) -> None:
        if block.values.size:
            self.blocks.setdefault(name, []).append(block)

    def _add_made(self, name: str, made: Sequence[Mapping[str, Any]], result: xr.Dataset, clips: np.ndarray) -> None:
        """Rows that a method makes of its result: of one clip."""
        for number, row in enumerate(made):
            left = {key: value for key, value in row.items() if key not in (*_KEYS, "clip")}
            layer = row.get("layer", _layer(result))
            at = None if "layer" in row and "channel" in row else _json({"row": number})
            for column, value in left.items():
                place = (None if layer is None else str(layer), row.get("channel"), column, at)
                self._add(name, Block(clips, [place], np.array([[value]])))

    def _places(self, result: xr.Dataset, column: str, dims: Sequence[str], keys: Sequence[str]) -> list[Place]:
        """Where the values of a column stand along its dimensions: as before where the coordinates are as before."""
        coords = {dim: result[dim].values if dim in result.coords else np.arange(result.sizes[dim]) for dim in dims}
        named = {key: (str(result[key].dims[0]), result[key].values) for key in keys if result[key].dims[0] in dims}
        layer = _layer(result)
        met: tuple[Any, ...] = (column, layer, *dims, *((key, dim, _bytes(of)) for key, (dim, of) in named.items()))
        met = (*met, *(_bytes(coords[dim]) for dim in dims))
        if met not in self._known:
            if len(self._known) > 64:
                self._known.clear()
            self._known[met] = _all_places(column, layer, coords, named)
        return self._known[met]

    def __len__(self) -> int:
        return sum(block.values.size for blocks in self.blocks.values() for block in blocks)

    def table(self) -> Any:
        """The rows as an Arrow table, sorted by method, layer, channel, variable, `at` and clip."""
        blocks = [(method, block) for method, several in self.blocks.items() for block in several]
        places, ranks = _ranked(blocks)
        where = [(ranks[method, id(one.places)], one.clips) for method, one in blocks]
        counts, clip, order = _in_order(where, len(places))
        pa = needs("pyarrow", extra="sweep")
        columns = {
            "clip": pa.array(clip),
            **{name: _coded([place[i] for place in places], counts) for i, name in _PLACE.items()},
            "channel": _whole([place[2] for place in places], counts),
            "value": _numbers(blocks, order),
            "text": _texts(blocks, order),
        }
        return pa.table([columns[name] for name in schema().names], schema=schema())


def schema() -> Any:
    """The columns of rows."""
    pa = needs("pyarrow", extra="sweep", purpose="a sweep")
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([
        ("clip", pa.int64()), ("method", text), ("layer", text), ("variable", text), ("channel", pa.int32()),
        ("at", text), ("value", pa.float64()), ("text", text),
    ])  # fmt: skip


# -- Places -----------------------------------------------------------------------------------------------


def _layer(result: xr.Dataset) -> str | None:
    """The one layer of a result that has no axis of layers."""
    layer = result.attrs.get("layer")
    return layer if isinstance(layer, str) and layer else None


def _all_places(
    column: str,
    layer: str | None,
    coords: Mapping[str, np.ndarray],
    named: Mapping[str, tuple[str, np.ndarray]],
) -> list[Place]:
    """One place for each combination of coordinates, the last dimension the fastest."""
    said = {dim for dim, of in named.values()}  # a dimension that a key stands for has nothing to add
    each = []
    for dim, values in coords.items():
        keys = {key: of.tolist() for key, (along, of) in named.items() if along == dim}
        rest = [None] * len(values) if dim in said else values.tolist()
        each.append([({key: of[i] for key, of in keys.items()}, dim, one) for i, one in enumerate(rest)])
    places: list[Place] = []
    for steps in itertools.product(*each):
        keys = {key: one for step in steps for key, one in step[0].items()}
        at = {dim: one for _, dim, one in steps if dim not in said}
        own = keys.get("layer", layer)
        channel = keys.get("channel")
        places.append((
            None if own is None else str(own), None if channel is None else int(channel), column,
            _json(at) if at else None,
        ))  # fmt: skip
    return places


def _json(at: Mapping[str, Any]) -> str:
    return json.dumps({key: _finite(one) for key, one in at.items()}, ensure_ascii=False)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _bytes(values: np.ndarray) -> bytes:
    return repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()


# -- Columns ----------------------------------------------------------------------------------------------

_Full = tuple[str, str | None, int | None, str, str | None]  # as the rows are sorted: with the method first
_PLACE = {0: "method", 1: "layer", 3: "variable", 4: "at"}


def _ranked(blocks: Sequence[tuple[str, Block]]) -> tuple[list[_Full], dict[tuple[str, int], np.ndarray]]:
    """Every place once, in order; and the ranks in it of each list of places, which many blocks share."""
    lists = {(method, id(block.places)): block.places for method, block in blocks}
    full = {
        key: [(key[0], layer, channel, variable, at) for layer, channel, variable, at in of]
        for key, of in lists.items()
    }
    places = sorted({place for of in full.values() for place in of}, key=_order)
    rank = {place: number for number, place in enumerate(places)}
    return places, {key: np.array([rank[place] for place in of], dtype=np.int64) for key, of in full.items()}


def _order(place: _Full) -> tuple[Any, ...]:
    """What is absent comes first."""
    method, layer, channel, variable, at = place
    return method, layer or "", -1 if channel is None else channel, variable, at or ""


def _in_order(
    blocks: Sequence[tuple[np.ndarray, np.ndarray]], places: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many rows each place has, the clip of each row in order, and where its value stands in the blocks.

    A block has values (clip, place), which stand one after another. Clip after clip they are laid down behind those of
    their places that are there already, so that nothing is sorted but clips.
    """
    counts = np.zeros(places, np.int64)
    for ranks, clips in blocks:
        counts[ranks] += len(clips)
    free = np.cumsum(counts) - counts  # where the next row of each place goes
    clip, order = np.empty(counts.sum(), np.int64), np.empty(counts.sum(), np.int64)
    firsts = np.cumsum([0, *(len(ranks) * len(clips) for ranks, clips in blocks)])
    lines = [
        (number, first + row * len(ranks), ranks)
        for (ranks, clips), first in zip(blocks, firsts.tolist(), strict=False)
        for row, number in enumerate(clips.tolist())
    ]
    for number, first, ranks in sorted(lines, key=lambda line: line[0]):
        at = free[ranks]
        clip[at], order[at] = number, np.arange(first, first + len(ranks))
        free[ranks] = at + 1
    return counts, clip, order


def _joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _coded(words: Sequence[Any], counts: np.ndarray) -> Any:
    """A column of text, each word `counts` times, by its dictionary, which has each word once and in order."""
    pa = needs("pyarrow", extra="sweep")
    known = sorted({word for word in words if word is not None})
    code = {word: number for number, word in enumerate(known)}
    codes = _repeated([code.get(word, -1) for word in words], counts)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(known, pa.string()))


def _whole(numbers: Sequence[int | None], counts: np.ndarray) -> Any:
    """A column of whole numbers, each `counts` times."""
    channel = _repeated([-1 if one is None else one for one in numbers], counts)
    return needs("pyarrow", extra="sweep").array(channel, mask=channel < 0)


def _repeated(numbers: Sequence[int], counts: np.ndarray) -> np.ndarray:
    return np.repeat(np.array(numbers, dtype=np.int32), counts)


def _is_text(values: np.ndarray) -> bool:
    return values.dtype.kind in "OSU"


def _numbers(blocks: Sequence[tuple[str, Block]], order: np.ndarray) -> Any:
    """The column of numbers; what is text or not a number is null."""
    parts = [
        np.full(one.values.size, np.nan) if _is_text(one.values) else one.values.astype(np.float64).ravel()
        for _, one in blocks
    ]
    return needs("pyarrow", extra="sweep").array(_joined(parts, np.float64)[order], from_pandas=True)


def _texts(blocks: Sequence[tuple[str, Block]], order: np.ndarray) -> Any:
    """The column of text, null where there is a number."""
    pa = needs("pyarrow", extra="sweep")
    said = [one.values.ravel().tolist() if _is_text(one.values) else None for _, one in blocks]
    known = sorted({str(word) for words in said if words is not None for word in words if word is not None})
    code = {word: number for number, word in enumerate(known)}
    parts = [
        np.full(one.values.size, -1, np.int32)
        if words is None
        else np.array([-1 if word is None else code[str(word)] for word in words], np.int32)
        for (_, one), words in zip(blocks, said, strict=True)
    ]
    codes = _joined(parts, np.int32)[order]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(known, pa.string()))
