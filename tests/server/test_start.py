"""How a server begins and ends: what it prints, where it listens, and what it says where it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from served import START, Browser, Served


def refused(*arguments: str, before: str = "", environment: dict[str, str] | None = None) -> str:
    """What is printed where a server does not begin."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{before}{START}", "serve", *arguments],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, ""), ran
    assert ran.stderr.startswith("error: ") and len(ran.stderr.splitlines()) == 1, ran.stderr
    return ran.stderr


def test_the_address_is_the_first_line_and_whole(served: Served) -> None:
    assert served.url.startswith("http://127.0.0.1:") and "?token=" in served.url
    assert len(served.url.rpartition("=")[2]) >= 32


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    server = Served("vowel-name", environment={"TMPDIR": str(tmp_path)})
    try:
        browser = Browser(server)
        job = browser.ask(sound=browser.sound(20.0)["id"], rule="smoothgrad")
        while browser.get(f"/api/jobs/{job['id']}").json()["job"]["step"] != "relevance":
            time.sleep(0.05)
        folders, children = list(tmp_path.iterdir()), server.children()
        assert len(folders) == 1 and folders[0].stat().st_mode & 0o077 == 0 and len(children) >= 3
        with browser.stream("GET", "/api/events") as stream:
            lines = stream.iter_lines()
            assert next(lines)
            code, err, seconds = server.end()
            assert any(line == "event: bye" for line in lines)
        assert code == 130 and seconds < 5 and "Traceback" not in err
        assert err.strip() in ("", "interrupted")
        assert list(tmp_path.iterdir()) == []
        end = time.monotonic() + 5
        while left := [pid for pid in children if Path(f"/proc/{pid}").exists()]:
            assert time.monotonic() < end, left
            time.sleep(0.1)
    finally:
        server.process.kill()  # where something of this did not hold


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_can_be_ended_while_it_begins() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", "vowel-name"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(2.5)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "") and "Traceback" not in err


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = refused("vowel-name", "--port", str(port))
    assert f"port {port}" in message and "--port" in message


def test_a_place_that_is_none_is_said() -> None:
    assert "from 0 to 65535" in refused("vowel-name", "--port", "70000")
    assert "there is no host" in refused("vowel-name", "--host", "no.such.host.invalid")
    assert "192.0.2.1" in refused("vowel-name", "--host", "192.0.2.1")


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    assert "vowel-nam" in refused("vowel-nam")
    (tmp_path / "bad.py").write_text("import torch\ndef make():\n    raise RuntimeError('no')\n")
    assert "cannot be built" in refused(f"{tmp_path}/bad.py:make")
    assert "--max-duration" in refused("vowel-name", "--max-duration", "0")
    assert "no checkpoint" in refused("vowel-name", "--checkpoints", str(tmp_path / "none"))


def test_a_missing_extra_is_said() -> None:
    for module in ("starlette", "uvicorn"):
        message = refused("vowel-name", before=f"import sys; sys.modules['{module}'] = None; ")
        assert module in message and "pip install 'otoscope[app]'" in message


@pytest.mark.slow
def test_it_listens_on_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    server = Served("vowel-name", "--host", "::1")
    try:
        assert server.url.startswith("http://[::1]:")
        assert Browser(server).get("/api/state").status_code == 200
        assert httpx.get(server.base).status_code == 403
    finally:
        server.end()


@pytest.mark.slow
def test_what_another_host_means_is_said() -> None:
    server = Served("vowel-name", "--host", "0.0.0.0")
    try:
        assert server.url.startswith("http://127.0.0.1:")
        browser = Browser(server)
        assert "not encrypted" in browser.get("/api/state").json()["notice"]
        for name, status in ((f"192.168.1.7:{server.port}", 200), (f"evil.example:{server.port}", 403)):
            assert browser.get("/api/state", headers={"Host": name}).status_code == status
    finally:
        _, err, _ = server.end()
    assert "everybody who can reach" in err


SHORT = (
    "import otoscope.server.limits as limits; import dataclasses; "
    "limits.Limits.__init__.__defaults__ = tuple({away}.get(f.name, f.default) "
    "for f in dataclasses.fields(limits.Limits))"
)


@pytest.mark.slow
def test_who_goes_away_leaves_no_work_behind() -> None:
    server = Served("vowel-name", limits=SHORT.format(away={"away_seconds": 1.0}))
    try:
        gone, other = Browser(server), Browser(server)
        job = gone.ask(sound=gone.sound(20.0)["id"], rule="smoothgrad")
        later = other.ask(sound=other.sound(0.3)["id"])
        assert other.wait(later)["state"] == "done"  # after that of the other was cancelled
        assert gone.get(f"/api/jobs/{job['id']}").json()["job"]["state"] == "cancelled"
    finally:
        server.end()


@pytest.mark.slow
def test_work_that_takes_too_long_is_ended() -> None:
    server = Served("vowel-name", limits=SHORT.format(away={"job_seconds": 1.0}))
    try:
        browser = Browser(server)
        job = browser.answered(sound=browser.sound(20.0)["id"], rule="smoothgrad")
        assert job["state"] == "failed" and "longer than 1 s" in job["error"]["message"]
        assert browser.answered(kind="answer", sound=browser.sound(0.2)["id"])["state"] == "done"
    finally:
        server.end()
