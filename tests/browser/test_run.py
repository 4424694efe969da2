"""The page of a run in a browser: as it is written, from a disk, with the network off."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import WIDTHS, Visit, barriers, layout_shift, nodes, resized, shoot, too_wide, until
from made_up_runs import LAYERS, pa, pd, pq, write_run, write_sounds
from otoscope.app.export import PAGE, export
from otoscope.runs import Run
from otoscope.runs.info import fingerprint

pytestmark = pytest.mark.browser

EVIL = "</script><img src=x onerror=alert(1)><!--\u2028"
MANY = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(write_run(tmp_path_factory.mktemp("heard") / "run"), k=3)


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with sounds, and another beside it."""
    place = tmp_path_factory.mktemp("site")
    other = write_sounds(write_run(place / "other", seed=5, shift=0.2), k=1)
    return export([Run(folder), Run(other)], place / "site").folder


Open = Callable[..., Any]


@pytest.fixture
def opened(visit: Callable[..., Visit]) -> Open:
    """Open a site at an address, and wait until its maps or clips are there."""

    def begin(site: Path, address: str = "", **options: Any) -> Any:
        page = visit((site / PAGE).as_uri() + address, **options).page
        until(page, "document.otoscope && document.otoscope.then(page => Boolean(page.runs.clips))")
        page.evaluate("async () => { window.run = (await document.otoscope).runs; }")
        return page

    return begin


def heard_now(page: Any, name: str) -> bool:
    return bool(page.evaluate(f"Boolean(run.heardNow && run.page.player.sources.{name})"))


def test_the_first_view_is_drawn_from_a_disk(site: Path, opened: Open) -> None:
    page = opened(site)
    until(page, "Boolean(run.heardNow)")
    drawn = page.evaluate(
        "[...document.querySelectorAll('canvas')].filter(one => { const box = one.getBoundingClientRect(); "
        "return box.width > 20 && box.height > 20 && box.top < innerHeight && one.width > 20; }).length"
    )
    assert drawn >= 2 and nodes(page) < 2000 and layout_shift(page) < 0.1
    assert page.title() == "m on made up, and 1 more: Otoscope"
    assert page.locator("#run-say").inner_text().startswith("2 are dead")


def test_samples_that_are_played_are_those_that_are_stored(site: Path, folder: Path, opened: Open) -> None:
    import soundfile

    index = pd.read_csv(folder / "sounds/index.csv")
    page = opened(site, f"#map={LAYERS[1]}:2&rank=2")
    until(page, "run.heardNow && run.heardNow.rank === 2")
    row = index[(index["layer"] == LAYERS[1]) & (index["channel"] == 2) & (index["rank"] == 2)].iloc[0]
    for name, file in (("input", row["file"]), ("sonification", row["sonification"])):
        played = page.evaluate(f"Array.from(run.page.player.sources.{name}.x, v => v * 32768)")
        np.testing.assert_array_equal(played, soundfile.read(folder / "sounds" / file, dtype="int16")[0])
    assert page.evaluate("run.page.player.sources.input.rate") == 8000


def test_it_plays_and_the_time_goes_on(site: Path, opened: Open) -> None:
    page = opened(site)
    until(page, "Boolean(run.heardNow)")
    page.locator("#play").click()
    until(page, "run.page.player.playing && run.page.player.position() > 0.05")
    page.keyboard.press("2")
    assert page.evaluate("run.page.S.source") == "sonification"
    page.keyboard.press(" ")
    assert not page.evaluate("run.page.player.playing")


def test_the_address_says_what_is_shown_and_the_back_button_goes_back(site: Path, opened: Open) -> None:
    page = opened(site)
    page.locator("#run-sort").select_option("number")
    page.locator("#run-layers .rl-row", has_text="conv2").click()
    page.locator("#run-list .rl-row").nth(1).click()
    until(page, f"location.hash.includes('map={LAYERS[1]}%3A1')")
    assert page.locator("#run-mapname").inner_text() == "Map 1 of conv2"
    page.locator("#run-list .rl-row").nth(2).click()
    until(page, f"location.hash.includes('map={LAYERS[1]}%3A2')")
    page.go_back()
    until(page, f"run.R.map === 6 && run.R.layer === '{LAYERS[1]}'")
    address = page.evaluate("location.hash")
    again = opened(site, address)
    assert again.locator("#run-mapname").inner_text() == "Map 1 of conv2"
    assert again.locator("#run-listname").inner_text() == "Maps of conv2"


def test_maps_are_searched_sorted_and_dead_ones_shown(site: Path, opened: Open) -> None:
    page = opened(site)
    assert page.locator("#run-listsaid").inner_text() == "8 of 10 maps; dead ones left out"
    page.locator("#run-dead").check()
    assert page.locator("#run-listsaid").inner_text() == "10 maps"
    page.locator("#run-fact").select_option("speaker")
    page.locator("#run-query").fill("speaker:s0 selectivity>0.5")
    until(page, "document.getElementById('run-listsaid').textContent === '1 of 10 maps'")
    assert page.locator("#run-list .rl-row .no").first.inner_text().split() == ["4", "conv1"]
    page.locator("#run-query").fill("nothing:1")
    until(
        page,
        "document.getElementById('run-listsaid').textContent.includes('no column nothing, so nothing is found')",
    )
    page.locator("#run-dead").uncheck()
    page.locator("#run-query").fill("dead:yes")
    until(page, "document.getElementById('run-listsaid').textContent === '2 of 10 maps'")
    page.locator("#run-list .rl-row").first.click()
    until(page, "document.querySelector('#run-stack .msg').textContent.startsWith('This map is silent')")


def test_the_keyboard_alone_goes_through_maps_layers_and_clips(site: Path, opened: Open) -> None:
    page = opened(site)
    until(page, "Boolean(run.heardNow)")
    before = page.evaluate("run.R.map")
    page.keyboard.press("j")
    until(page, f"run.R.map !== {before}")
    page.keyboard.press("]")
    assert page.evaluate("run.R.layer") == LAYERS[0]
    page.locator("#run-list").focus()
    page.keyboard.press("End")
    assert page.locator("#run-list").get_attribute("aria-activedescendant")
    chosen = page.evaluate("document.querySelector('#run-list [aria-selected=true]').getAttribute('aria-label')")
    assert chosen.startswith("Map conv1")
    page.keyboard.press(".")
    until(page, "run.heardNow && run.heardNow.rank === 2")


def test_clips_are_found_by_facts_and_lead_to_maps(site: Path, opened: Open) -> None:
    page = opened(site)
    page.locator("#run-find").fill("speaker=s1 label:2 -answer:0")
    until(page, "document.getElementById('run-csaid').textContent === '2 of 24 clips'")
    page.locator("#run-clist .rl-row").first.click()
    assert page.locator("#run-onename").inner_text() == "clip5.wav"
    until(page, "document.querySelectorAll('#run-cmaps .rl-row').length > 0")
    name = page.locator("#run-cmaps .rl-row b").first.inner_text()
    page.locator("#run-cmaps .rl-row").first.click()
    layer, channel = name.split(" \u00b7 ")
    until(page, f"document.getElementById('run-mapname').textContent === 'Map {channel} of {layer}'")
    page.go_back()
    until(page, "run.R.section === 'clips'")


def test_the_same_map_of_another_run(site: Path, opened: Open) -> None:
    page = opened(site, f"#map={LAYERS[0]}:4&sort=difference")
    until(page, "document.querySelector('#run-others .rother p')?.textContent.includes('over the clips r = ')")
    page.locator("#run-others button").click()
    until(page, "run.number === 1 && run.table !== null")
    until(page, "document.getElementById('run-mapname').textContent === 'Map 4 of conv1'")
    page.go_back()
    until(page, "run.number === 0 && run.table !== null")


def test_names_from_outside_are_text(tmp_path: Path, opened: Open) -> None:
    run = write_run(tmp_path / "run", model={"name": EVIL, "sha256": "0", "given": "m", "subject": {}})
    items = pd.read_parquet(run / "items.parquet")
    items[["name", "label", "speaker"]] = EVIL + items[["name", "label", "speaker"]]
    items.rename(columns={"speaker": EVIL}).to_parquet(run / "items.parquet")
    page = opened(export([Run(run)], tmp_path / "site").folder, "#clip=1")
    assert page.locator("#run-eyebrow").inner_text().startswith("</script><img")
    for width in WIDTHS:
        resized(page, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelectorAll('img, [onerror]').length") == 0
    assert "</script>" in page.locator("#run-onefacts").inner_text()


def test_without_sounds_there_are_curves_and_what_to_do(tmp_path: Path, opened: Open) -> None:
    page = opened(export([Run(write_run(tmp_path / "run"))], tmp_path / "site").folder)
    assert "started again with --sounds 3" in page.locator("#run-unheard").inner_text()
    assert not page.locator("#run-stack").is_visible()
    assert not page.locator("#deck").is_visible()
    until(page, "[...document.querySelectorAll('#run-list canvas')].every(one => one.dataset.full !== '')")
    page.locator("#run-tables button", has_text="coherence").click()
    until(page, "document.getElementById('run-curve').getAttribute('aria-label').startsWith('coherence by layer')")


def test_a_sweep_without_maps_and_an_evaluation(tmp_path: Path, opened: Open) -> None:
    page = opened(
        export([Run(write_run(tmp_path / "run", methods={"coherence": {}, "output": {}}))], tmp_path / "a").folder
    )
    assert "no activations, so it has no maps" in page.locator("#run-say").inner_text()
    assert not page.locator("#run-maps").is_visible()
    until(page, "document.querySelectorAll('#run-curves canvas').length > 0")
    folder = tmp_path / "scored"
    folder.mkdir()
    pd.DataFrame({"clip": range(8), "name": [f"{n}.wav" for n in range(8)]}).to_parquet(folder / "items.parquet")
    scores = {"clip": range(8), "label": list("aaaabbbb"), "answer": list("aaabbbba"), "probability": 0.9}
    pd.DataFrame(scores | {"correct": [1, 1, 1, 0, 1, 1, 1, 0]}).astype({"correct": bool}).to_parquet(
        folder / "scores.parquet"
    )
    model = {"name": "m", "sha256": "0", "given": "m"}
    info = {"schema": 1, "kind": "evaluation", "model": model, "methods": {"evaluate": {}}}
    info |= {"data": {"given": "d", "count": 8}, "classes": ["a", "b"], "versions": {"otoscope": "0.1.0"}}
    (folder / "run.json").write_text(json.dumps(info))
    page = opened(export([Run(folder)], tmp_path / "b").folder)
    assert page.locator("#run-matrix").get_attribute("aria-label") == "Clips by class and answer: 6 of 8 right"
    page.locator("#run-find").fill("is:wrong")
    until(page, "document.getElementById('run-csaid').textContent === '2 of 8 clips'")


def test_a_part_that_is_missing_is_said(tmp_path: Path, folder: Path, visit: Callable[..., Visit]) -> None:
    site = export([Run(folder)], tmp_path / "site").folder
    for part in site.glob("parts/r0-s-*"):
        part.unlink()
    seen = visit((site / PAGE).as_uri())
    seen.excuse("ERR_FILE_NOT_FOUND")
    until(seen.page, "document.querySelector('#run-stack .msg').textContent.includes('missing beside this page')")


@pytest.fixture
def server(site: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def test_any_web_server_will_do(server: str, visit: Callable[..., Visit]) -> None:
    page = visit(server).page
    until(page, "document.otoscope && document.otoscope.then(page => Boolean(page.runs.heardNow))")


def test_it_is_looked_at_and_keeps_nobody_out(site: Path, opened: Open) -> None:
    page = opened(site, f"#map={LAYERS[0]}:4&clip=5")
    until(page, "Boolean(run.heardNow)")
    for width in WIDTHS:
        resized(page, width)
        assert too_wide(page) == []
    assert barriers(page, ("minor", "moderate", "serious", "critical")) == []
    shoot(page, "run")
    dark = opened(site, scheme="dark")
    until(dark, "Boolean(run.heardNow)")
    shoot(dark, "run-dark", whole=False)


def write_many(folder: Path, clips: int = 16) -> Path:
    """A sweep of ten thousand maps in forty layers."""
    layers = [f"block{number // 2}.relu{number % 2}" for number in range(40)]
    each = MANY // len(layers)
    rng = np.random.default_rng(0)
    write_run(
        folder,
        methods={"activations": {}},
        shards=1,
        data={"given": "d", "by": None, "count": clips, "sha256": "1", "ids": "path"},
    )
    items = pd.read_parquet(folder / "items.parquet")[:clips]
    pq.write_table(pa.Table.from_pandas(items, preserve_index=False), folder / "items.parquet")
    values = np.abs(rng.normal(size=(MANY, clips)))
    n = values.size
    tables = []
    for variable, scale in (("mean_activation", 1), ("rms", 2), ("peak", 3), ("peak_time", 0.1)):
        columns = {
            "clip": np.tile(np.arange(clips), MANY),
            "method": ["activations"] * n,
            "layer": np.repeat(layers, each * clips),
        }
        columns |= {
            "variable": [variable] * n,
            "channel": np.tile(np.repeat(np.arange(each), clips), len(layers)).astype("i4"),
        }
        tables.append(
            pa.table(
                columns
                | {"at": pa.nulls(n, pa.string()), "value": values.ravel() * scale, "text": pa.nulls(n, pa.string())}
            )
        )
    info = json.loads((folder / "run.json").read_text())
    mark = {"otoscope.fingerprint": fingerprint(info), "otoscope.shard": "0"}
    pq.write_table(pa.concat_tables(tables).replace_schema_metadata(mark), folder / "rows/part-00000.parquet")
    return folder


def test_ten_thousand_maps(tmp_path: Path, opened: Open) -> None:
    page = opened(export([Run(write_many(tmp_path / "run"))], tmp_path / "site").folder)
    assert page.locator("#run-says").inner_text() == "10,000"
    assert page.evaluate("performance.getEntriesByName('first-draw')[0].startTime") < 2000
    assert nodes(page) < 2000
    for place in (100_000, 400_000, 759_000):
        page.evaluate(f"document.getElementById('run-list').scrollTop = {place}")
        until(page, "[...document.querySelectorAll('#run-list .rl-row canvas')].every(one => one.dataset.full !== '')")
        assert nodes(page) < 2000
    page.locator("#run-list").focus()
    page.keyboard.press("End")
    assert (
        page.evaluate("document.querySelector('#run-list [aria-selected=true]').getAttribute('aria-posinset')")
        == "10000"
    )
    assert page.evaluate("performance.memory.usedJSHeapSize") < 300e6
