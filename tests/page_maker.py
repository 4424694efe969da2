"""Pages of made-up sounds, for tests of the front end that need no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from otoscope.app.packing import Part
from otoscope.app.single_file import page_html
from otoscope.app.sound import outlined
from otoscope.app.spectrogram import Grid

WINDOW = 0.025


def tones(seconds: float, rate: int = 8000) -> np.ndarray:
    """A tone that rises and one that stays, with silence before and after."""
    t = np.arange(round(seconds * rate)) / rate
    inside = np.clip(np.minimum(t - 0.1 * seconds, 0.9 * seconds - t) / (0.05 * seconds), 0, 1)
    rising = np.sin(2 * np.pi * (300 * t + 350 * t**2 / max(seconds, 1e-9)))
    return 0.4 * inside * (rising + 0.5 * np.sin(2 * np.pi * 2500 * t))


def block(method: str, level: str, head: str, text: str, **more: Any) -> dict[str, Any]:
    """One line of evidence."""
    return {"method": method, "level": level, "head": head, "text": text, **more}


def trust() -> list[dict[str, Any]]:
    """Both lines as they stand beside a relevance."""
    bars = {
        "columns": ["this map and", "r"],
        "signed": False,
        "rows": [
            ["the map for no", 0.62, None, None, "model"],
            ["random weights", 0.31, 0.2, 0.4, "model"],
            ["the sound itself", 0.4, None, None, "sound"],
        ],
    }
    table = {
        "columns": ["without", "says", "margin", "changed elsewhere"],
        "rows": [["nothing", "yes", 2.5, ""], ["300 to 600 Hz", "no", -1.2, "0 of 22"]],
        "strong": [[1, 1]],
    }
    return [
        block(
            "control",
            "ok",
            "Of its own",
            "The map for no looks different (r = 0.62).",
            bars=bars,
            note="r of two pictures.",
        ),
        block(
            "taken_away",
            "ok",
            "Taken away, the answer changes",
            "Without 300 to 600 Hz it says no.",
            table=table,
        ),
    ]


def relevance(part: Part, x: np.ndarray, grid: Grid, **more: Any) -> dict[str, Any]:
    """An entry of relevance whose signal is given."""
    return {
        "rule": "guided",
        "target": "top",
        "label": "yes",
        "signed": False,
        "logit": 3.0,
        **outlined(x, grid.rate, part, bits=14),
        "picture": part.db(grid.magnitudes(x)),
        "hop": grid.hop,
        "time": [0.3 * x.size / grid.rate, 0.4 * x.size / grid.rate],
        "band": [300.0, 600.0],
        "peak_time": 0.35 * x.size / grid.rate,
        "peak_frequency": 440.0,
        "trust": trust(),
        **more,
    }


def maps(part: Part, x: np.ndarray, grid: Grid, count: int) -> dict[str, Any]:
    """Maps of a layer; the last is silent."""
    items = []
    for channel in range(count):
        y = x * np.cos(np.linspace(0, channel, x.size)) if channel < count - 1 else np.zeros_like(x)
        item = {
            "channel": channel, "activity": float(np.abs(y).mean()), "peak_time": 0.2, "peak_frequency": 500.0,
            "sound": part.sound(y, bits=11), "r_sound": 0.5, "r_twin_sound": 0.3, "map": part.map(np.abs(y[::8])),
        }  # fmt: skip
        if y.any():
            item["thumb"] = part.db(np.random.default_rng(channel).random((24, 48)), 50.0)
        items.append(item)
    return {
        "part": "maps-a-0", "total": count, "items": items, "hop": 8.0, "centre": 4.0, "field": 9, "sounds": x.size,
        "complete": True, "cropped": False,
    }  # fmt: skip


def made_page(
    x: np.ndarray, rate: int = 8000, *, runs: int = 1, count: int = 6, **changes: Any
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A manifest of kind "sound" and its parts; `changes` go into every run."""
    parts = {name: Part() for name in ("sound-0", "answer-a", "answer-b", "maps-a-0")}
    grid = Grid.of(x.size, rate)
    sound = {
        "name": "tones.wav", "about": None, "marks": None, "rate": rate, "n": x.size, "duration": x.size / rate,
        "sha256": "0" * 64, "original_rate": rate, "note": "", **outlined(x, rate, parts["sound-0"], bits=16),
        "picture": parts["sound-0"].db(grid.magnitudes(x)), "hop": grid.hop, "bins": grid.frequencies.size,
        "frames": grid.frames, "part": "sound-0",
    }  # fmt: skip
    taps = [
        {"name": f"{kind}{i}", "kind": kind, "op": kind, "channels": 6, "kernel": 9, "stride": 2, "dilation": 1,
         "hop": 2.0**i, "receptive_field": 9 * 2**i, "rate": rate / 2**i, "silent": 1}
        for i in range(3) for kind in ("convolution", "activation")
    ]  # fmt: skip

    def run(name: str) -> dict[str, Any]:
        part = parts[f"answer-{name}"]
        heard = relevance(part, x * np.linspace(0, 1, x.size) ** 2, grid)
        layers = {"activation1": maps(parts["maps-a-0"], x, grid, count)} if count and name == "a" else {}
        return {
            "id": name, "model": f"model-{name}", "sound": "sound-0", "part": f"answer-{name}", "rate": rate,
            "classes": ["yes", "no", "maybe"], "class_count": 3, "logits": [3.0, 0.5, -1.0],
            "probabilities": [0.9, 0.08, 0.02], "order": [0, 1, 2], "parameters": 1000, "weights_sha256": "abc",
            "input_length": None, "padding": None, "relevance": [heard], "taps": taps, "geometry": [], "aliasing": [],
            "first": None, "maps": layers, "methods": [], "calls": {}, "notes": [], "missing": [], "channels": 1,
            "opened": {"model": f"model-{name}", "options": {}, "sound": "tones.wav"},
            "facts": {"model": [], "sound": []},
            "answer": {"kind": "classes", "score_kind": "logit", "how": "softmax of the logits"}, **changes,
        }  # fmt: skip

    manifest = {
        "format": "otoscope-page 1", "kind": "sound", "otoscope": "0.1.0", "title": "tones.wav", "window": WINDOW,
        "sounds": {"sound-0": sound}, "runs": [run(name) for name in "ab"[:runs]], "pairs": [], "references": [],
        "bibtex": "", "left_out": [],
    }  # fmt: skip
    return manifest, {name: part.packed() for name, part in parts.items()}


def write_page(path: Path, manifest: dict[str, Any], parts: dict[str, bytes]) -> str:
    """The address of the page as one file."""
    path.write_text(page_html(manifest, parts), encoding="utf-8")
    return path.as_uri()
