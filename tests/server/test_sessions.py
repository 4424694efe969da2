"""What is kept, for how long, and how much of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otoscope.server.ask import read_ask
from otoscope.server.jobs import Job
from otoscope.server.limits import Limits
from otoscope.server.made import Made
from otoscope.server.refusal import Refusal
from otoscope.server.sessions import Session, Sessions, Sound

FACTS = {"duration": 1.0, "sample_rate": 8000, "channels": 1, "sha256": None, "note": ""}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def keep(session: Session, folder: Path, key: str, size: int = 100) -> Sound:
    path = folder / key
    path.write_bytes(bytes(size))
    sound = Sound(key, key, path, FACTS, size=size)
    session.keep(sound)
    return sound


def job(key: str, sound: str = "s", size: int = 0) -> Job:
    ask = {"kind": "relevance", "model": "m1", "sound": sound}
    made = Job(key, read_ask(ask), ask, None, lambda _: None)
    if size:
        made.become("done", page=Made(None, {}, {"part": bytes(size)}, []))
    return made


def all_jobs(sessions: Sessions) -> list[Any]:
    return [one for session in sessions for one in session.jobs.values()]


def test_a_session_ends_that_is_not_used(tmp_path: Path) -> None:
    clock = Clock()
    sessions = Sessions(Limits(kept_seconds=10), clock)
    used, idle = sessions.begin(), sessions.begin()
    sound = keep(idle, tmp_path, "idle")
    with used.used():
        clock.now = 9
        sessions.tidy()
        assert sessions.known(idle.key) is idle
        clock.now = 11
        sessions.tidy()
        assert sessions.known(idle.key) is None and not sound.path.exists()
        assert sessions.known(used.key) is used  # a request of it is still answered


def test_the_disk_is_bounded_and_what_is_needed_stays(tmp_path: Path) -> None:
    clock = Clock()
    sessions = Sessions(Limits(sound_bytes=250), clock)
    old, new = sessions.begin(), sessions.begin()
    needed, spare, last = keep(old, tmp_path, "a"), keep(old, tmp_path, "b"), keep(new, tmp_path, "c")
    old.add(job("j", "a"))
    clock.now = 5
    with new.used():
        sessions.tidy()
    assert needed.path.exists() and last.path.exists() and not spare.path.exists()


def test_memory_is_bounded_and_a_page_that_is_dropped_can_be_asked_for_again() -> None:
    sessions = Sessions(Limits(page_bytes=250), Clock())
    session = sessions.begin()
    for key in "abc":
        session.add(job(key, size=100))
    sessions.tidy()
    assert [one.page is None for one in all_jobs(sessions)] == [True, False, False]
    assert all(one.state == "done" for one in all_jobs(sessions))


def test_there_are_so_many_sessions_and_no_more() -> None:
    clock = Clock()
    sessions = Sessions(Limits(sessions=2), clock)
    first = sessions.begin()
    clock.now = 1
    second, third = sessions.begin(), sessions.begin()
    assert sessions.known(first.key) is None
    assert sessions.known(second.key) is second and sessions.known(third.key) is third


def test_old_answers_make_room_for_new_ones() -> None:
    session = Sessions(Limits(pages=3, jobs=2), Clock()).begin()
    for number in range(20):
        session.add(job(str(number), size=1))
    assert len(session.jobs) == 5 and sum(one.page is not None for one in session.jobs.values()) == 3


def test_the_bound_of_sessions_holds_whatever_the_clock_says() -> None:
    clock = Clock()
    clock.now = 1e6
    sessions = Sessions(Limits(sessions=5), clock)
    for _ in range(50):
        with sessions.begin().used():
            clock.now += 0.01
    assert len(list(sessions)) == 5
    assert max(one.idle for one in sessions) < 1


def test_requests_without_a_cookie_end_no_session_that_has_something(tmp_path: Path) -> None:
    clock = Clock()
    sessions = Sessions(Limits(sessions=3), clock)
    old = sessions.begin()
    keep(old, tmp_path, "s")
    for _ in range(20):
        clock.now += 1
        with sessions.begin().used():
            pass
    assert sessions.known(old.key) is old and len(list(sessions)) == 3


def test_a_session_that_makes_room_waits_for_nothing_or_its_questions_are_cancelled(tmp_path: Path) -> None:
    clock = Clock()
    cancelled: list[Job] = []
    sessions = Sessions(Limits(sessions=2), clock, cancelled.append)
    asking, done = sessions.begin(), sessions.begin()
    question = job("open")
    asking.add(question)
    done.add(job("answered", size=1))
    clock.now = 1
    third = sessions.begin()
    keep(third, tmp_path, "t")
    assert sessions.known(asking.key) is asking and sessions.known(done.key) is None and not cancelled
    with third.used():
        sessions.begin()
    assert sessions.known(asking.key) is None and cancelled == [question]


def test_a_sound_that_is_read_stays(tmp_path: Path) -> None:
    sessions = Sessions(Limits(sounds=2, sound_bytes=250), Clock())
    session = sessions.begin()
    first = keep(session, tmp_path, "first")
    with session.held(first), session.held(first):
        for number in range(5):
            keep(session, tmp_path, str(number))
        sessions.tidy()
        assert first.path.exists() and len(session.sounds) == 2
        with pytest.raises(Refusal, match="being changed") as refused:
            session.drop_sound("first")
        assert refused.value.status == 409
    session.drop_sound("first")
    assert not first.path.exists()
