"""Parts of the page of a run: arrays with their own index, packed when they are asked for.

A run of ten thousand maps has more to show than fits into memory at once. So a part is made when it is needed, by
whoever needs it: an export, which writes them one after another, or a server. It begins with the length of its head (4
bytes, the lowest first) and the head, as JSON, in which an array is ``{at, n, type}``: where it begins behind the head,
how many numbers it has, and what they are (``f4``, ``i4``, ``u2``, ``u1``, little-endian). A picture is ``{at, shape,
kind, floor}`` and a sound ``{at, n, bits, peak, kind}`` as :mod:`otoscope.app.packing` has them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from otoscope.app.packing import FLOOR

_LEVEL = 6  # of deflate: of sounds a higher one takes three times as long, for 1 %
_FULL = 32_768  # of samples of 16 bits
_STEPS = 8  # of 256, of a thumbnail, which differ too little to be seen

Ref = dict[str, Any]


class Box:
    """A part that is being filled.

    Examples
    --------
    >>> box = Box()
    >>> box.numbers([0.5, 1.0], "f4")
    {'at': 0, 'n': 2, 'type': 'f4'}
    >>> box.samples(np.array([1, -1], "i2"))["at"]
    8
    >>> packed = zlib.decompress(box.packed({"layer": "relu1"}))
    >>> length = int.from_bytes(packed[:4], "little")
    >>> json.loads(packed[4 : 4 + length]), np.frombuffer(packed, "<f4", 2, 4 + length).tolist()
    ({'layer': 'relu1'}, [0.5, 1.0])
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def numbers(self, values: ArrayLike, kind: str) -> Ref:
        """Numbers of any shape, flattened."""
        coded = np.asarray(values).astype(f"<{kind}").ravel()
        return {"at": self._put(coded.tobytes()), "n": int(coded.size), "type": kind}

    def samples(self, samples: np.ndarray) -> Ref:
        """Samples of 16 bits (time,) as they are: none is changed."""
        steps = np.diff(samples.astype("<i4"), prepend=0).astype("<i2").view("u1").reshape(-1, 2)
        at = self._put(steps.T.tobytes())
        return {"at": at, "n": int(samples.size), "bits": 16, "peak": (_FULL - 1) / _FULL, "kind": "sound"}

    def thumbnail(self, magnitudes: np.ndarray) -> Ref:
        """A small picture of magnitudes (frequency, time), in dB below the largest of them."""
        top = float(magnitudes.max(initial=0.0))
        levels = np.zeros(magnitudes.shape)
        if top > 0:
            with np.errstate(divide="ignore"):
                levels = np.clip(20 * np.log10(magnitudes / top) / FLOOR + 1, 0, 1)
        coded = np.minimum(np.round(levels * 255 / _STEPS) * _STEPS, 255)
        at = self._put(np.diff(coded.astype("i2"), axis=1, prepend=0).astype("u1").tobytes())
        return {"at": at, "shape": list(magnitudes.shape), "kind": "db", "floor": FLOOR}

    def packed(self, head: Mapping[str, Any]) -> bytes:
        """All of it, deflated, with a head of plain values without NaN."""
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        return zlib.compress(b"".join([len(text).to_bytes(4, "little"), text, *self._chunks]), _LEVEL)

    def _put(self, coded: bytes) -> int:
        at = self._size
        self._chunks.append(coded)
        self._size += len(coded)
        return at


class LaterParts(Mapping[str, bytes]):
    """The parts of a page by name, each made whenever it is asked for.

    Examples
    --------
    >>> parts = LaterParts()
    >>> parts.add("r0-maps", lambda: b"packed")
    >>> list(parts), parts["r0-maps"]
    (['r0-maps'], b'packed')
    """

    def __init__(self) -> None:
        self._made: dict[str, Callable[[], bytes]] = {}

    def add(self, name: str, make: Callable[[], bytes]) -> None:
        self._made[name] = make

    def __getitem__(self, name: str) -> bytes:
        return self._made[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def rounded(values: ArrayLike, digits: int = 4) -> list[float | None]:
    """Numbers as JSON has them, with a few digits; what is not a number is None.

    Examples
    --------
    >>> rounded([0.123456, float("nan"), 12345.678])
    [0.1235, None, 12350.0]
    """
    return [float(f"{one:.{digits}g}") if np.isfinite(one) else None for one in np.asarray(values, float).tolist()]
