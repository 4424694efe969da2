"""The built-in data set: vowels that are synthesised with known F0 and formants, so that nothing need be downloaded."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from otoscope.audio import as_clip
from otoscope.data.items import Asked, DataSet, Item, Source
from otoscope.data.vowels import REGISTERS, SYMBOLS, Vowel, draw, register, synthesise

COUNT, SECONDS = 240, 0.4
"""How many vowels there are, and how long each is."""

_LABELS: dict[str, Callable[[Vowel], str]] = {
    "vowel": lambda vowel: vowel.symbol,
    "register": lambda vowel: register(vowel.f0),
}


def _read(asked: Asked) -> DataSet:
    items = []
    for number, vowel in enumerate(draw(COUNT, 0)):
        facts = {name: label(vowel) for name, label in _LABELS.items()}
        items.append(Item(_clip(number, vowel, asked.sample_rate), (facts[asked.task],), facts=facts))
    return DataSet(tuple(items), SYMBOLS if asked.task == "vowel" else REGISTERS)


def _clip(number: int, vowel: Vowel, sample_rate: int) -> xr.DataArray:
    heard = tuple(formant for formant in vowel.formants if formant < 0.48 * sample_rate)
    lowered = Vowel(vowel.symbol, vowel.group, vowel.f0, heard, vowel.tract_length)
    samples = synthesise(lowered, sample_rate, SECONDS)
    return as_clip(samples, sample_rate, name=f"{number:03d}-{vowel.symbol}-{vowel.f0:.0f}Hz")


SOURCE = Source(
    name="vowels",
    about=f"built in: {COUNT} synthesised vowels of {SECONDS} s with known F0 and formants",
    licence="that of Otoscope",
    url="comes with Otoscope",
    layout=(),
    tasks={"vowel": len(SYMBOLS), "register": len(REGISTERS)},
    splits=("all",),
    sample_rate=None,
    read=_read,
)
