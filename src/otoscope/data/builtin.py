"""The built-in data set, which needs no download: vowels synthesised with known F0 and formants."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from otoscope.audio import as_clip
from otoscope.data.items import DataSet, Item, Request, Source
from otoscope.data.vowels import REGISTERS, SYMBOLS, Vowel, draw, register, synthesise

COUNT, DURATION = 240, 0.4
"""Number of vowels, and the duration of each in s."""

_LABELS: dict[str, Callable[[Vowel], str]] = {
    "vowel": lambda vowel: vowel.symbol,
    "register": lambda vowel: register(vowel.f0),
}


def _read(request: Request) -> DataSet:
    items = []
    for number, vowel in enumerate(draw(COUNT, 0)):
        facts = {name: label(vowel) for name, label in _LABELS.items()}
        items.append(Item(_clip(number, vowel, request.sample_rate), (facts[request.task],), facts=facts))
    return DataSet(tuple(items), SYMBOLS if request.task == "vowel" else REGISTERS)


def _clip(number: int, vowel: Vowel, sample_rate: int) -> xr.DataArray:
    formants = tuple(formant for formant in vowel.formants if formant < 0.48 * sample_rate)
    band_limited = Vowel(vowel.symbol, vowel.group, vowel.f0, formants, vowel.tract_length)
    samples = synthesise(band_limited, sample_rate, DURATION)
    return as_clip(samples, sample_rate, name=f"{number:03d}-{vowel.symbol}-{vowel.f0:.0f}Hz")


SOURCE = Source(
    name="vowels",
    about=f"built in: {COUNT} synthesised vowels of {DURATION} s with known F0 and formants",
    licence="that of Otoscope",
    url="comes with Otoscope",
    layout=(),
    tasks={"vowel": len(SYMBOLS), "register": len(REGISTERS)},
    splits=("all",),
    sample_rate=None,
    read=_read,
)
