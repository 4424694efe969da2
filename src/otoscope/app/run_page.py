"""The page of runs: their layers, maps and clips, what is heard, described and different, from their tables alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope._version import __version__
from otoscope.app.page import FORMAT, Page
from otoscope.app.run_difference import difference
from otoscope.app.run_facts import Facts, facts_of
from otoscope.app.run_maps import Layer, Maps, drives, selectivity
from otoscope.app.run_parts import Box, LaterParts, rounded
from otoscope.app.run_sounds import (
    Sounds,
    sonification_box,
    sound_box,
    thumbnails_of_clips,
    thumbnails_of_maps,
)
from otoscope.app.run_tables import error_table, evaluation, summary_tables
from otoscope.descriptions.describe import Description
from otoscope.descriptions.folder import read_maps
from otoscope.descriptions.measured import facts_there, named_units
from otoscope.errors import InputError
from otoscope.runs.run import Run
from otoscope.text import last_part, without_folders, writable

if TYPE_CHECKING:
    import pandas as pd

TOP = 8
"""Clips a map, of those that drive it most."""

MAPS_A_PART, PICTURES_A_PART, SOUNDS_A_PART, CLIPS_A_PART = 256, 64, 8, 64
"""How many maps, or clips, a part has: of numbers, of thumbnails, of sonifications, and of thumbnails of clips."""

MOST_CLIPS = 200_000
"""Of a run, in the list of its clips."""


def run_page(
    runs: Sequence[Run],
    *,
    described: Sequence[Path | Description | None] = (),
    sounds: int | None = None,
    top: int = TOP,
    progress: Callable[[str, int, int], None] | None = None,
) -> Page:
    """The page of one run, or of several, of which each is compared with the first.

    Parameters
    ----------
    runs : sequence of Run
    described : sequence of Path or Description or None
        For each run what ``otoscope describe RUN --out`` wrote, or the description itself.
    sounds : int, optional
        At most so many sounds of each map; all that are stored by default.
    top : int
        Clips a map, of those that drive it most.
    progress : callable, optional
        Called as ``progress(task, done, total)``.

    Returns
    -------
    Page
        Its parts are each made when it is asked for: a zlib stream of what :mod:`otoscope.app.run_parts` writes.

    Raises
    ------
    InputError
        If a description or stored sounds are of another run, or a table is damaged.
    """
    parts, found = LaterParts(), list[_OfRun]()
    for number, run in enumerate(runs):
        if progress is not None:
            progress("reading", number, len(runs))
        of = described[number] if number < len(described) else None
        found.append(_OfRun(f"r{number}", run, of, sounds, top, parts))
    manifest: dict[str, Any] = {"format": FORMAT, "kind": "run", "otoscope": __version__, "title": _title(runs)}
    manifest["runs"] = [of.manifest() for of in found]
    manifest["differences"] = [
        _differences(found[0], other, parts, partial(progress, "comparing") if progress else None)
        for other in found[1:]
    ]
    return Page(without_folders(manifest), parts)


class _OfRun:
    """One of the runs of a page, and its parts."""

    def __init__(
        self, key: str, run: Run, described: Path | Description | None, sounds: int | None, top: int, parts: LaterParts
    ) -> None:
        self.key, self.run, self.parts = key, run, parts
        self.maps: Maps | None = None
        measured, rate = None, 0
        if run.kind == "sweep":
            measured = facts_there(run)
            rate = int(run.info["model"]["subject"].get("sample_rate") or 0)
        units = named_units(rate or 16_000, [] if measured is None else measured.columns)
        self.facts: Facts = facts_of(run, measured, units)
        if run.kind == "sweep" and "activations" in run.info["methods"]:
            self.maps = Maps(run, self.facts, top=top)
            self._top = top
        places = self.maps.places() if self.maps else {}
        clips = dict(zip(self.facts.clips.tolist(), self.facts.seconds.tolist(), strict=True))
        self._sounds = Sounds(run, places, clips, sounds) if self.maps else None
        self._described = _described(run, described, self.maps)

    def manifest(self) -> dict[str, Any]:
        info = self.run.info
        done = self.run.done
        content: dict[str, Any] = {"id": self.key, "kind": self.run.kind, "folder": writable(self.run.folder.name)}
        content |= {"model": writable(info["model"]["name"]), "weights_sha256": info["model"]["sha256"]}
        content |= {"data": writable(last_part(info["data"]["given"])), "clips": len(self.facts.clips)}
        content |= {"shards": {"done": done, "of": info.get("shards", 1)}, "versions": _plain(info["versions"])}
        content |= {"methods": _plain(info["methods"]), "classes": _plain(info.get("classes"))}
        content |= {"rate": info["model"].get("subject", {}).get("sample_rate"), "notes": self._notes()}
        content["facts"] = [{"name": fact.name, "values": fact.values} for fact in self.facts.by_name if fact.divides]
        self._add("clips", self._clips)
        if self.maps is not None:
            content |= self._of_maps(self.maps)
        if self.run.kind == "sweep":
            self._add("tables", self._tables)
        else:
            content["evaluation"] = evaluation(self.run)
            content["errors"] = error_table(self.run)
        return content

    # -- Maps ---------------------------------------------------------------------------------------------

    def _of_maps(self, maps: Maps) -> dict[str, Any]:
        self._add("maps", partial(self._map_table, maps))
        self._add("drives", partial(self._drives, maps))
        layers = [self._layer(maps, number, layer) for number, layer in enumerate(maps.layers)]
        content: dict[str, Any] = {"layers": layers, "maps": len(maps.table), "top": self._top}
        sounds = self._sounds
        if sounds:
            pieces = list(sounds.pieces().items())
            for first in range(0, len(pieces), CLIPS_A_PART):
                some = pieces[first : first + CLIPS_A_PART]
                self._add(f"i-{first // CLIPS_A_PART}", partial(thumbnails_of_clips, some, sounds.rate))
            for clip, of_clip in pieces:
                self._add(f"c-{clip}", partial(sound_box, of_clip, sounds.rate))
            content["sounds"] = {
                "most": sounds.most,
                "rate": sounds.rate,
                "rule": writable(sounds.rule),
                "clips": [clip for clip, _ in pieces],
                "clips_a_part": CLIPS_A_PART,
                "maps_a_part": SOUNDS_A_PART,
                "pictures_a_part": PICTURES_A_PART,
            }
        content["described"] = self._described is not None
        return content | {"maps_a_part": MAPS_A_PART}

    def _layer(self, maps: Maps, number: int, layer: Layer) -> dict[str, Any]:
        table = maps.table.iloc[layer.first : layer.first + len(layer.channels)]
        for first in range(0, len(layer.channels), MAPS_A_PART):
            channels = layer.channels[first : first + MAPS_A_PART]
            make = partial(self._some_maps, maps, layer, first, channels)
            self._add(f"m-{number}-{first // MAPS_A_PART}", make)
        self._sounds_of_layer(number, layer)
        content: dict[str, Any] = {"name": writable(layer.name), "first": layer.first, "maps": len(layer.channels)}
        content |= {"dead": int(table["dead"].sum()), "active": rounded([table["active"].median()])[0]}
        content |= {"activity": rounded([table["activity"].median()])[0]}
        content |= {"channels": None if _is_range(layer.channels) else layer.channels.tolist()}
        if self._described is not None:
            rows = self._described.iloc[layer.first : layer.first + len(layer.channels)]
            known = rows["described"].fillna(False).astype(bool)
            explained = rows["explained"][~rows["dead"].fillna(True).astype(bool)].median()
            content |= {"described": int(known.sum()), "explained": rounded([explained])[0]}
        return content

    def _sounds_of_layer(self, number: int, layer: Layer) -> None:
        sounds = self._sounds
        if not sounds:
            return
        every = [(int(channel), sounds.of.get((layer.name, int(channel)), [])) for channel in layer.channels]
        for size, name, make in (
            (SOUNDS_A_PART, "s", sonification_box),
            (PICTURES_A_PART, "t", thumbnails_of_maps),
        ):
            for first in range(0, len(every), size):
                some = [(channel, of) for channel, of in every[first : first + size] if of]
                if some:
                    self._add(f"{name}-{number}-{first // size}", partial(make, some, sounds.rate))

    def _map_table(self, maps: Maps) -> bytes:
        box, table = Box(), maps.table
        head: dict[str, Any] = {
            "activity": box.numbers(table["activity"], "f4"),
            "largest": box.numbers(table["largest_rms"], "f4"),
            "active": box.numbers(table["active"], "f4"),
            "dead": box.numbers(table["dead"], "u1"),
            "selectivity": {},
        }
        clips = np.round(table["active"] * table["clips"]).to_numpy()
        for name, means in maps.divided.items():
            index, preferred = selectivity(means, clips)
            head["selectivity"][name] = {"index": box.numbers(index, "f4"), "value": box.numbers(preferred, "i2")}
        if self._sounds:
            counts = [len(self._sounds.of.get(place, ())) for place in maps.places()]
            head["sounds"] = box.numbers(counts, "u2")
        if self._described is not None:
            rows = self._described
            said = [writable(one) if isinstance(one, str) else "" for one in rows["description"]]
            facts = [writable(one) if isinstance(one, str) else None for one in rows["fact"]]
            known = sorted({one for one in facts if one is not None})
            place = {fact: number for number, fact in enumerate(known)}
            head["described"] = {
                "sentences": said,
                "facts": known,
                "fact": box.numbers([-1 if one is None else place[one] for one in facts], "i2"),
                "is": box.numbers(rows["described"].fillna(False).astype(bool), "u1"),
                "score": box.numbers(rows["score"].astype(float), "f4"),
                "chance": box.numbers(rows["chance"].astype(float), "f4"),
                "explained": box.numbers(rows["explained"].astype(float), "f4"),
                "auc": box.numbers(rows["measure"] == "AUC", "u1"),
                "tuning": [writable(one) if isinstance(one, str) else "" for one in rows["tuning"]]
                if "tuning" in rows
                else None,
            }
        return box.packed(head)

    def _some_maps(self, maps: Maps, layer: Layer, first: int, channels: np.ndarray) -> bytes:
        """Of some maps of a layer: activity by facts, quantiles over clips, the top clips, and which are heard."""
        box, at = Box(), layer.first + first
        span = slice(at, at + len(channels))
        head: dict[str, Any] = {"maps": len(channels), "quantiles": box.numbers(maps.quantiles(layer, channels), "f4")}
        head["by"] = {name: box.numbers(means[span], "f4") for name, means in maps.divided.items()}
        top = maps.tops(layer.name)
        top = top[(top["channel"] >= channels.min()) & (top["channel"] <= channels.max())]
        row = np.searchsorted(channels, top["channel"].to_numpy())
        kinds: dict[str, tuple[str, float]] = {"clip": ("i4", -1), "value": ("f4", np.nan), "peak_time": ("f4", np.nan)}
        for name, (kind, nothing) in kinds.items():
            filled = np.full((len(channels), self._top), nothing)
            filled[row, top["rank"].to_numpy() - 1] = top[name].to_numpy(float)
            head[name] = box.numbers(filled, kind)
        if self._sounds:
            head["sounds"] = {
                str(number): [[one.rank, one.clip, one.start, rounded([one.peak_time], 7)[0]] for one in of]
                for number, channel in enumerate(channels)
                if (of := self._sounds.of.get((layer.name, int(channel))))
            }
        return box.packed(head)

    def _drives(self, maps: Maps) -> bytes:
        box, found = Box(), drives(maps, self.facts.clips)
        kinds = {"first": "i4", "map": "i4", "rank": "u1"}
        return box.packed({name: box.numbers(found[name], kind) for name, kind in kinds.items()})

    # -- Clips and tables ---------------------------------------------------------------------------------

    def _clips(self) -> bytes:
        box, facts, kept = Box(), self.facts, slice(0, MOST_CLIPS)
        answers, numbers = _answers(self.run)
        head: dict[str, Any] = {
            "clip": box.numbers(facts.clips[kept], "i4"),
            "names": without_folders(facts.names[kept]),
            "of": len(facts.clips),
            "facts": [
                {
                    "name": fact.name,
                    "values": without_folders(fact.values),
                    "codes": box.numbers(fact.codes[kept], "i4"),
                }
                for fact in facts.by_name
            ],
            "numbers": [
                {"name": fact.name, "units": fact.units, "values": box.numbers(fact.values[kept], "f4")}
                for fact in facts.by_number
            ],
        }
        for name, column in answers.items():
            said = [
                writable(str(one)) if one == one and one is not None else None for one in column.reindex(facts.clips)
            ]
            values = sorted({one for one in said if one is not None})
            place = {value: number for number, value in enumerate(values)}
            codes = [-1 if one is None else place[one] for one in said[kept]]
            head["facts"].append({"name": name, "values": values, "codes": box.numbers(codes, "i4"), "of": "model"})
        for name, column in numbers.items():
            values = column.reindex(facts.clips).to_numpy(float)[kept]
            head["numbers"].append({"name": name, "units": "", "values": box.numbers(values, "f4"), "of": "model"})
        return box.packed(head)

    def _tables(self) -> bytes:
        said = {"tables": summary_tables(self.run), "errors": error_table(self.run)}
        return Box().packed(without_folders(said))

    def _notes(self) -> list[str]:
        notes, info = [], self.run.info
        if self.run.kind == "sweep" and self.run.done < info["shards"]:
            notes.append(f"this sweep is not done: {self.run.done} of {info['shards']} shards are here")
        if self._sounds is not None:
            notes += self._sounds.notes
        if self._sounds is not None and self._sounds.channels > 1:
            notes.append(f"the sounds have {self._sounds.channels} channels, of which the mean is shown and heard")
        if len(self.facts.clips) > MOST_CLIPS:
            notes.append(f"the first {MOST_CLIPS:,} of {len(self.facts.clips):,} clips are in the list of clips")
        return notes

    def _add(self, name: str, make: Callable[[], bytes]) -> None:
        self.parts.add(f"{self.key}-{name}", make)


def _answers(run: Run) -> tuple[dict[str, pd.Series], dict[str, pd.Series]]:
    """What the model says of each clip: words, and numbers, by the names of columns."""
    if run.kind == "evaluation":
        rows = run.sql("SELECT clip, CAST(answer AS VARCHAR) AS answer, correct, probability FROM scores").set_index(
            "clip"
        )
        right = rows["correct"].map({True: "right", False: "wrong"})
        return {"answer": rows["answer"], "is": right}, {"probability": rows["probability"]}
    rows = run.sql(
        "SELECT clip, method, variable, value, text FROM rows "
        "WHERE layer IS NULL AND channel IS NULL AND rows.at IS NULL"
    )
    words, numbers = dict[str, Any](), dict[str, Any]()
    for (method, variable), group in rows.groupby(["method", "variable"], sort=True):
        name = str(variable) if method == "output" else f"{method} {variable}".replace("_", " ")
        one = group.drop_duplicates("clip").set_index("clip")
        if one["value"].notna().any():
            numbers[name] = one["value"]
        elif one["text"].notna().any():
            words[name] = one["text"]
    return words, numbers


def _described(run: Run, given: Path | Description | None, maps: Maps | None) -> pd.DataFrame | None:
    """The descriptions of the maps of a run, a row a map in their order; of those that have none everything is NaN."""
    if given is None:
        return None
    if maps is None:
        raise InputError(f"{run.folder} holds no activations, of which maps are described")
    table, where = (given.maps, "the description") if isinstance(given, Description) else (read_maps(given), str(given))
    places = maps.places()
    strangers = [place for place in zip(table["layer"], table["channel"], strict=True) if place not in places]
    if strangers:
        layer, channel = strangers[0]
        raise InputError(
            f"{where} describes maps that {run.folder} does not have, the first of them {channel} of {layer}: give "
            "what otoscope describe wrote of this run"
        )
    rows = maps.table[["layer", "channel"]].merge(table, on=["layer", "channel"], how="left", suffixes=("", "_told"))
    return rows.drop_duplicates(["layer", "channel"]).reset_index(drop=True)


def _differences(
    first: _OfRun, second: _OfRun, parts: LaterParts, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """How a run differs from the first one of the page."""
    content: dict[str, Any] = {"first": first.key, "second": second.key}
    found = difference(first.run, second.run, first.maps, second.maps, progress)
    if found.table is not None:
        box = Box()
        kinds = {"difference": "f4", "p_value": "f4", "correlation": "f4", "first": "f4", "second": "f4", "other": "i4"}
        packed = box.packed({name: box.numbers(found.table[name], kind) for name, kind in kinds.items()})
        name = f"{first.key}-{second.key}"
        parts.add(name, lambda: packed)
        content["part"] = name
    return content | {"clips": found.clips, "layers": found.layers, "notes": found.notes, "rows": found.rows}


def _title(runs: Sequence[Run]) -> str:
    first = f"{writable(runs[0].info['model']['name'])} on {writable(last_part(runs[0].info['data']['given']))}"
    return first if len(runs) == 1 else f"{first}, and {len(runs) - 1} more"


def _is_range(channels: np.ndarray) -> bool:
    return np.array_equal(channels, np.arange(len(channels)))


def _plain(value: Any) -> Any:
    """A value of JSON without halves of characters, and with NaN and infinity, which JSON has not, as text."""
    if isinstance(value, dict):
        return {writable(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return writable(value) if isinstance(value, str) else value
