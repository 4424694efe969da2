"""The page of a sound as data: whole, plain, bounded, and with the numbers of the methods."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor, nn

from otoscope import Contract, InputError, Scope
from otoscope.app.budget import heard_of, limit_of
from otoscope.app.packing import Part
from otoscope.app.page import Page
from otoscope.app.sound import outlined
from otoscope.app.sound_page import sound_page
from otoscope.app.spectrogram import Grid
from otoscope.report.gather import gather
from page_decoder import read, refs

RATE = 8000


def sound(seconds: float = 0.25, channels: int = 1) -> Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    wave = 0.4 * torch.sin(2 * torch.pi * 440 * time) + 0.2 * torch.sin(2 * torch.pi * 1500 * time) * (time > 0.1)
    return wave if channels == 1 else torch.stack([wave * (i + 1) / channels for i in range(channels)])


def small(classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 5, 5), nn.ReLU()]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, classes))
    nn.init.uniform_(model[-1].weight)  # positive, so that the rules let something through
    return model


def page_of(model: nn.Module, wave: Tensor, **options: Any) -> Page:
    made = {name: options.pop(name) for name in ("classes", "contract", "name") if name in options}
    limit = options.pop("limit", None)
    return sound_page({"a": gather(Scope(model, RATE, **made), wave, **options)}, limit=limit)


def run_of(page: Page) -> dict[str, Any]:
    return page.manifest["runs"][0]


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(small(), sound(), classes=["a", "b", "c"], name="small", n_maps=4)


def check(page: Page) -> None:
    """Plain JSON of finite numbers, of which every array can be read."""
    again = json.loads(page.text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert again == page.manifest
    assert "<" not in page.text()
    found = list(refs(page.manifest))
    assert found and {part for part, _ in found} >= {name for name, one in page.parts.items() if len(one) > 16}
    for part, ref in found:
        assert np.isfinite(read(page.parts.get(part, b""), ref)).all()
    for run in page.manifest["runs"]:
        sounds = page.manifest["sounds"][run["sound"]]
        assert run["rate"] == sounds["rate"] and sounds["picture"]["shape"] == [sounds["bins"], sounds["frames"]]
        for entry in run["relevance"]:
            assert entry["picture"]["shape"] == sounds["picture"]["shape"] and entry["hop"] == sounds["hop"]
            assert entry["signal"]["n"] == sounds["signal"]["n"]
            for name, limit in (("time", sounds["duration"]), ("band", run["rate"] / 2)):
                low, high = entry[name]
                assert 0 <= low <= high <= limit * 1.001
        assert len(run["classes"]) == len(run["logits"]) == len(run["order"]) <= max(run["class_count"], 0)
        assert sorted(run["order"]) == list(range(len(run["order"])))
    assert page.manifest["budget"]["bytes"] == pytest.approx(page.size, abs=200)


def test_it_is_whole_and_plain(page: Page) -> None:
    check(page)
    assert (page.manifest["format"], page.manifest["kind"]) == ("otoscope-page 1", "sound")
    run = run_of(page)
    assert (run["model"], run["classes"], run["answer"]["kind"]) == ("small", ["a", "b", "c"], "classes")
    first = [(one["rule"], one["target"]) for one in run["relevance"]]
    assert first[:2] == [("guided", "top"), ("gradient", "top")]
    assert set(first[2:]) == {
        ("gradient_x_input", "top"), ("guided", "second"), ("guided", "contrast"),
        ("gradient_x_input", "second"), ("gradient_x_input", "contrast"),
    }  # fmt: skip
    assert [row["name"] for row in run["taps"]] == list(Scope(small(), RATE).taps())
    assert {"geometry", "aliasing", "filters", "strs", "crs", "wigner"} < run["calls"].keys()
    assert run["first"]["layer"] == "0" and run["maps"].keys() == {"2", "4"}
    assert page.manifest["references"] and "otoscope" in page.manifest["bibtex"]


def test_what_tests_say_stands_beside_the_relevance_that_was_asked_for(page: Page) -> None:
    first, *others = run_of(page)["relevance"]
    assert [block["method"] for block in first["trust"]] == ["control", "taken_away"]
    found = Scope(small(), RATE, classes=["a", "b", "c"]).control(sound())
    rows = {row[0]: row[1] for row in first["trust"][0]["bars"]["rows"]}
    assert rows["random weights"] == pytest.approx(float(found.control_random), abs=1e-3)
    assert first["time"] == pytest.approx([float(found.focus_start), float(found.focus_stop)], rel=1e-3)
    assert first["band"] == pytest.approx([float(found.focus_low), float(found.focus_high)], rel=1e-3)
    for one in others:
        assert one["trust"] == [] and one["trust_note"].startswith("Tested was the relevance for")
    assert {"control", "taken_away"} <= run_of(page)["calls"].keys()


def test_what_was_not_tested_says_so() -> None:
    page = page_of(small(), sound(), control=False, without=("voice", "sonify", "wigner"))
    check(page)
    assert all(one["trust"] == [] and "as was asked" in one["trust_note"] for one in run_of(page)["relevance"])


def test_its_answer_is_that_of_the_model(page: Page) -> None:
    run, logits = run_of(page), small().eval()(sound()[None, None])[0].detach()
    assert run["logits"] == pytest.approx(logits.tolist(), rel=1e-4)
    assert run["probabilities"] == pytest.approx(logits.softmax(0).tolist(), rel=1e-3)
    assert run["order"] == logits.argsort(descending=True).tolist()
    assert run["answer"]["label"] == run["classes"][run["order"][0]]
    assert run["answer"]["margin"] == pytest.approx(
        float(logits.sort().values[-1] - logits.sort().values[-2]), rel=1e-3
    )


def spectrogram(signal: np.ndarray, grid: dict[str, Any]) -> np.ndarray:
    """Magnitudes by SciPy, one frame at a time."""
    length, step = 200, round(grid["hop"] * RATE)
    window = scipy.signal.get_window("hann", length)
    padded = np.pad(signal, length)
    frames = [padded[length // 2 + i : length // 2 + i + length] for i in range(0, signal.size, step)]
    return np.abs(np.fft.rfft(np.stack(frames) * window)).T


def test_its_pictures_are_those_of_the_sound_and_of_the_relevance(page: Page) -> None:
    entry = page.manifest["sounds"]["sound-0"]
    shown = read(page.parts["sound-0"], entry["picture"])
    wanted = spectrogram(sound().double().numpy(), entry)
    assert shown.shape == wanted.shape == (101, 125)
    decibels = 20 * np.log10(np.maximum(wanted / wanted.max(), 1e-9))
    assert np.abs(shown - np.maximum(decibels, -70)).max() < 0.2
    relevance = Scope(small(), RATE, classes=["a", "b", "c"]).relevance(sound(), rule="guided")
    one = run_of(page)["relevance"][0]
    assert read(page.parts["answer-a"], one["signal"]) == pytest.approx(
        relevance.relevance.values, abs=one["signal"]["peak"] / 8000
    )
    wanted = spectrogram(relevance.relevance.values.astype(float), entry)
    decibels = 20 * np.log10(np.maximum(wanted / wanted.max(), 1e-9))
    assert np.abs(read(page.parts["answer-a"], one["picture"]) - np.maximum(decibels, -70)).max() < 0.2


def test_what_is_signed_sums_to_the_relevance(page: Page) -> None:
    one = next(one for one in run_of(page)["relevance"] if one["rule"] == "gradient_x_input")
    found = Scope(small(), RATE).relevance(sound(), rule="gradient_x_input")
    cells, signal = (read(page.parts["answer-a"], one[name]) for name in ("picture", "signal"))
    assert one["signed"] and signal.sum() == pytest.approx(
        float(found.relevance.sum()), abs=1e-3 * np.abs(signal).sum()
    )
    assert cells.sum() == pytest.approx(float(found.relevance.sum()), abs=0.02 * np.abs(cells).sum())
    assert one["negative"] == pytest.approx(-cells[cells < 0].sum() / np.abs(cells).sum(), abs=0.01)


def test_the_sound_of_a_product_is_that_of_the_recording_where_it_is_repeated() -> None:
    model = small()
    model.input_length, model.padding = 5000, "repeat"
    found = gather(Scope(model, RATE), sound())
    page = sound_page({"a": found})
    check(page)
    run = run_of(page)
    assert any(note["kind"] == "repeated" for note in run["notes"])
    taken = found.others["gradient_x_input", "top"].relevance.values
    one = next(one for one in run["relevance"] if one["rule"] == "gradient_x_input")
    folded = np.pad(taken, (0, 1000)).reshape(3, 2000).sum(0)
    assert read(page.parts["answer-a"], one["signal"]) == pytest.approx(folded, abs=1e-3 * float(np.abs(folded).max()))


@pytest.mark.parametrize("kind", ["one channel", "two channels", "repeated"])
def test_the_place_of_every_relevance_is_that_which_the_command_prints(kind: str) -> None:
    model, wave = small(), sound(channels=2 if kind == "two channels" else 1)
    if kind == "two channels":
        model[0] = nn.Conv1d(2, 4, 20, stride=5)
    if kind == "repeated":
        model.input_length, model.padding = 5000, "repeat"
    contract = Contract(classes=["a", "b", "c"], channels=2 if kind == "two channels" else None)
    scope = Scope(model, RATE, contract=contract) if kind == "two channels" else Scope(model, RATE)
    (run,) = sound_page({"a": gather(scope, wave, control=False)}).manifest["runs"]
    assert len({one["rule"] for one in run["relevance"]}) == 3
    for one in run["relevance"]:
        asked = {key: value for key, value in one["call"]["arguments"].items() if key in ("target", "against")}
        found = scope.control(wave, rule=one["rule"], draws=1, **asked)
        for name, edges in (("time", ("focus_start", "focus_stop")), ("band", ("focus_low", "focus_high"))):
            wanted = [float(found[edge]) for edge in edges]
            assert (one[name] is None and np.isnan(wanted).all()) or one[name] == pytest.approx(wanted, rel=1e-4)
        for name in ("peak_time", "peak_frequency", "sound_share_time", "sound_share_band"):
            assert one[name] == pytest.approx(float(found[name]), rel=1e-3, nan_ok=True)


def test_maps_are_those_of_the_layer(page: Page) -> None:
    model = small().eval()
    values = model[:3](sound()[None, None])[0].detach().numpy()
    run = run_of(page)
    entry, scope = run["maps"]["2"], Scope(small(), RATE)
    assert (entry["hop"], entry["of"], entry["complete"]) == (10, 4, True)
    assert run["taps"][2]["silent"] == int((np.abs(values).max(1) == 0).sum())
    sounds = scope.sonify(sound(), layer="2", channels="all").sonification.values
    picture = spectrogram(sound().double().numpy(), page.manifest["sounds"]["sound-0"])
    for item in entry["items"]:
        channel, part = item["channel"], page.parts[entry["part"]]
        assert read(part, item["map"]) == pytest.approx(values[channel], abs=float(np.abs(values[channel]).max()) / 250)
        heard = read(part, item["sound"])
        assert heard == pytest.approx(sounds[channel], abs=1e-3)
        if sounds[channel].any():
            cells = spectrogram(sounds[channel].astype(float), page.manifest["sounds"]["sound-0"])
            assert item["r_sound"] == pytest.approx(np.corrcoef(cells.ravel(), picture.ravel())[0, 1], abs=2e-3)
            assert read(part, item["thumb"]).shape == (24, 48)


def test_the_first_layer_is_there_kernel_by_kernel(page: Page) -> None:
    first, part = run_of(page)["first"], page.parts["first-a"]
    weight = small()[0].weight.detach().numpy()[:, 0]
    assert read(part, first["weight"]).reshape(4, 20) == pytest.approx(weight, abs=float(np.abs(weight).max()) / 2000)
    magnitude = np.abs(np.fft.rfft(weight, first["n_fft"]))
    step = (first["n_fft"] // 2) // (first["magnitude"]["shape"][1] - 1)
    shown = read(part, first["magnitude"])
    for place, kernel in enumerate(first["order"]):
        wanted = 20 * np.log10(magnitude[kernel, ::step] / magnitude.max())
        assert np.abs(shown[place] - np.maximum(wanted, -40))[wanted > -25].max() < 0.5
    assert first["wigner"]["time"][0] < 0 < first["wigner"]["time"][1]


# -- Hostile names and strange models ---------------------------------------------------------------------


def test_names_cannot_end_the_script_or_begin_a_comment() -> None:
    evil = '</script><script>alert(1)</script><!-- "\u2028 \udc80'
    model = nn.Sequential()
    for i, part in enumerate(small()):
        model.add_module(f"{i}</script><!--", part)
    found = gather(Scope(model, RATE, name=evil, classes=[evil, "<!--", "c"]), sound())
    found.clip.attrs["name"] = evil
    page = sound_page({"a": found})
    text = page.text()
    assert not re.search(r"<|\u2028", text)
    assert json.loads(text)["runs"][0]["model"] == evil
    text.encode("ascii")
    check(page)


class Waveform(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 4, 9, padding=4), nn.Conv1d(4, 1, 9, padding=4)

    def forward(self, wave: Tensor) -> Tensor:
        return self.last(self.first(wave).relu())


class Frames(nn.Module):
    """An answer every 100 samples."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(1, 6, 50, stride=10), nn.ReLU(), nn.Conv1d(6, 3, 20, stride=10))

    def forward(self, wave: Tensor) -> Tensor:
        return self.net(wave)


class Linear(nn.Module):
    """No kernels at all."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2000, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, wave: Tensor) -> Tensor:
        return self.net(wave[:, 0])


def test_without_classes_the_page_says_why() -> None:
    page = page_of(Waveform(), sound())
    check(page)
    run = run_of(page)
    assert (run["classes"], run["logits"], run["probabilities"], run["relevance"]) == ([], [], None, [])
    assert (run["answer"]["kind"], run["answer"]["reason"]) == ("none", "its output is a waveform")
    assert {"relevance_guided", "relevance_gradient"} <= {one["what"] for one in run["missing"]}
    reasons = {one["why"] for one in run["missing"] if one["what"].startswith("relevance_")}
    assert run["relevance_note"] == f"No relevance is in this page: {'; '.join(reasons)}." and len(reasons) == 1
    energy = page_of(Waveform(), sound(), target="energy")
    check(energy)
    assert run_of(energy)["relevance"][0]["score_kind"] == "energy"


def test_what_cannot_be_traced_back_is_named() -> None:
    class Cut(nn.Sequential):
        def forward(self, waves: Tensor) -> Tensor:
            with torch.no_grad():
                return super().forward(waves)

    run = run_of(page_of(Cut(*small()), sound(), classes=["a", "b", "c"]))
    assert run["relevance"] == [] and run["relevance_note"].startswith("No relevance is in this page: the model cuts g")
    assert "explain it by occlusion, which needs no gradient." in run["relevance_note"]


@pytest.mark.parametrize("classes", [None, ["no", "yes"]])
def test_one_logit(classes: list[str] | None) -> None:
    page = page_of(small(1), sound(), classes=classes)
    check(page)
    assert run_of(page)["answer"]["kind"] == ("number" if classes is None else "classes")
    assert run_of(page)["class_count"] == (1 if classes is None else 2)


def test_an_answer_that_varies_in_time() -> None:
    page = page_of(
        Frames(), sound(), contract=Contract(sample_rate=RATE, class_axis=1, time_axis=2), classes=list("abc")
    )
    check(page)
    assert "frames" in run_of(page)["answer"]["how"]


def test_a_score_may_be_minus_infinity() -> None:
    class Never(nn.Module):
        """The last class is never meant."""

        def __init__(self) -> None:
            super().__init__()
            self.net = small()

        def forward(self, wave: Tensor) -> Tensor:
            scores: Tensor = self.net(wave)
            return torch.cat([scores[:, :2], torch.full_like(scores[:, 2:], -torch.inf)], 1)

    page = page_of(Never(), sound(), classes=["a", "b", "c"])
    check(page)
    run = run_of(page)
    assert run["logits"][2] == "-Infinity" and run["order"][-1] == 2
    assert isinstance(run["answer"]["margin"], float)


def test_a_tie_has_no_margin() -> None:
    class Even(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = small(1)

        def forward(self, wave: Tensor) -> Tensor:
            return self.net(wave).expand(-1, 3)

    assert run_of(page_of(Even(), sound(), classes=["a", "b", "c"]))["answer"]["margin"] == 0


def test_two_channels_are_mixed_and_that_is_said() -> None:
    model = nn.Sequential(
        nn.Conv1d(2, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    page = page_of(model, sound(channels=2), contract=Contract(sample_rate=RATE, channels=2))
    check(page)
    entry = page.manifest["sounds"]["sound-0"]
    assert "mean of its 2 channels" in entry["mixed"]
    assert read(page.parts["sound-0"], entry["signal"]) == pytest.approx(sound(channels=2).mean(0).numpy(), abs=1e-4)


def test_no_first_layer_and_no_axis_of_time() -> None:
    page = page_of(Linear(), sound())
    check(page)
    run = run_of(page)
    assert run["first"] is None and "filters" in {one["what"] for one in run["missing"]}
    assert all(
        entry["hop"] is None and not any("map" in item for item in entry["items"]) for entry in run["maps"].values()
    )


def test_a_layer_of_very_many_maps() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(1, 2000, 20, stride=50), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(2000, 900)
    )
    page = page_of(model, sound())
    check(page)
    run = run_of(page)
    assert page.size < limit_of(0.25) and run["class_count"] == 900 and len(run["classes"]) == 400
    assert run["maps"]["1"]["of"] == 2000 and not run["maps"]["1"]["complete"]
    assert run["first"]["n"] == 2000 and run["maps"]["1"]["left_out"] == 2000 - len(run["maps"]["1"]["items"])


def test_silence_and_a_sound_of_one_sample_are_pages() -> None:
    with pytest.raises(InputError):
        page_of(small(), torch.zeros(2000), target="a", classes=["a", "b", "c"])
    silent = page_of(small(), torch.zeros(2000))
    check(silent)
    assert (
        run_of(silent)["relevance"] == []
        and not read(silent.parts["sound-0"], silent.manifest["sounds"]["sound-0"]["signal"]).any()
    )


# -- Size -------------------------------------------------------------------------------------------------


def test_what_has_no_room_is_left_out_and_named() -> None:
    whole = page_of(small(), sound(1.0))
    tight = page_of(small(), sound(1.0), limit=300_000 + whole.size // 2)
    check(tight)
    assert whole.size // 3 < tight.size < whole.size // 2 + 300_000
    assert not whole.manifest["left_out"]
    assert any("relevance" in one["what"] for one in tight.manifest["left_out"])
    assert [one["rule"] for one in run_of(tight)["relevance"]][:2] == ["guided", "gradient"]
    assert any("maps of 4" in one["what"] for one in tight.manifest["left_out"])


def test_maps_fill_the_room_and_no_more_whatever_the_rates_of_their_layers() -> None:
    model = nn.Sequential(*small())
    found = gather(Scope(model, RATE), sound(1.0), control=False, layer=["0", "4"], n_maps=4)
    found.maps["0"] = np.random.default_rng(0).normal(size=(4, 100_000))  # at a rate far above that of the other
    whole = sound_page({"a": found}).size
    for limit in np.linspace(0.6, 1.0, 15) * whole + 320_000:
        page = sound_page({"a": found}, limit=int(limit))
        packed = sum(map(len, page.parts.values())) * 4 / 3
        assert packed + 320_000 <= limit * 1.01 or not run_of(page)["maps"]


@pytest.mark.parametrize("seconds", [1, 10, 60, 600])
def test_pictures_do_not_grow_with_the_sound(seconds: int) -> None:
    grid = Grid.of(seconds * 16_000, 16_000)
    assert grid.frames <= 1700 and grid.hop * grid.frames >= seconds - grid.hop
    assert heard_of(seconds * 16_000) == min(seconds * 16_000, 2**20)


def test_what_is_on_every_page_has_room_whatever_the_sound() -> None:
    """Ten minutes of noise, which nothing packs: the sound, and two relevances of it."""
    rate, generator = 16_000, np.random.default_rng(0)
    part, picture = Part(), generator.normal(size=(201, 1600))
    for bits in (16, 14, 14):
        outlined(generator.normal(size=600 * rate), rate, part, bits)
        part.db(picture)
    assert part.size + 320_000 < limit_of(600)


def test_pooled_frames_keep_what_they_sum_to() -> None:
    generator = np.random.default_rng(0)
    sound, gradient = generator.normal(size=(2, 60 * RATE)) * (np.arange(60 * RATE) > 20 * RATE)
    grid = Grid.of(sound.size, RATE)
    assert grid.pooled > 1
    cells = grid.products(sound, gradient)
    assert cells.shape == (grid.frequencies.size, grid.frames)
    assert cells.sum() == pytest.approx((sound * gradient).sum(), abs=1e-9 * np.abs(sound * gradient).sum())
    loud = grid.magnitudes(sound)
    assert loud.shape == cells.shape
    fine = Grid(RATE, sound.size, grid.step).magnitudes(sound)
    assert (loud**2).sum() * grid.pooled == pytest.approx((fine**2).sum(), rel=1e-9)
    assert not loud[:, grid.times < 19.9].any() and loud[:, grid.times > 20.1].all(0).any()


def test_a_long_sound_in_pieces_is_that_in_one() -> None:
    signal = np.random.default_rng(1).normal(size=2**20 + 5000)
    grid = Grid(RATE, signal.size, 80)
    wanted = Grid(RATE, 2**18, 80).magnitudes(signal[-(2**18) :])
    offset = (signal.size - 2**18) / 80
    assert grid.frames == -(-signal.size // 80)
    start = int(np.ceil(offset)) * 80
    again = Grid(RATE, signal.size - start, 80).magnitudes(signal[start:])
    np.testing.assert_allclose(grid.magnitudes(signal)[:, start // 80 + 3 :], again[:, 3:])
    assert wanted.shape[0] == again.shape[0]


def test_a_minute_is_bounded_and_can_be_seen_whole() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(1, 4, 20, stride=20), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    wave = sound(60.0) * torch.rand(60 * RATE).round()
    page = page_of(model, wave, n_maps=1)
    entry = page.manifest["sounds"]["sound-0"]
    assert page.size < limit_of(60.0) < 10e6
    outline = read(page.parts["sound-0"], entry["envelope"])
    assert outline.shape[1] <= 4000 and outline[1].max() == pytest.approx(float(wave.max()), rel=0.02)
    assert entry["duration"] == 60 and entry["frames"] <= 1700
