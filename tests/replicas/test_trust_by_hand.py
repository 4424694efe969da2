"""Control and test of a relevance, written again from their definitions: numpy alone, through the network by hand."""

from __future__ import annotations

import copy
import hashlib

import numpy as np
import pytest
import torch
from by_hand import RATE, Network, noise

from otoscope import Scope

CLASSES = ("a", "b", "c")
WEIGHTS = {
    "0.weight": "first", "0.bias": "first_bias", "3.weight": "second", "3.bias": "second_bias",
    "7.weight": "matrix", "7.bias": "matrix_bias",
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def scope(network: Network) -> Scope:
    return Scope(network.module(), RATE, classes=CLASSES)


def frames_of(signal: np.ndarray) -> np.ndarray:
    """Hann windows of 25 ms every 2.5 ms, the first centred on the first sample, (frame, sample)."""
    length, hop = round(0.025 * RATE), round(0.0025 * RATE)
    count = int(np.ceil((len(signal) - 1) / hop)) + 1
    padded = np.zeros(length + hop * count + len(signal))
    padded[length // 2 : length // 2 + len(signal)] = signal
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return np.array([padded[m * hop : m * hop + length] * window for m in range(count)])


def magnitude(signal: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames_of(signal), axis=1)).T


def signed(sound: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Real part of the cross-spectrum in frames, which sums to the sum of their product."""
    length, hop = round(0.025 * RATE), round(0.0025 * RATE)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    weight = np.zeros(len(sound) + 2 * length)
    for m in range(len(frames_of(sound))):
        weight[m * hop : m * hop + length] += (window**2)[: len(weight[m * hop : m * hop + length])]
    weight = weight[length // 2 : length // 2 + len(sound)]
    cells = (np.fft.rfft(frames_of(sound)) * np.fft.rfft(frames_of(gradient / weight)).conj()).real / length
    cells[:, 1 : (length + 1) // 2] *= 2
    return cells.T


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def random_network(network: Network, seed: int, draw: int) -> Network:
    """Kernels and matrices with their root mean square about 0, biases with their mean and deviation."""
    other = copy.copy(network)
    for name, attribute in WEIGHTS.items():
        values = getattr(network, attribute)
        digest = hashlib.sha256(name.encode()).digest()
        mark = [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4)]
        normal = np.random.default_rng([seed, draw, *mark]).standard_normal(values.shape, dtype=np.float32)
        mean, deviation = (0.0, np.sqrt(np.mean(values**2))) if values.ndim > 1 else (values.mean(), values.std())
        drawn = normal.astype(float) * deviation + mean
        one_sign = np.all(values >= 0) or np.all(values <= 0)
        setattr(other, attribute, np.sign(values.sum()) * np.abs(drawn) if one_sign else drawn)
    return other


@pytest.mark.replica("control")
@pytest.mark.parametrize("rule", ["guided", "gradient", "gradient_x_input"])
def test_control(network: Network, scope: Scope, rule: str) -> None:
    wave, passes = noise(), "gradient" if rule == "gradient_x_input" else rule

    def mapped(of: Network, target: int) -> np.ndarray:
        q = of.back(wave, "output", np.eye(3)[target], passes)
        return signed(wave, q) if rule == "gradient_x_input" else magnitude(q)

    found = scope.control(wave, rule=rule, draws=4, seed=3)
    logits = network.run(wave)["output"]
    second, top = np.argsort(logits)[-2:]
    own = mapped(network, top)
    drawn = [pearson(own, mapped(random_network(network, 3, draw), top)) for draw in range(4)]
    np.testing.assert_allclose(found.control_random_draw, drawn, atol=1e-5)
    assert found.control_random.item() == pytest.approx(np.mean(drawn), abs=1e-5)
    assert found.control_random_low.item() == pytest.approx(min(drawn), abs=1e-5)
    assert found.control_random_high.item() == pytest.approx(max(drawn), abs=1e-5)
    assert found.other.item() == CLASSES[second] and found.class_name.item() == CLASSES[top]
    assert found.control_runner_up.item() == pytest.approx(pearson(own, mapped(network, second)), abs=1e-5)
    assert found.control_sound.item() == pytest.approx(pearson(own, magnitude(wave)), abs=1e-5)
    assert found.margin.item() == pytest.approx(logits[top] - logits[second], rel=1e-5)
    assert found.share_changed.item() == 1.0
    # Of a difference of two classes the other map is that of its first class alone.
    q = network.back(wave, "output", np.eye(3)[top] - np.eye(3)[second], passes)
    difference = signed(wave, q) if rule == "gradient_x_input" else magnitude(q)
    found = scope.control(wave, rule=rule, draws=1, target=int(top), against=int(second))
    assert found.other.item() == CLASSES[top]
    assert found.control_runner_up.item() == pytest.approx(pearson(difference, own), abs=1e-5)


def shortest(weights: np.ndarray) -> tuple[int, int]:
    """First and last place of the shortest run with half of all, by trying every run."""
    runs = [(j - i, i, j) for i in range(len(weights)) for j in range(i, len(weights))]
    return next((i, j) for _, i, j in sorted(runs) if weights[i : j + 1].sum() >= 0.5 * weights.sum() * (1 - 1e-12))


def gap(wave: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Silent from start to stop, with edges of 5 ms about both."""
    times = np.arange(len(wave)) / RATE
    before = np.clip((start + 0.0025 - times) / 0.005, 0, 1)
    after = np.clip((times - stop + 0.0025) / 0.005, 0, 1)
    return wave * (1 - np.cos(np.pi * np.maximum(before, after))) / 2


def stop(wave: np.ndarray, low: float, high: float) -> np.ndarray:
    """Without a band, with edges of 40 Hz about both ends."""
    spectrum = np.fft.fft(np.concatenate([wave, np.zeros(len(wave))]))
    frequencies = np.abs(np.fft.fftfreq(2 * len(wave), 1 / RATE))
    below = np.clip((low + 20 - frequencies) / 40, 0, 1)
    above = np.clip((frequencies - high + 20) / 40, 0, 1)
    return np.fft.ifft(spectrum * (1 - np.cos(np.pi * np.maximum(below, above))) / 2).real[: len(wave)]


def places(low: float, high: float, start: float, end: float, count: int) -> np.ndarray:
    """Starts evenly over the limits, of spans of which at most half lies in that from start to end."""
    size = end - start
    before, after = max(0, start - size / 2 - low), max(0, high - size - (start + size / 2))
    found = []
    for step in np.linspace(0, before + after, count):
        found.append(low + step if 0 < before >= step else start + size / 2 + step - before)
    return np.array(found)


def as_loud(
    wave: np.ndarray, domain: str, span: tuple[float, float], least: float, most: float, count: int
) -> list[tuple[float, float]]:
    """Parts elsewhere whose removal, before it is cut to the length of the sound, takes as much energy away.

    With bands the cut is reckoned with afterwards, see :func:`test_taken_away`.
    """
    long = np.concatenate([wave, np.zeros(len(wave))])
    edge = 0.005 if domain == "time" else 40.0
    energy = wave**2 if domain == "time" else np.abs(np.fft.rfft(long)) ** 2
    at = np.arange(len(wave)) / RATE if domain == "time" else np.fft.rfftfreq(len(long), 1 / RATE)

    def taken(low: float, high: float) -> float:
        below, above = np.clip((low + edge / 2 - at) / edge, 0, 1), np.clip((at - high + edge / 2) / edge, 0, 1)
        return float(np.sum(energy * ((1 + np.cos(np.pi * np.maximum(below, above))) / 2) ** 2))

    def held(low: float, high: float) -> float:
        return float(energy[(at >= low) & (at < high)].sum())

    wanted, found = taken(*span), []
    step = max(edge / 2, (most - least) / 256)
    for start in np.arange(least, most - edge, step):
        if taken(start, start + edge) <= wanted <= taken(start, most):
            low, high = start + edge, most
            for _ in range(50):
                low, high = (
                    ((low + high) / 2, high) if taken(start, (low + high) / 2) < wanted else (low, (low + high) / 2)
                )
            both = held(max(start, span[0]), max(start, span[0], min(high, span[1])))
            if both <= 0.5 * held(start, high):
                found.append((float(start), float(high)))
    return [found[int(np.round(k))] for k in np.linspace(0, len(found) - 1, min(count, len(found)))]


def mel(frequency: np.ndarray | float) -> np.ndarray:
    return np.asarray(2595 * np.log10(1 + np.asarray(frequency) / 700))


def hertz(value: np.ndarray | float) -> np.ndarray:
    return np.asarray(700 * (10 ** (np.asarray(value) / 2595) - 1))


@pytest.mark.replica("taken_away")
@pytest.mark.parametrize("rule", ["guided", "gradient_x_input"])
def test_taken_away(network: Network, scope: Scope, rule: str) -> None:
    wave, count = noise(600).astype(np.float32).astype(float), 6
    passes = "gradient" if rule == "gradient_x_input" else rule
    logits = network.run(wave)["output"]
    top = int(np.argmax(logits))
    q = network.back(wave, "output", np.eye(3)[top], passes)
    power = np.maximum(signed(wave, q), 0) if rule == "gradient_x_input" else magnitude(q) ** 2
    found = scope.taken_away(wave, rule=rule, places=count)

    hop, step = 0.0025, RATE / round(0.025 * RATE)
    first, last = shortest(power.sum(0))
    span = max(0.0, (first - 0.5) * hop), min(len(wave) / RATE, (last + 0.5) * hop)
    heard = np.arange(len(power)) * step >= 50
    low, high = shortest(power[heard].sum(1))
    band = (low + 2 - 0.5) * step, min(RATE / 2, (high + 2 + 0.5) * step)  # the first that is heard is the third
    assert heard.argmax() == 2
    np.testing.assert_allclose(found.taken_low, [span[0], band[0]], rtol=1e-9)
    np.testing.assert_allclose(found.taken_high, [span[1], band[1]], rtol=1e-9)

    def asked(sound: np.ndarray) -> tuple[int, float]:
        scores = network.run(sound)["output"]
        return int(np.argmax(scores)), float(scores[top] - np.delete(scores, top).max())

    scales = {
        "time": (lambda x: np.asarray(x), lambda x: np.asarray(x), 0.0, len(wave) / RATE),
        "band": (mel, hertz, 50.0, RATE / 2),
    }  # fmt: skip
    for domain, (to, back, least, most) in scales.items():
        (start, end), cut = (span, gap) if domain == "time" else (band, stop)
        answer, margin = asked(cut(wave, start, end))
        one = found.sel(domain=domain)
        assert one.taken_answer.item() == CLASSES[answer] and one.changed.item() == float(answer != top)
        assert one.taken_margin.item() == pytest.approx(margin, rel=1e-4, abs=1e-5)
        size = float(to(end) - to(start))
        starts = places(float(to(least)), float(to(most)), float(to(start)), float(to(end)), count)
        wide = [(float(back(low)), float(back(low + size))) for low in starts]
        loud = as_loud(wave, domain, (start, end), least, most, count)
        for kind, parts in (("equal width", wide), ("equal energy", loud)):
            there = one.sel(control=kind)
            assert there.elsewhere_count.item() == len(parts)
            low, high = (side.values[: len(parts)] for side in (there.elsewhere_low, there.elsewhere_high))
            if kind == "equal energy":  # where they end is that of the energy that is really taken away, to 1 %
                np.testing.assert_allclose(low, [part[0] for part in parts], rtol=1e-5)
                taken = [np.sum((wave - cut(wave, *part)) ** 2) for part in zip(low, high, strict=True)]
                np.testing.assert_allclose(taken, np.sum((wave - cut(wave, start, end)) ** 2), rtol=0.0101)
                parts = list(zip(low, high, strict=True))
            np.testing.assert_allclose(np.stack([low, high], 1), np.reshape(parts, (-1, 2)), rtol=1e-5)
            answers = [asked(cut(wave, *part)) for part in parts]
            assert there.elsewhere_changed.item() == sum(one != top for one, _ in answers)
            margins = [margin for _, margin in answers]
            np.testing.assert_allclose(there.elsewhere_place_margin[: len(parts)], margins, rtol=1e-3, atol=1e-5)
            if parts:
                assert there.elsewhere_margin.item() == pytest.approx(np.mean(margins), rel=1e-3)
    assert found.answer.item() == CLASSES[top]
    assert found.margin.item() == pytest.approx(asked(wave)[1], rel=1e-5)


def test_the_model_is_as_it_was(network: Network, scope: Scope) -> None:
    before = {name: one.clone() for name, one in scope.model.state_dict().items()}
    scope.control(noise(), draws=2)
    scope.taken_away(noise(), places=2)
    assert all(torch.equal(one, before[name]) for name, one in scope.model.state_dict().items())
    assert not any(one.grad is not None for one in scope.model.parameters())
