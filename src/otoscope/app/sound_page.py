"""The page of one sound: what one or more models hear in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from otoscope._version import __version__
from otoscope.app.answer import answer_entry
from otoscope.app.budget import Budget, limit_of
from otoscope.app.calls import call_of
from otoscope.app.facts import BIBTEX, fact_rows, made_by, references
from otoscope.app.first_layer import first_entry
from otoscope.app.found import Found
from otoscope.app.layers import aliasing_rows, geometry_rows, tap_rows
from otoscope.app.maps import map_entries
from otoscope.app.opened import opened
from otoscope.app.packing import Parts
from otoscope.app.page import FORMAT, Page
from otoscope.app.reasons import reason_for
from otoscope.app.recording import mono
from otoscope.app.relevance import Heard, relevance_entry
from otoscope.app.result_tables import table_entries
from otoscope.app.sound import segment_entries, sound_entry
from otoscope.app.spectrogram import WINDOW, Grid
from otoscope.app.tested import tested
from otoscope.text import without_folders
from otoscope.trust.blocks import trust_methods

_CALLS = "filters", "strs", "crs", "wigner", "geometry", "aliasing", "data_flow"
_OF_RELEVANCE = 0.75  # of the room: beyond it further relevances are left out, so that maps have some


def sound_page(founds: Mapping[str, Found], pairs: Sequence[dict[str, Any]] = (), *, limit: int | None = None) -> Page:
    """Lay out what was found of one sound in one or more models.

    Parameters
    ----------
    founds : mapping of str to Found
        By the identifier that each gets on the page; the first is shown first.
    pairs : sequence of dict
        What pairs of them have in common, see :mod:`otoscope.app.pairs`.
    limit : int, optional
        Bytes of the whole page, by default what :func:`otoscope.app.budget.limit_of` allows for the longest sound. What
        there is no room for is left out, and named under `left_out`.

    Returns
    -------
    Page
        Its manifest is of kind "sound".
    """
    first = next(iter(founds.values()))
    duration = max(one.clip.sizes["time"] / int(one.clip.attrs["sample_rate"]) for one in founds.values())
    budget = Budget(limit_of(duration, len(founds)) if limit is None else limit, Parts())
    sounds: dict[str, dict[str, Any]] = {}
    runs = []
    for number, (name, one) in enumerate(founds.items()):
        sound = _sound(one, sounds, budget, f"sound-{number}")
        runs.append(_Run(name, one, sound, sounds[sound], budget))
    for run in runs:  # what is on every page, then what there is room for, of each model
        run.lay_out()
    for run in runs:
        run.add_relevances()
    for left, run in zip(range(len(runs), 0, -1), runs, strict=True):
        run.add_maps(budget.share_of(left))
        run.add_facts()
    entries = [run.entry for run in runs]
    model = ", ".join(dict.fromkeys(str(entry["model"]) for entry in entries))
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "kind": "sound",
        "otoscope": __version__,
        "title": f"{model} on {first.clip.attrs.get('name') or 'a sound'}",
        "window": WINDOW,
        "sounds": sounds,
        "runs": entries,
        "pairs": list(pairs),
        "references": references(method for entry in entries for method in entry["methods"]),
        "bibtex": BIBTEX,
        "left_out": budget.left_out,
    }
    manifest = without_folders(manifest)
    page = Page(manifest, budget.parts.packed())
    manifest["budget"] = {"bytes": page.size, "limit": budget.limit}
    return page


def _sound(found: Found, sounds: dict[str, dict[str, Any]], budget: Budget, name: str) -> str:
    """The name of the sound of a model, which is added to the sounds of the page where it is new."""
    clip = found.clip
    for known, entry in sounds.items():
        same = entry["sha256"] is not None and entry["sha256"] == clip.attrs.get("sha256")
        if same and entry["rate"] == int(clip.attrs["sample_rate"]) and entry["n"] == clip.sizes["time"]:
            return known
    entry = {**sound_entry(clip, budget.parts[name], found.marks), "part": name}
    divided = next((one for one in _relevances(found) if "segment" in one.dims), None)
    if divided is not None:
        entry["segments"] = segment_entries(divided)
    if "heard" in entry:
        why = "the page would grow too large: with --start and --duration a part of the file has a page of its own"
        budget.leave_out(f"the sound beyond {entry['heard']:.0f} s, which is shown and cannot be heard here", why)
    sounds[name] = entry
    return name


class _Run:
    """A model on a page, laid out step by step; a step that fails is named as missing, and the rest is made."""

    def __init__(self, name: str, found: Found, sound: str, sound_entry: dict[str, Any], budget: Budget) -> None:
        self._found, self._budget, self._name, self._sound = found, budget, name, sound_entry
        samples = mono(found.clip)
        grid = Grid.of(samples.size, sound_entry["rate"])
        self._picture = grid.magnitudes(samples)
        model = found.model
        contract = model.contract if model else None
        repeated = contract is not None and contract.padding == "repeat"
        self._heard = Heard(samples, grid, repeated)
        self.entry: dict[str, Any] = {
            "id": name,
            "model": model.name if model else "the model",
            "sound": sound,
            "part": f"answer-{name}",
            "rate": sound_entry["rate"],
            **answer_entry(found),
            "parameters": model.parameters if model else None,
            "weights_sha256": model.digest if model else None,
            "input_length": contract.length if contract else None,
            "padding": "repeated" if repeated else "filled up with zeros",
            "channels": (contract.channels or 1) if contract else 1,
        }

    def lay_out(self) -> None:
        """What is on every page: the relevances that were asked for, the first layer, the tables."""
        found, part = self._found, f"first-{self._name}"
        for what, why in found.left_out.items():
            self._budget.leave_out(what, why)
        self.entry["relevance"] = self._try("relevance", self._asked, [])
        first = self._try(
            "first layer", lambda: first_entry(found.results, self._heard.grid, self._budget.parts[part]), None
        )
        self.entry["first"] = first and {"part": part, **first}

    def add_relevances(self) -> None:
        """Relevances by other rules, of the runner-up and of the difference; and what tests say of them all."""
        self.entry["relevance"] += self._try("other relevances", self._others, [])
        if not self.entry["relevance"]:
            self.entry["relevance_note"] = _why_none(self._found)
        self._try("tests", lambda: tested(self._found, self.entry["relevance"]), None)

    def add_maps(self, share: float) -> None:
        """Maps of layers, up to a share of the room."""
        found, layers = self._found, self._found.results.get("sonify", {})
        names = {layer: f"maps-{self._name}-{i}" for i, layer in enumerate(layers)}
        grid, picture = self._heard.grid, self._picture
        made = self._try("maps", lambda: map_entries(found, grid, picture, names, self._budget, share), {})
        self.entry["maps"] = made
        self.entry |= self._try("layers", lambda: _layers(found, made), {"taps": [], "geometry": [], "aliasing": []})

    def add_facts(self) -> None:
        """What made it all, and what could not be made."""
        found, entry = self._found, self.entry
        entry["methods"] = made_by([*_flat(found.results), *found.others.values()])
        called = (*_CALLS, *trust_methods())
        entry["calls"] = {key: call_of(found.results[key]) for key in called if key in found.results}
        entry["tables"] = self._try("tables", lambda: table_entries(found.results), [])
        entry["facts"] = fact_rows(found, self._sound)
        entry["notes"] = _notes(found, self._sound)
        entry["missing"] = [{"what": what, "why": why} for what, why in found.missing.items()]
        entry["opened"] = opened(found)

    def _try(self, what: str, make: Callable[[], Any], instead: Any) -> Any:
        try:
            return make()
        except Exception as error:
            self._found.missing[f"{what} on the page"] = reason_for(error)
            return instead

    def _asked(self) -> list[dict[str, Any]]:
        part = self._budget.parts[self.entry["part"]]
        relevances = _relevances(self._found)
        return [relevance_entry(one, "top", str(one.attrs["target"]), self._heard, part) for one in relevances]

    def _others(self) -> list[dict[str, Any]]:
        entries = []
        need = self._budget.parts[self.entry["part"]].size // max(1, len(self.entry["relevance"]))
        for (rule, target), one in self._found.others.items():
            label = str(one.attrs["target"])
            if not self._budget.has_room(need, _OF_RELEVANCE):
                self._budget.leave_out(f"the relevance for {label} by the rule {rule}")
                continue
            label = label.replace(" against ", " rather than ") if target == "contrast" else label
            part = self._budget.parts[self.entry["part"]]
            entries.append(relevance_entry(one, target, label, self._heard, part))
        return entries


def _why_none(found: Found) -> str | None:
    """Why there is no relevance, as a sentence; None where none was asked for."""
    reasons = dict.fromkeys(why for what, why in found.missing.items() if what.startswith("relevance"))
    return f"No relevance is in this page: {'; '.join(reasons)}." if reasons else None


def _relevances(found: Found) -> list[xr.Dataset]:
    return list(found.results.get("relevance", {}).values())


def _layers(found: Found, maps: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of the layers."""
    rows: dict[str, Any] = {"taps": [], "geometry": [], "aliasing": []}
    if found.taps is not None:
        rows["taps"] = tap_rows(found.taps, found.silent, maps)
        if "geometry" in found.results:
            rows["geometry"] = geometry_rows(found.results["geometry"], found.taps)
    if "aliasing" in found.results:
        rows["aliasing"], skipped = aliasing_rows(found.results["aliasing"])
        if skipped:
            rows["aliasing_left_out"] = skipped
    return rows


def _notes(found: Found, entry: dict[str, Any]) -> list[dict[str, str]]:
    """What a reader should know, each with its kind: what was changed, and what is missing and why."""
    changes = [{"kind": _kind(text), "text": text} for text in [entry["note"], *found.notes] if text]
    failed = [{"kind": "failed", "what": what, "text": why} for what, why in found.missing.items()]
    return [one for one in changes if not one["text"].startswith("Not shown:")] + failed


_KINDS = {
    "cut to": "cut",
    "repeated": "repeated",
    "filled up": "filled",
    "resampled": "resampled",
    "weights": "untrained",
    "pieces": "pieces",
    "keeps state": "varying",
    "draws random": "varying",
}
"""Of a note, by words in it."""


def _kind(text: str) -> str:
    return next((kind for words, kind in _KINDS.items() if words in text), "note")


def _flat(results: Mapping[str, Any]) -> Iterable[xr.Dataset]:
    for one in results.values():
        if isinstance(one, xr.Dataset):
            yield one
        else:
            yield from one.values()
