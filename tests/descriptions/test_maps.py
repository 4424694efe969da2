"""Descriptions where the truth was planted: numbers, a class, two causes that go together, and nothing at all."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.descriptions.choosing import places_of
from otoscope.descriptions.copies import alike
from otoscope.descriptions.facts import Fact, cells_of, facts_of, unreadable
from otoscope.descriptions.halves import groups_of, halves, shuffled
from otoscope.descriptions.maps import Described, describe_maps
from otoscope.descriptions.scoring import interval_of, newcombe
from otoscope.descriptions.words import sentence
from otoscope.errors import InputError

CLIPS = 600


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    speaker = rng.integers(6, size=CLIPS)
    return {
        "label": np.array([f"digit {n}" for n in rng.integers(10, size=CLIPS)], dtype=object),
        "speaker": np.array([f"s{n}" for n in speaker], dtype=object),
        "f0": rng.uniform(80, 300, CLIPS),
        "level": -30 + 4.0 * speaker + rng.normal(0, 4, CLIPS),  # the later speakers are louder
    }


@pytest.fixture(scope="module")
def planted(columns: dict[str, np.ndarray]) -> np.ndarray:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(CLIPS, 12))
    values[:, 3] = np.log(columns["f0"]) + 0.02 * values[:, 3]
    values[:, 4] = -np.abs(columns["f0"] - 180) + values[:, 4]
    values[:, 5] = -columns["level"] + 0.5 * values[:, 5]
    values[:, 6] = 3 * (columns["speaker"] == "s5") + values[:, 6]
    values[:, 7] = np.maximum(0, 4 * (columns["label"] == "digit 7") - 1 + values[:, 7] / 3)
    values[:, 8] = np.isin(columns["speaker"], ["s1", "s4"]) + 0.2 * values[:, 8]
    values[:, 10] = 0.0
    values[:, 11] = -5.0 * (columns["label"] == "digit 2") + values[:, 11]
    return values


@pytest.fixture(scope="module")
def found(planted: np.ndarray, columns: dict[str, np.ndarray]) -> list[Described]:
    return list(describe_maps(planted, columns, np.arange(CLIPS)).maps)


def name(one: Described) -> str:
    assert one.fact is not None
    return one.fact.name


def test_what_was_planted_is_said(found: list[Described]) -> None:
    assert [name(found[n]) for n in (3, 5, 7)] == ["f0", "level", "label = digit 7"]
    assert all(found[n].described and found[n].score > 0.95 for n in (3, 5, 7))
    assert found[3].more and not found[5].more and found[7].more
    assert sentence(found[3], {"f0": "Hz"}).startswith("rises with F0: R2 0.9")
    assert sentence(found[5]).startswith("falls with level: R2 0.9")
    assert sentence(found[7]).startswith("label = digit 7: AUC ")


def test_a_map_tuned_to_the_middle_is_said_to_be(found: list[Described]) -> None:
    assert name(found[4]) == "f0" and found[4].score > 0.9
    low, high = map(float, found[4].where.split(" to "))
    assert low < 180 < high
    assert f"F0 near {found[4].where} Hz: R2" in sentence(found[4], {"f0": "Hz"})


def test_a_class_that_silences_a_map_is_denied(found: list[Described]) -> None:
    assert sentence(found[11]).startswith("not label = digit 2: AUC ") and found[11].score > 0.9


def test_all_values_of_a_fact_are_named_where_one_does_not_say_it(found: list[Described]) -> None:
    assert name(found[8]) == "speaker" and set(found[8].where.split(", ")) == {"s1", "s4"}


def test_of_what_goes_together_the_cause_is_named_and_told_apart(found: list[Described]) -> None:
    """Speaker s5 is the loudest: level predicts its map too, but not among recordings of one speaker."""
    level, speaker = found[5], found[6]
    assert name(speaker) == "speaker = s5" and speaker.told_apart and speaker.next_fact is not None
    assert speaker.next_fact.name == "level" and speaker.next_score > speaker.next_chance
    assert speaker.score_within > 0.9 and speaker.next_within < speaker.next_score / 4
    assert level.told_apart and level.next_fact is not None and level.next_fact.column == "speaker"
    assert level.score_within > 0.9 and "also predicted by speaker (R2 0." in sentence(level)


def test_two_names_of_one_thing_are_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    room = rng.integers(2, size=400)
    columns = {
        "room": np.array([f"r{n}" for n in room], dtype=object),
        "noise": 10.0 * room + rng.uniform(0, 1, 400),
    }
    values = (3 * room + rng.normal(size=400))[:, None]
    (one,) = describe_maps(values, columns, np.arange(400)).maps
    assert name(one) in ("room = r0", "room = r1")
    assert one.told_apart is None and sentence(one).endswith("to tell which of them it is")


def test_what_is_nothing_or_dead_is_said_to_be(found: list[Described]) -> None:
    assert not any(found[n].described for n in (0, 1, 2, 9, 10))
    assert sentence(found[9]).startswith("nothing describes it (best: ")
    assert found[10].fact is None and sentence(found[10]) == "dead"


def test_a_map_that_hardly_any_clip_drives_is_not_described_and_moves_no_bar(columns: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(CLIPS, 4))
    values[:, 2] = 0
    values[:8, 2] = 1 + rng.uniform(size=8)
    with_it = describe_maps(values, columns, np.arange(CLIPS), shuffles=19)
    without = describe_maps(values[:, [0, 1, 3]], columns, np.arange(CLIPS), shuffles=19)
    assert sentence(with_it.maps[2]) == "too few clips drive it to say" and with_it.maps[2].seldom
    assert with_it.threshold == without.threshold


def test_with_permuted_facts_no_map_of_a_thousand_is_described(columns: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(CLIPS, 5))
    values = shared @ rng.normal(size=(5, 1000)) + rng.normal(size=(CLIPS, 1000))
    values[:, ::2] = np.maximum(values[:, ::2], 0)
    order = rng.permutation(CLIPS)
    permuted = {column: given[order] for column, given in columns.items()}
    found = describe_maps(values, permuted, np.arange(CLIPS))
    assert not any(one.described for one in found.maps)
    assert max(one.chance for one in found.maps if one.fact) < 0.85


@pytest.mark.slow
def test_a_map_is_described_by_chance_as_seldom_as_is_said() -> None:
    """One run in (shuffles + 1): with nine shuffles a tenth, here of 150 runs."""
    hits = 0
    for seed in range(150):
        rng = np.random.default_rng([seed, 5])
        columns = {
            "label": np.array([f"c{n}" for n in rng.integers(4, size=120)], dtype=object),
            "level": rng.normal(size=120),
        }
        found = describe_maps(rng.normal(size=(120, 20)), columns, np.arange(120), shuffles=9, seed=seed)
        hits += any(one.described for one in found.maps)
    assert 3 <= hits <= 28  # 15 are expected; beyond this less often than once in a thousand


def test_scores_are_of_clips_that_did_not_choose() -> None:
    """With as many facts as there are here one fits any map on the half that chose it, and none on the other."""
    rng = np.random.default_rng(0)
    columns = {f"fact {n}": rng.normal(size=160) for n in range(300)}
    found = describe_maps(rng.normal(size=(160, 50)), columns, np.arange(160))
    assert np.median([one.score for one in found.maps]) < 0.05
    assert not any(one.described for one in found.maps)


def test_pieces_of_one_recording_do_not_tell_on_each_other() -> None:
    """A map that knows recordings by heart, of which each has a level: nothing can be learnt from other recordings."""
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(60), 10)
    values = rng.normal(size=(60, 40))[recording] + 0.1 * rng.normal(size=(600, 40))
    columns = {"level": rng.normal(size=60)[recording]}
    apart = describe_maps(values, columns, np.arange(600), shuffles=19)
    together = describe_maps(values, columns, recording, shuffles=19)
    assert sum(one.described for one in apart.maps) > 20
    assert not any(one.described for one in together.maps)


def test_halves_are_of_whole_groups_and_the_same_for_a_seed() -> None:
    groups = groups_of(list("aabbccddee"), list("xxyyyyzzzw"))
    assert groups.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    many = np.random.default_rng(0).integers(40, size=400)
    first = halves(many, 3)
    assert not set(many[first]) & set(many[~first]) and 180 <= first.sum() <= 220
    assert (first == halves(many, 3)).all() and (first != halves(many, 4)).any()
    with pytest.raises(InputError, match="together"):
        halves(np.zeros(5, dtype=int), 0)


def test_groups_change_places_as_a_whole_whatever_their_sizes() -> None:
    rng = np.random.default_rng(0)
    groups = np.sort(rng.integers(12, size=100))
    groups[groups == 0] = 1
    groups = np.unique(groups, return_inverse=True)[1]
    for seed in range(20):
        source = shuffled(groups, np.random.default_rng(seed))
        given = [set(groups[source[groups == one]]) for one in range(groups.max() + 1)]
        assert all(len(one) == 1 for one in given) and len(set.union(*given)) == groups.max() + 1
    equal = np.repeat(np.arange(5), 4)
    assert sorted(shuffled(equal, rng).tolist()) == list(range(20))


def _nothing_in_unequal_groups(seed: int) -> bool:
    """Whether a map is described that, as the facts, has to do with nothing but the speakers, of unequal talk."""
    rng = np.random.default_rng([seed, 11])
    share = np.r_[np.full(6, 0.09), np.full(40, 0.46 / 40)]
    groups = np.unique(np.sort(rng.choice(46, 200, p=share)), return_inverse=True)[1]
    count = groups.max() + 1
    values = 1.5 * rng.normal(size=(count, 15))[groups] + rng.normal(size=(200, 15))
    columns = {
        "sex": np.array(["m", "f"])[rng.integers(0, 2, count)][groups],
        "age": rng.integers(20, 80, count)[groups].astype(float),
        "f0": 150 + 20 * rng.normal(size=count)[groups] + 5 * rng.normal(size=200),
    }
    try:
        found = describe_maps(values, columns, groups, shuffles=9, seed=seed)
    except InputError:  # too few speakers in a half
        return False
    return any(one.described for one in found.maps)


@pytest.mark.slow
def test_unequal_groups_do_not_make_chance_too_low() -> None:
    hits = sum(_nothing_in_unequal_groups(seed) for seed in range(130))
    assert hits <= 21  # about 10 are expected; beyond this less often than once in a thousand


def test_a_map_is_described_only_where_its_interval_is_above_no_knowledge() -> None:
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(40), 6)
    given = {"age": rng.uniform(20, 80, 40)[speaker]}
    values = np.maximum(0, rng.normal(size=(40, 60))[speaker] + 0.3 * rng.normal(size=(240, 60)) - 1.0)
    for one in describe_maps(values, given, speaker, shuffles=1).maps:
        assert not one.described or one.low > 0
        assert one.fact is None or not np.isfinite(one.low) or one.low <= one.score <= one.high <= 1


def test_the_interval_of_explained_variance_holds_it_as_often_as_it_says() -> None:
    """Of a map that few clips drive, in forty groups of five."""
    rng = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        groups = np.repeat(np.arange(count), 5)
        kind = rng.integers(5, size=count)[groups]
        drive = 0.5 * rng.normal(size=count)[groups] + 0.5 * rng.normal(size=len(groups)) + 1.5 * (kind == 0)
        return groups, kind, np.maximum(0, drive - 1)

    _, kinds, many = drawn(20_000)
    among = many[:, None]
    placed = places_of(among, among)[:, 0]
    means = np.array([placed[kinds == one].mean() for one in range(5)])
    truth = 1 - np.square(placed - means[kinds]).mean() / placed.var()
    inside = []
    for _ in range(200):
        groups, kind, values = drawn(40)
        place = places_of(values[:, None], among)
        low, high = interval_of(place - means[kind][:, None], place - place.mean(0), groups)
        inside.append(low[0] <= truth <= high[0])
    assert truth > 0.2 and 0.9 <= np.mean(inside) <= 0.99


def test_copies_are_found_by_what_maps_do_in_them() -> None:
    rng = np.random.default_rng(0)
    once = rng.lognormal(size=(40, 6))
    numbers = np.concatenate([once, once * (1 + 1e-7 * rng.normal(size=once.shape)), np.zeros((5, 6))])
    groups = groups_of(*alike(numbers))
    assert (groups[:40] == groups[40:80]).all() and np.unique(groups).size == 45


def test_facts_are_numbers_names_or_left_out() -> None:
    half = np.arange(80) // 4 % 2 == 0
    columns = {
        "f0": [None, "", *map(str, range(100, 178))],
        "digit": [str(n % 4) for n in range(80)],
        "label": [str(n % 4) for n in range(80)],
        "file": [f"{n}.wav" for n in range(80)],
        "sex": ["f", "m"] * 20 + ["m", "f"] * 20,
    }
    facts, left_out = facts_of(columns, half, np.arange(80))
    assert [fact.name for fact in facts] == ["f0", *(f"digit = {n}" for n in range(4)), "digit", "sex = f"]
    assert [fact.kind for fact in facts] == ["number", *["yes_no"] * 4, "values", "yes_no"]
    assert (~facts[0].known).sum() == 2
    assert left_out["label"] == "the same as digit" and left_out["file"].startswith("too few clips")


def test_numbers_are_read_as_tables_write_them() -> None:
    half = np.arange(80) // 4 % 2 == 0
    columns = {
        "level": [f"-{n},5" for n in range(80)],
        "f0": ["--undefined--", "NA", *(f"{n}.5" for n in range(78))],
        "snr": [*(["bad"] * 4), *(f"{n}.25" for n in range(76))],
        "digit": ["n/a", "-", *(str(n % 3) for n in range(78))],
        "room": ["nan", "NaN", *(["hall", "car"] * 39)],
        "count": [3.0] * 80,
        "site": ["lab"] * 80,
        "note": ["hall", "car"] * 40,
    }
    facts, left_out = facts_of(columns, half, np.arange(80))
    kinds = {fact.name: fact.kind for fact in facts}
    assert kinds["level"] == kinds["f0"] == kinds["snr"] == "number" and kinds["digit = 0"] == "yes_no"
    assert facts[0].values[3] == -3.5 and (~facts[1].known).sum() == 2 and (~facts[2].known).sum() == 4
    (room,) = (fact for fact in facts if fact.column == "room")
    assert room.name == "room = hall" and (~room.known).sum() == 2
    assert {fact.column for fact in facts if fact.kind == "values"} == {"digit"}
    assert left_out == {"count": "the same in all clips", "site": "the same in all clips"}
    assert unreadable(columns) == ["4 of 80 values of snr are not numbers, such as 'bad', and not known here"]


def test_what_is_measured_takes_the_place_of_a_given_fact_that_says_nothing() -> None:
    half, clips = np.arange(80) // 4 % 2 == 0, np.arange(80)
    measured = {"f0": np.arange(80.0), "level": np.arange(80.0)}
    facts, left_out = facts_of({"f0": ["soft"] * 80, "level": clips / 2}, half, clips, measured)
    assert {fact.name: fact.values[3] for fact in facts} == {"level": 1.5, "f0": 3.0}
    assert left_out == {"f0": "the same in all clips; what is measured is, under the same name"}


def test_cells_of_numbers_hold_as_many_clips_each() -> None:
    values = np.random.default_rng(0).lognormal(size=1000)
    values[:100] = np.nan
    half = np.arange(1000) % 2 == 0
    cells = cells_of(Fact("x", "x", "number", values), half)
    assert (cells[:100] == -1).all() and np.unique(cells).tolist() == list(range(-1, 12))
    counts = np.bincount(cells[half & (cells >= 0)])
    assert counts.min() > 30 and counts.max() < 45


def test_the_interval_of_an_area_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    shift = 1.2
    truth = 0.8019  # Phi(1.2 / sqrt(2))
    inside = []
    for _ in range(400):
        with_it, without = rng.normal(shift, 1, 25), rng.normal(0, 1, 150)
        area = np.array([(with_it[:, None] > without).mean()])
        low, high = newcombe(area, 25, 150)
        inside.append(low[0] <= truth <= high[0])
    assert 0.92 <= np.mean(inside) <= 0.985


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.full((40, 2), np.nan)}, "finite"),
        ({"columns": {"file": [f"{n}.wav" for n in range(40)]}}, "no fact"),
        ({"shuffles": 0}, "1 or more"),
        ({"seed": -1}, "seed"),
        ({"groups": np.zeros(40, dtype=int)}, "two halves"),
    ],
)
def test_what_cannot_be_described_is_said(change: dict[str, object], message: str) -> None:
    rng = np.random.default_rng(0)
    given = {"values": rng.normal(size=(40, 2)), "columns": {"x": rng.normal(size=40)}, "groups": np.arange(40)}
    with pytest.raises(InputError, match=message):
        describe_maps(**(given | change))  # type: ignore[arg-type]
