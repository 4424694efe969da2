"""Methods through a network that is written twice: in torch for the library, in numpy loops here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from by_hand import LAYERS, RATE, Network, convolve, noise, transform

from otoscope import Scope
from otoscope.data.aev import vowel_tokens
from otoscope.methods.data_flow import flow_at

RULES = ("gradient", "guided", "deconvnet")
CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def scope(network: Network) -> Scope:
    return Scope(network.module(), RATE, classes=CLASSES)


def same(found: Any, expected: Any, tolerance: float = 1e-6) -> None:
    """Results are kept in single precision."""
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def test_the_network_is_the_same_in_both(network: Network, scope: Scope) -> None:
    wave = noise()
    same(scope.output(wave)[0], network.run(wave)["output"])
    # And so is the way back: a derivative is what a small step changes.
    step = 1e-6 * noise(seed=1)
    for number in range(3):
        change = (network.run(wave + step)["output"] - network.run(wave - step)["output"])[number] / 2
        assert network.back(wave, "output", np.eye(3)[number], "gradient") @ step == pytest.approx(change, rel=1e-5)


@pytest.mark.replica("relevance")
@pytest.mark.parametrize("rule", RULES)
def test_relevance(network: Network, scope: Scope, rule: str) -> None:
    wave = noise()
    found = scope.relevance(wave, target="b", rule=rule)
    expected = network.back(wave, "output", np.array([0.0, 1.0, 0.0]), rule)
    assert found.relevance.dims == ("time",)
    same(found.relevance, expected)
    same(found.logit, network.run(wave)["output"][1])
    # Muckenhirn et al. 2019, eq. 4: the derivative by the spectrum, of a real signal up to half the rate.
    same(found.g, np.abs(transform(expected).conj() / len(wave))[: len(wave) // 2 + 1])
    same(found.relevance_spectrum, np.abs(transform(expected))[: len(wave) // 2 + 1] / len(wave) ** 0.5)


@pytest.mark.replica("sonify")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", LAYERS)
def test_sonify(network: Network, scope: Scope, layer: str, rule: str) -> None:
    wave = noise()
    for channel in range(3):
        found = scope.sonify(wave, layer=layer, channels=channel, rule=rule)
        same(found.sonification.squeeze("channel"), network.sonify(wave, layer, channel, rule))
    assert scope.sonify(wave, layer=layer).channel.values.tolist() == [network.most_active(wave, layer)]


@pytest.mark.replica("residual")
def test_residual(network: Network, scope: Scope) -> None:
    wave = noise()
    found = scope.residual(wave, layer=LAYERS)
    for layer in LAYERS:
        same(found.residual.sel(layer=layer), network.residual(wave, layer))


@pytest.mark.replica("residual_study")
def test_residual_study(network: Network, scope: Scope) -> None:
    waves = [noise(seed=number) for number in range(12)]
    truth = [number % 3 for number in range(12)]
    found = scope.residual_study(list(zip(waves, (CLASSES[number] for number in truth), strict=True)), layer=LAYERS)
    answers = [[network.run(wave)["output"].argmax()] for wave in waves]
    for wave, answer in zip(waves, answers, strict=True):
        answer += [network.run(network.residual(wave, layer))["output"].argmax() for layer in LAYERS]
    right = np.array(answers) == np.array(truth)[:, None]
    assert 0 < right.mean() < 1
    same(found.baseline, right[:, 0].mean())
    same(found.score, right[:, 1:].mean(0))
    same(found.change, right[:, 1:].mean(0) - right[:, 0].mean())
    # Wilson's interval: the shares p from which 1.96 deviations reach the one that was found.
    shares = np.linspace(0, 1, 200_001)
    for layer, share in enumerate(right[:, 1:].mean(0)):
        within = shares[(share - shares) ** 2 <= 1.959964**2 * shares * (1 - shares) / 12]
        same([found.score_ci_low[layer], found.score_ci_high[layer]], [within[0], within[-1]], 1e-4)


@pytest.mark.replica("evolution")
def test_evolution(tmp_path: Any) -> None:
    wave, networks = noise(), [Network(seed) for seed in (5, 6, 7)]
    for number, network in enumerate(networks):
        torch.save(network.module().state_dict(), tmp_path / f"step={10 * number}.pt")
    scope = Scope(Network(0).module(), RATE)
    found = scope.evolution(wave, checkpoints=tmp_path, layer="4")
    most = networks[-1].most_active(wave, "4")
    assert found.channel.values.tolist() == [most]
    for number, network in enumerate(networks):
        same(found.sonification.isel(checkpoint=number, channel=0), network.sonify(wave, "4", most))
        level = np.sqrt(np.mean(network.run(wave)["4"][most] ** 2))
        same(found.activity.isel(checkpoint=number, channel=0), level)
    same(scope.output(wave)[0], Network(0).run(wave)["output"])


@pytest.mark.replica("coherence")
def test_coherence(network: Network, scope: Scope) -> None:
    """Yadav 2022, eq. 6.2, with Welch's method as sums over segments."""
    waves = [noise(600, seed) for seed in range(3)]
    found = scope.coherence(waves, layer=["2", "4"], nperseg=64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)

    def segments(x: np.ndarray) -> np.ndarray:
        cut = np.array([x[start : start + 64] for start in range(0, len(x) - 63, 32)])
        return transform((cut - cut.mean(-1, keepdims=True)) * window)[:, :33]

    for layer in ("2", "4"):
        values = []
        for wave in waves:
            sound = network.sonify(wave, layer, network.most_active(wave, layer))
            x, y = segments(wave), segments(sound)
            shared = np.abs(np.sum(x.conj() * y, 0)) ** 2 / np.sum(np.abs(x) ** 2, 0) / np.sum(np.abs(y) ** 2, 0)
            values.append(np.sort(shared)[-5:].mean())
        same(found["coherence"].sel(layer=layer), np.mean(values), 1e-5)
        half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # Student's t of 2 degrees of freedom
        same(found["ci_low"].sel(layer=layer), max(0, np.mean(values) - half), 1e-4)


@pytest.mark.replica("top_activations")
def test_top_activations(network: Network, scope: Scope) -> None:
    waves = [noise(length, seed) for seed, length in enumerate((200, 260, 200, 180, 231))]
    found = scope.top_activations(waves, layer="4", k=3)
    maps = [network.run(wave)["4"] for wave in waves]
    for channel in range(4):
        peaks = [values[channel].max() for values in maps]
        order = sorted(range(5), key=lambda clip: -peaks[clip])[:3]
        one = found.sel(channel=channel)
        assert one["clip_index"].values.tolist() == order
        same(one["activation"], [peaks[clip] for clip in order])
        # Value t of the last map looks at the 15 samples from 4 t on.
        times = [(4 * int(maps[clip][channel].argmax()) + 7) / RATE for clip in order]
        same(one["peak_time"], times)


@pytest.mark.replica("top_activations")
def test_sounds_of_top_activations(network: Network, scope: Scope) -> None:
    waves = [noise(length, seed) for seed, length in enumerate((200, 260, 180))]
    found = scope.top_activations(waves, layer="4", k=2, channels=[3, 1], sounds=True, duration=None)
    for channel in (3, 1):
        for rank in (1, 2):
            one = found.sel(channel=channel, rank=rank)
            wave = waves[int(one["clip_index"])]
            rest = np.zeros(found.sizes["time"] - len(wave))
            same(one["input"], np.concatenate([wave, rest]))
            same(one["sonification"], np.concatenate([network.sonify(wave, "4", channel), rest]))


@pytest.mark.replica("data_flow")
def test_data_flow(network: Network, scope: Scope) -> None:
    wave = noise()
    found = scope.data_flow(wave, layer=["0", "2", "4"], n_maps=2)
    taps = network.run(wave) | {"input": wave[None]}
    for name, hop in (("input", 1), ("0", 2), ("2", 4), ("4", 4)):
        one = flow_at(found, name)
        order = np.argsort([-np.mean(row**2) for row in taps[name]], kind="stable")[:2]
        assert one.channel.values.tolist() == order.tolist()
        maps = taps[name][order]
        same(one.signal, maps)
        spectrum = 2 * np.abs(transform(maps)) / maps.shape[-1]
        spectrum[:, 0] /= 2
        spectrum = spectrum[:, : maps.shape[-1] // 2 + 1]
        if maps.shape[-1] % 2 == 0:
            spectrum[:, -1] /= 2
        same(one.spectrum, spectrum, 1e-5)
        same(one.frequency, np.arange(spectrum.shape[-1]) * RATE / hop / maps.shape[-1])


def dense(network: Network, wave: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What the two steps would give at stride 1, and what they give."""
    taps = network.run(wave)
    pooled = np.maximum(taps["1"][:, 1:], taps["1"][:, :-1])
    return {
        "0": (convolve(wave[None], network.first, network.first_bias), taps["0"]),
        "2": (pooled, taps["2"]),
    }


def folded_share(maps: np.ndarray, each: bool = False) -> np.ndarray:
    """Energy above half of the new rate, which is half of the old one, over that of all but the mean."""
    power = np.abs(transform(maps)) ** 2
    length = maps.shape[-1]
    frequency = np.minimum(np.arange(length), length - np.arange(length)) / length
    above, moving = power[:, frequency > 0.25].sum(-1), power[:, frequency > 0].sum(-1)
    return above / moving if each else above.sum() / moving.sum()


@pytest.mark.replica("aliasing")
def test_aliasing(network: Network, scope: Scope) -> None:
    wave = noise()
    found = scope.aliasing(wave)
    for step, (maps, _) in dense(network, wave).items():
        same(found["share"].sel(step=step), folded_share(maps))
        same(found["channel_share"].sel(step=step), folded_share(maps, each=True))


@pytest.mark.replica("aliasing_map")
def test_aliasing_map(network: Network, scope: Scope) -> None:
    sweep, cells, amplitude = [310.0, 1730.0, 2950.0], 12, 0.5
    found = scope.aliasing_map(duration=0.03, frequencies=sweep, cells=cells, amplitude=amplitude)
    time = np.arange(240) / RATE
    power: dict[str, list[np.ndarray]] = {"0": [], "2": []}
    for number, frequency in enumerate(sweep):
        wave = amplitude * np.sin(2 * np.pi * frequency * time)
        for step, (before, after) in dense(network, wave).items():
            one = found.isel(input_frequency=number).sel(step=step)
            rate = RATE / {"0": 2, "2": 4}[step]
            same(one.folded_frequency, min(abs(frequency - rate * k) for k in range(5)))
            same(one.folded_share, folded_share(before))
            moving = after - after.mean(-1, keepdims=True)
            same(one.gain, np.sqrt(np.mean(moving**2)) / (amplitude / np.sqrt(2)))
            # A Hann window whose ends are not zero; so many zeros behind it that each cell has as many bins.
            length = after.shape[-1]
            window = np.sin(np.pi * np.arange(1, length + 1) / (length + 1)) ** 2
            bins = int(np.ceil(length / (2 * cells)))
            filled = np.zeros((len(after), 2 * cells * bins))
            filled[:, :length] = moving * window
            spectrum = np.sum(np.abs(transform(filled)) ** 2, axis=0)
            power[step].append(np.array([spectrum[k * bins : (k + 1) * bins].sum() for k in range(cells)]))
    for step, rows in power.items():
        largest = np.max(rows, axis=-1, keepdims=True)
        same(found["magnitude"].sel(step=step), np.sqrt(np.array(rows) / largest))


@pytest.mark.replica("tone_response")
@pytest.mark.parametrize("layer", ["0", "4"])
def test_tone_response(network: Network, layer: str) -> None:
    sweep, amplitude = [220.0, 905.0, 3100.0], 0.4
    scope = Scope(network.module(), RATE)
    found = scope.tone_response(layer=layer, frequencies=sweep, amplitude=amplitude, duration=400 / RATE)
    time = np.arange(400) / RATE
    silence = network.run(np.zeros(400))[layer]
    gain = []
    for frequency in sweep:
        phase = 2 * np.pi * frequency * time
        answers = [network.run(amplitude * wave(phase))[layer] - silence for wave in (np.sin, np.cos)]
        squares = np.mean([np.mean(answer**2, axis=-1) for answer in answers], axis=0)
        gain.append(np.sqrt(squares) / (amplitude / np.sqrt(2)))
    same(found.gain, np.transpose(gain))
    same(found.best_frequency, np.array(sweep)[np.argmax(gain, axis=0)])


@pytest.mark.replica("tuning")
@pytest.mark.parametrize(("layer", "hop"), [("0", 2), ("4", 4)])
def test_tuning(network: Network, layer: str, hop: int) -> None:
    count, levels, rates, depth = 1600, [-50.0, -30.0, -20.0], [20.0, 40.0], 0.8
    found = Scope(network.module(), RATE).tuning(
        layer=layer, bins_per_octave=1, minimum_frequency=200.0, levels=levels, rates=rates, level=-26.0, depth=depth,
        duration=count / RATE, seed=3,
    )  # fmt: skip
    time, at = np.arange(count) / RATE, 10 ** (-26 / 20)
    silence = network.run(np.zeros(count))[layer]

    def added(wave: np.ndarray) -> np.ndarray:
        return network.run(wave)[layer] - silence

    def of_level(wave: np.ndarray, level: float) -> np.ndarray:
        return level * wave / np.sqrt(np.mean(wave**2))

    for number, frequency in enumerate(found.frequency.values):
        parts = [added(at * np.sqrt(2) * wave(2 * np.pi * frequency * time)) for wave in (np.sin, np.cos)]
        same(found.frequency_response[:, number], np.sqrt(np.mean([np.mean(part**2, -1) for part in parts], 0)), 1e-5)
    noises = torch.randn(4, count, generator=torch.Generator().manual_seed(3), dtype=torch.float64).numpy()
    loud = [np.sqrt(np.mean(added(of_level(noises[0], 10 ** (one / 20))) ** 2, -1)) for one in levels]
    same(found.level_response, np.transpose(loud), 1e-5)
    with np.errstate(divide="ignore"):  # a map that never answers has no slope
        slopes = [np.polyfit(levels, 20 * np.log10(row), 1)[0] for row in np.transpose(loud)]
    same(found.exponent, slopes, 1e-4)
    gains = []
    for rate in rates:
        turns = []
        for one in noises:
            shares = []
            for wave in (one * (1 + depth * np.sin(2 * np.pi * rate * time)), one):
                size = np.abs(added(of_level(wave, at)))
                turning = np.exp(-2j * np.pi * rate * np.arange(size.shape[-1]) * hop / RATE)
                shares.append(((size - size.mean(-1, keepdims=True)) * turning).mean(-1) / size.mean(-1))
            turns.append(shares[0] - shares[1])
        gains.append(2 / depth * np.abs(np.mean(turns, 0)))
    same(found.modulation_gain, np.transpose(gains), 1e-4)


@pytest.mark.replica("layer_importance")
def test_layer_importance(network: Network, scope: Scope) -> None:
    """Means over time, standardised as on what is learnt; the classifier by steps along the whole gradient."""
    draw = np.random.default_rng(0)
    truth = np.arange(90) % 2
    levels = np.where(truth, 0.75, 0.45) + draw.uniform(-0.25, 0.25, 90)  # which overlap
    waves = [level * noise(120, seed) for seed, level in enumerate(levels)]
    labels = np.array(["quiet", "loud"])[truth].tolist()
    sounds = list(zip(waves, labels, strict=True))
    found = scope.layer_importance(sounds[:60], test=sounds[60:], layer="4", seeds=1)
    features = np.array([network.run(wave)["4"].mean(-1) for wave in waves])
    features = (features - features[:60].mean(0)) / features[:60].std(0)
    design = np.c_[features, np.ones(90)]
    weights = np.zeros(5)
    for _ in range(3000):
        chance = 1 / (1 + np.exp(-design[:60] @ weights))
        weights -= 0.5 * (design[:60].T @ (chance - truth[:60]) / 60 + 1e-3 * weights)
    right = (design[60:] @ weights > 0) == truth[60:]
    assert 0.6 < right.mean() < 1
    assert abs(float(found.accuracy.sel(layer="4")) - right.mean()) <= 1 / 30 + 1e-9  # a clip on the border


# The voice


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """Half a second of pulses at 125 Hz through resonances at 700 and 1800 Hz, at 8 kHz."""
    sound = (np.arange(4000) % 64 == 0).astype(float)
    for frequency, bandwidth in ((700, 80), (1800, 120)):
        r = np.exp(-np.pi * bandwidth / RATE)
        sound = scipy.signal.lfilter([1], [1, -2 * r * np.cos(2 * np.pi * frequency / RATE), r * r], sound)
    return 0.9 * sound / np.abs(sound).max()


def praat(signal: np.ndarray) -> Any:
    parselmouth = pytest.importorskip("parselmouth")
    return parselmouth.Sound(signal / np.abs(signal).max(), RATE)


def median_between(values: np.ndarray, times: np.ndarray, start: float, stop: float) -> float:
    return float(np.nanmedian(values[(times >= start) & (times <= stop)]))


@pytest.mark.replica("voice")
def test_voice(network: Network, scope: Scope, spoken: np.ndarray) -> None:
    found = scope.voice(spoken, target="a", rule="gradient", segment_start=0.2, segment_stop=0.3)
    signals = {"input": spoken, "relevance": network.back(spoken, "output", np.eye(3)[0], "gradient")}
    for name, signal in signals.items():
        one = found.sel(signal=name)
        contour = praat(signal).to_pitch(time_step=0.01, pitch_floor=75, pitch_ceiling=600)
        f0 = np.where(contour.selected_array["frequency"] > 0, contour.selected_array["frequency"], np.nan)
        same(one.median_f0, median_between(f0, contour.xs(), 0.2, 0.3), 1e-5)
        # Five formants below 5500 Hz are three and a half below 4000 Hz, and a pole for the slope.
        tracks = praat(signal).to_formant_burg(0.01, 4.0, 4000, 0.025, 1e9)
        for number in (1, 2):
            heard = np.array([tracks.get_value_at_time(number, t) for t in tracks.xs()])
            median = median_between(heard, np.array(tracks.xs()), 0.2, 0.3)
            same(one.median_formants.sel(formant=number), median, 1e-4)
        # Linear prediction (Makhoul 1975) of the segment under a Hann window whose ends are not zero.
        cut = signal[1600:2400] * np.sin(np.pi * np.arange(1, 801) / 801) ** 2
        r = np.array([np.sum(cut[: 800 - lag] * cut[lag:]) for lag in range(17)])
        r[0] *= 1 + 1e-9
        table = np.array([[r[abs(i - k)] for k in range(16)] for i in range(16)])
        a = np.concatenate([[1.0], np.linalg.solve(table, -r[1:])])
        bins = np.exp(-2j * np.pi * np.outer(np.arange(513), np.arange(800)) / 1024)
        same(one.spectrum, np.abs(bins @ cut), 1e-5)
        same(one.lp_spectrum, np.sqrt(a @ r) / np.abs(bins[:, :17] @ a), 1e-4)
        same(one.envelope, true_envelope(np.abs(bins @ cut)), 1e-4)


def true_envelope(magnitude: np.ndarray) -> np.ndarray:
    """Röbel and Rodet 2005: the log spectrum, smoothed by its first 13 cosines, is raised to them again and again."""
    level = np.log(np.maximum(magnitude, 1e-5 * magnitude.max()))
    cosines = np.cos(np.pi * np.outer(np.arange(513), np.arange(13)) / 512)
    inner = np.ones(513)
    inner[[0, -1]] = 0.5  # of the two ends there is one each in a whole turn, of the others there are two

    def smoothed(values: np.ndarray) -> np.ndarray:
        weights = cosines.T @ (inner * values) / 512
        weights[1:] *= 2
        return cosines @ weights

    target = level
    while True:
        smooth = smoothed(target)
        if (level - smooth).max() <= np.log(10) / 20:
            return np.exp(smooth)
        target = np.maximum(target, smooth)


@pytest.mark.replica("autocorrelation")
def test_autocorrelation(network: Network, scope: Scope, spoken: np.ndarray) -> None:
    found = scope.autocorrelation(spoken, target="a", rule="gradient", segment_start=0.2, segment_stop=0.23)
    signals = {"input": spoken, "relevance": network.back(spoken, "output", np.eye(3)[0], "gradient")}
    for name, signal in signals.items():
        cut = signal[1600:1840]
        lags = np.array([np.sum(cut[: 240 - lag] * cut[lag:]) for lag in range(240)])
        heard: xr.DataArray = found.autocorrelation.sel(signal=name)
        same(heard, (lags / lags[0])[: heard.size], 1e-5)


@pytest.mark.replica("vowels")
def test_vowels() -> None:
    """Of every vowel the mean over the eleven frames of Praat nearest its steady state; right within a deviation."""
    scope = Scope("vowel-name")
    rate, settings = scope.sample_rate, {"men": (75, 300, 5000), "women": (100, 500, 5500), "boys": (150, 600, 6000)}
    settings["girls"] = settings["children"] = settings["boys"]
    parselmouth = pytest.importorskip("parselmouth")
    tokens = list(vowel_tokens(sample_rate=rate, limit=6))
    found = scope.vowels(limit=6)
    right: dict[tuple[str, str, str, str], list[bool]] = {}
    for token in tokens:
        heard = {"input": token.clip.values, "relevance": scope.relevance(token.clip).relevance.values}
        floor, ceiling, maximum = settings[token.group]
        for name, signal in heard.items():
            sound = parselmouth.Sound(signal.astype(float) / np.abs(signal).max(), rate)
            contour = sound.to_pitch(0.01, floor, ceiling)
            f0 = np.where(contour.selected_array["frequency"] > 0, contour.selected_array["frequency"], np.nan)
            tracks = sound.to_formant_burg(0.01, 5.5, maximum, 0.025, 1e9)
            rows = [(f0, contour.xs())]
            rows += [([tracks.get_value_at_time(n, t) for t in tracks.xs()], tracks.xs()) for n in (1, 2)]
            for measure, (values, times), known, deviation in zip(
                ("F0", "F1", "F2"), rows, token.known, token.deviation, strict=True
            ):
                nearest = sorted(range(len(times)), key=lambda frame: abs(times[frame] - token.centre))[:11]
                around = np.asarray(values)[nearest]
                mean = np.nanmean(around) if np.isfinite(around).any() else np.nan
                one = found.measured.sel(signal=name, token=token.name, measure=measure)
                np.testing.assert_allclose(one, mean, rtol=1e-4)
                right.setdefault((name, token.group, token.vowel, measure), []).append(abs(mean - known) <= deviation)
    for (name, group, vowel, measure), hits in right.items():
        one = found.sel(signal=name, group=group, vowel=vowel, measure=measure)
        assert float(one["share"]) == np.mean(hits) and int(one["tokens"]) == len(hits)
