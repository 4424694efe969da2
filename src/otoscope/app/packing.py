"""Arrays as few bytes: what cannot be seen or heard of them is left out, and what is left packs well.

A part is a row of arrays, deflated as one. In the manifest of a page an array is ``{at, n or shape, kind}``: where it
begins in its part, how large it is, and how its numbers are coded.

=========  ==========================================================================================================
kind       coding
=========  ==========================================================================================================
sound      integers of `bits` bits, of which the largest is `peak`: first differences modulo 2^16, low bytes, then
           high bytes
db         uint8, 0 for `floor` dB below `ref` and less, 255 for `ref`; differences along time
signed     uint8, 128 for zero, 1 and 255 for `top`: the root of a magnitude; differences along time
share      uint8, 255 for `peak`: the root of what is positive; differences along time
map        uint8, 128 for zero, 1 and 255 for `peak`
envelope   int8, 127 for `peak`: the lowest, then the highest sample of each `step`
=========  ==========================================================================================================
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

FLOOR = 70.0
"""dB below its peak that a picture holds."""

Ref = dict[str, Any]


class Part:
    """Arrays behind each other, packed as one.

    Examples
    --------
    >>> part = Part()
    >>> part.sound([0.0, 0.5, -0.25])
    {'at': 0, 'n': 3, 'peak': 0.5, 'bits': 16, 'kind': 'sound'}
    >>> part.map([0.0, 2.0])["at"]
    6
    """

    def __init__(self) -> None:
        self._packer = zlib.compressobj(6)
        self._packed: list[bytes] = []
        self._at = 0

    @property
    def size(self) -> int:
        """Bytes that it takes in a page, in base64."""
        return -(-sum(map(len, self._packed)) // 3) * 4

    def sound(self, samples: ArrayLike, bits: int = 16) -> Ref:
        """Samples (time,), of which the largest magnitude is the `peak`; of silence nothing is kept."""
        values = _finite(samples)
        peak = _top(values)
        if peak == 0:
            return {"n": values.size, "peak": 0.0, "bits": bits, "kind": "sound"}
        levels = np.round(values / peak * (2 ** (bits - 1) - 1)).astype("<i4")
        steps = np.diff(levels, prepend=0).astype("<i2").view("u1").reshape(-1, 2)
        return self._put(steps.T, n=values.size, peak=peak, bits=bits, kind="sound")

    def db(self, magnitudes: ArrayLike, floor: float = FLOOR, ref: float | None = None) -> Ref:
        """Magnitudes (frequency, time) in dB below `ref`, the largest of them by default."""
        values = _finite(magnitudes)
        ref = _top(values) if ref is None else ref
        levels = np.full(values.shape, -np.inf)
        if ref > 0:
            with np.errstate(divide="ignore"):
                levels = 20 * np.log10(np.maximum(values / ref, 0))
        coded = np.round(np.clip(levels / floor + 1, 0, 1) * 255)
        return self._picture(coded, kind="db", floor=floor, ref=ref)

    def signed(self, values: ArrayLike) -> Ref:
        """Values (frequency, time) of either sign, of which the largest magnitude is `top`."""
        found = _finite(values)
        top = _top(found)
        root = np.sign(found) * np.sqrt(np.abs(found) / (top or 1.0))
        return self._picture(np.round(128 + 127 * root), kind="signed", top=top)

    def share(self, values: ArrayLike) -> Ref:
        """Values (frequency, time), of which what is negative counts as none."""
        found = np.maximum(_finite(values), 0)
        peak = _top(found)
        return self._picture(np.round(255 * np.sqrt(found / (peak or 1.0))), kind="share", peak=peak)

    def map(self, values: ArrayLike) -> Ref:
        """A feature map (time,)."""
        found = _finite(values)
        peak = _top(found)
        coded = np.round(128 + 127 * found / (peak or 1.0)).astype("u1")
        return self._put(coded, n=found.size, peak=peak, kind="map")

    def envelope(self, samples: ArrayLike, step: int) -> Ref:
        """The lowest and the highest of every `step` samples (time,)."""
        values = _finite(samples)
        starts = np.arange(0, values.size, step)
        both = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)])
        peak = _top(both)
        coded = np.round(127 * both / (peak or 1.0)).astype("i1")
        return self._put(coded, shape=list(coded.shape), peak=peak, step=step, kind="envelope")

    def packed(self) -> bytes:
        """All of it, deflated."""
        return b"".join([*self._packed, self._packer.copy().flush()])

    def _picture(self, coded: np.ndarray, **facts: Any) -> Ref:
        steps = np.diff(coded.astype("i2"), axis=1, prepend=0).astype("u1")  # modulo 256
        return self._put(steps, shape=list(coded.shape), **facts)

    def _put(self, coded: np.ndarray, **facts: Any) -> Ref:
        at, raw = self._at, coded.tobytes()
        # whole after each array, so that its size is known: what has no room is not packed at all
        self._packed += [self._packer.compress(raw), self._packer.flush(zlib.Z_SYNC_FLUSH)]
        self._at += len(raw)
        return {"at": at, **facts}


class Parts:
    """The parts of a page, by name, each made when it is first asked for."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}

    def __getitem__(self, name: str) -> Part:
        return self._parts.setdefault(name, Part())

    @property
    def size(self) -> int:
        """Bytes that they take in a page, in base64."""
        return sum(part.size for part in self._parts.values())

    def packed(self) -> dict[str, bytes]:
        """Each deflated, by its name."""
        return {name: part.packed() for name, part in self._parts.items()}


def _finite(values: ArrayLike) -> np.ndarray:
    return np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _top(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))
