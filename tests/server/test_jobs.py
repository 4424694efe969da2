"""Questions and their answers: in order, cancelled, killed, and many at once."""

from __future__ import annotations

import json
import os
import signal
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from served import Browser, Served, wav


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def manifest(browser: Browser, job: dict[str, Any]) -> dict[str, Any]:
    assert job["state"] == "done", job
    content: dict[str, Any] = browser.get(f"{job['page']}manifest.json").json()
    return content


def parts_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["part"]} if isinstance(value.get("part"), str) else set()
        return own.union(*map(parts_of, value.values()))
    return set().union(*map(parts_of, value)) if isinstance(value, list) else set()


def test_a_relevance_is_a_page_with_one_entry(browser: Browser) -> None:
    sound = browser.sound(1.0)
    job = browser.answered(sound=sound["id"], target="ah", against="iy", rule="gradient_x_input")
    page = manifest(browser, job)
    (run,) = page["runs"]
    assert page["format"] == "otoscope-page 1" and run["id"] == "m1" and run["sound"] == f"{sound['id']}-16000"
    assert [one["rule"] for one in run["relevance"]] == ["gradient_x_input"]
    assert run["opened"]["model"] == "vowel-name"
    for name in parts_of(page):
        assert name.startswith(job["id"])
        assert zlib.decompress(browser.get(f"{job['page']}parts/{name}.bin").content)
    assert browser.get(f"{job['page']}parts/nothing.bin").status_code == 404


def test_a_relevance_of_a_second_takes_less_than_one(served: Served, browser: Browser) -> None:
    sound = browser.sound(1.0)
    browser.answered(sound=sound["id"])  # what the first one prepares
    assert min(browser.answered(sound=sound["id"], target=number)["seconds"] for number in range(4)) < 1


def test_whether_it_may_be_believed_is_asked_for(browser: Browser) -> None:
    sound = browser.sound(0.5)["id"]
    (plain,) = manifest(browser, browser.answered(sound=sound))["runs"][0]["relevance"]
    (tested,) = manifest(browser, browser.answered(sound=sound, control=True))["runs"][0]["relevance"]
    assert plain["trust"] == [] and "as soon as nothing else is asked" in plain["trust_note"]
    assert [block["method"] for block in tested["trust"]] == ["control", "taken_away"]


def test_maps_of_a_layer(browser: Browser) -> None:
    job = browser.answered(kind="maps", sound=browser.sound(0.5)["id"], layer="relu3", channels=[3, 5])
    (run,) = manifest(browser, job)["runs"]
    (layer,) = run["maps"].values()
    assert sorted(item["channel"] for item in layer["items"]) == [3, 5] and run["relevance"] == []
    wrong = browser.answered(kind="maps", sound=browser.sound(0.5)["id"], layer="relu33")
    assert wrong["state"] == "failed" and "relu3" in wrong["error"]["message"]


def test_two_models_on_one_sound(browser: Browser) -> None:
    ask = {"kind": "compare", "models": ["m1", "m2"], "sound": browser.sound(0.5)["id"]}
    job = browser.wait(browser.post("/api/jobs", json=ask).json()["job"])
    page = manifest(browser, job)
    assert [run["model"] for run in page["runs"]] == ["vowel-name", "vowel-register"] and len(page["sounds"]) == 1
    (pair,) = page["pairs"]
    assert (pair["a"], pair["b"]) == ("m1", "m2") and -1 <= pair["spectrum_cosine"] <= 1
    assert "10 pairs with random weights" in pair["trust"]["text"]


def test_the_whole_page_tells_how_far_it_is(browser: Browser) -> None:
    job = browser.ask(kind="page", sound=browser.sound(0.3)["id"], maps=2)
    seen = []
    with browser.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
    assert seen[-1]["state"] == "done" and any(one["state"] == "running" and one["total"] for one in seen)
    (run,) = manifest(browser, seen[-1])["runs"]
    assert run["taps"] and run["first"] and run["maps"] and run["relevance"]


WRONG = {
    "no object": "[]",
    "not JSON": "{",
    "NaN": '{"kind": "relevance", "model": "m1", "sound": "x", "at": NaN}',
    "a number": "1",
    "deep": "[" * 30_000,
    "a deep object": '{"kind":' * 5_000,
    "no kind": "{}",
    "kind": '{"kind": "exec"}',
    "kind is a list": '{"kind": ["relevance"]}',
    "twice": '{"kind": "relevance", "kind": "page"}',
    "unknown field": '{"kind": "relevance", "model": "m1", "sound": "x", "path": "/etc/passwd"}',
    "no sound": '{"kind": "relevance", "model": "m1"}',
    "sound is a list": '{"kind": "relevance", "model": "m1", "sound": ["x"]}',
    "number too large": '{"kind": "relevance", "model": "m1", "sound": "x", "at": 1' + "0" * 400 + "}",
    "half a character": '{"kind": "relevance", "model": "m1", "sound": "\\ud800"}',
    "not text": b"\xff\xfe",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_what_is_no_question_is_refused(browser: Browser, content: str | bytes) -> None:
    answer = browser.post("/api/jobs", content=content, headers={"Content-Type": "application/json"})
    assert refusal(answer)[:2] == (400, "bad-request")


def test_a_number_of_thousands_of_digits_is_refused_in_a_sentence(browser: Browser) -> None:
    body = '{"kind": "answer", "model": "m1", "sound": "x", "checkpoint": ' + "9" * 5000 + "}"
    answer = browser.post("/api/jobs", content=body, headers={"Content-Type": "application/json"})
    status, code, message = refusal(answer)
    assert (status, code) == (400, "bad-request") and "5000 digits" in message and "sys." not in message


def test_a_huge_question_is_not_read(browser: Browser) -> None:
    answer = browser.post("/api/jobs", content=b" " * 5_000_000, headers={"Content-Type": "application/json"})
    assert refusal(answer)[:2] == (413, "too-large")
    form = browser.post("/api/jobs", content=b"{}", headers={"Content-Type": "text/plain"})
    assert refusal(form)[:2] == (415, "not-json")


@pytest.mark.parametrize(
    "ask", [{"target": "os:getcwd"}, {"target": "/tmp/x.py:f"}, {"target": 99}, {"target": "similarity"},
            {"against": "/etc/passwd"}, {"rule": "os.system"}, {"at": 0.2}, {"checkpoint": "../../x"}]
)  # fmt: skip
def test_no_question_names_code_or_files(browser: Browser, ask: dict[str, Any]) -> None:
    job = browser.answered(sound=browser.sound(0.2)["id"], **ask)
    assert job["state"] == "failed" and job["error"]["code"] in ("unfit", "not-found"), job


def test_models_and_sounds_have_to_be_there(browser: Browser) -> None:
    sound = browser.sound(0.2)["id"]
    for ask in ({"model": "m9", "sound": sound}, {"model": "m1", "sound": "../x"}):
        assert refusal(browser.post("/api/jobs", json={"kind": "answer"} | ask))[:2] == (404, "not-found")
    assert refusal(browser.put("/api/jobs", json={}))[:2] == (405, "wrong-method")


def slow(browser: Browser, seconds: float = 20.0) -> dict[str, Any]:
    """A question that takes some seconds."""
    return browser.ask(sound=browser.sound(seconds)["id"], rule="smoothgrad")


def running(browser: Browser, job: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (job := browser.get(f"/api/jobs/{job['id']}").json()["job"])["state"] == "queued":
        assert time.monotonic() < end
        time.sleep(0.01)
    return job


def test_a_question_is_cancelled_at_once(browser: Browser) -> None:
    job, sound = slow(browser), browser.sound(0.3)
    waiting = browser.ask(sound=sound["id"])
    assert running(browser, job)["state"] == "running"
    began = time.monotonic()
    assert browser.delete(f"/api/jobs/{job['id']}").json()["job"]["state"] == "cancelled"
    assert browser.wait(waiting)["state"] == "done" and time.monotonic() - began < 5
    assert browser.get(f"/api/jobs/{job['id']}").json()["job"]["state"] == "cancelled"
    assert browser.delete(f"/api/jobs/{job['id']}").status_code == 200  # and forgotten
    assert browser.get(f"/api/jobs/{job['id']}").status_code == 404


def test_one_that_waits_is_cancelled_before_it_begins(browser: Browser) -> None:
    first, second = slow(browser), browser.ask(sound=browser.sound(0.3)["id"])
    running(browser, first)
    assert browser.get(f"/api/jobs/{second['id']}").json()["job"]["place"] == 1
    assert browser.delete(f"/api/jobs/{second['id']}").json()["job"]["state"] == "cancelled"
    browser.delete(f"/api/jobs/{first['id']}")


def test_a_session_has_so_many_questions_and_no_more(browser: Browser, open_browser: Callable[[], Browser]) -> None:
    sound = browser.sound(20.0)["id"]
    jobs = [browser.ask(sound=sound, rule="smoothgrad") for _ in range(8)]
    answer = browser.post("/api/jobs", json={"kind": "relevance", "model": "m1", "sound": sound})
    assert refusal(answer)[:2] == (429, "too-many") and answer.headers["retry-after"]
    other = open_browser()
    assert other.ask(sound=other.sound(0.2)["id"])["state"] == "queued"
    for job in jobs:
        browser.delete(f"/api/jobs/{job['id']}")


def workers(served: Served) -> list[int]:
    """The processes of models, and the copies in which they work."""
    found = []
    for pid in served.children():
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                found += [pid] if "model_worker" in file.read() else []
        except OSError:
            continue
    return found


def busiest(pids: list[int]) -> int:
    def used(pid: int) -> int:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))

    before = {pid: used(pid) for pid in pids}
    time.sleep(0.5)
    return max(before, key=lambda pid: used(pid) - before[pid])


@pytest.mark.kill
def test_a_worker_that_is_killed_loses_nothing(served: Served, browser: Browser) -> None:
    job = slow(browser, 3.0)
    running(browser, job)
    os.kill(busiest(workers(served)), signal.SIGKILL)
    job = browser.wait(job, 120)
    assert job["state"] == "done" and "SIGKILL" in job["notes"][0]


@pytest.mark.kill
def test_a_question_on_which_workers_die_is_given_up(served: Served, browser: Browser) -> None:
    job, after = slow(browser, 20.0), browser.ask(sound=browser.sound(0.3)["id"])
    for _ in range(2):
        running(browser, job)
        os.kill(busiest(workers(served)), signal.SIGKILL)
        time.sleep(0.5)
    job = browser.wait(job)
    assert job["state"] == "failed" and job["error"]["code"] == "worker-died" and "SIGKILL" in job["error"]["message"]
    assert browser.wait(after)["state"] == "done"


@pytest.mark.kill
def test_all_of_a_worker_can_be_killed(served: Served, browser: Browser) -> None:
    job = slow(browser, 3.0)
    running(browser, job)
    for pid in workers(served):
        os.kill(pid, signal.SIGKILL)
    assert browser.wait(job, 120)["state"] == "done"
    assert browser.answered(sound=browser.sound(0.3)["id"], model="m2")["state"] == "done"


@pytest.mark.kill
def test_a_program_that_reads_sounds_is_begun_again(served: Served, open_browser: Callable[[], Browser]) -> None:
    """Programs are killed again and again: a sound is kept, or the server could not; no file is blamed."""
    found: list[httpx.Response] = []

    def send() -> None:
        browser = open_browser()
        found.extend(browser.upload(wav(0.2), "good.wav") for _ in range(8))

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        while not sending.done():
            time.sleep(0.4)
            for pid in reversed(served.children()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        sending.result()
    assert len(found) == 8
    for answer in found:
        assert answer.status_code == 201 or refusal(answer)[:2] == (503, "worker-died"), answer.text


def test_fifty_clients_at_once(served: Served) -> None:
    def ask(number: int) -> tuple[str, str]:
        browser = Browser(served)
        sound = browser.sound(0.1 + number / 1000, name=f"{number}.wav")
        job = browser.wait(browser.ask(sound=sound["id"]), 120)
        (entry,) = manifest(browser, job)["sounds"].values()
        state = browser.get("/api/state").json()
        browser.close()
        assert [one["id"] for one in state["sounds"]] == [sound["id"]] and len(state["jobs"]) == 1
        return entry["name"], f"{number}.wav"

    with ThreadPoolExecutor(50) as pool:
        for found, own in pool.map(ask, range(50)):
            assert found == own


def test_events_of_a_session_are_its_own(browser: Browser, open_browser: Callable[[], Browser]) -> None:
    other = open_browser()
    foreign = other.ask(sound=other.sound(0.3)["id"])
    sound, seen = browser.sound(0.3)["id"], []
    job = browser.ask(sound=sound)
    with browser.stream("GET", "/api/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
                if seen[-1]["id"] == job["id"] and seen[-1]["state"] == "done":
                    break
    assert foreign["id"] not in {one["id"] for one in seen}
