"""Who is let in, and what every answer says to a browser."""

from __future__ import annotations

import socket
from collections.abc import Callable

import httpx
import pytest

from served import Browser, Served


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_address_opens_the_page(served: Served) -> None:
    answer = httpx.get(served.url)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert 'id="live"' in answer.text and "server" not in answer.headers


def test_nothing_is_answered_without_the_token(served: Served) -> None:
    for path in ("/", "/api/state", "/api/models", "/static/page.js", "/nowhere", "/api/jobs/x/page/manifest.json"):
        answer = httpx.get(served.base + path)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert httpx.post(f"{served.base}/api/sounds", content=b"x").status_code == 403
    for wrong in ("", "x", served.url.rpartition("=")[2][:-1], "ä", "%00"):
        assert httpx.get(f"{served.base}/", params={"token": wrong}).status_code == 403
    both = f"{served.url}&token=x"
    assert httpx.get(both).status_code == 403
    assert httpx.get(f"{served.base}/", cookies={f"otoscope-{served.port}": "x"}).status_code == 403


def test_a_script_can_give_the_token_in_a_header(served: Served) -> None:
    token = served.url.rpartition("=")[2]
    assert httpx.get(f"{served.base}/api/state", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert httpx.get(f"{served.base}/api/state", headers={"Authorization": "Bearer x"}).status_code == 403


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("no-token", ""),
        ("wrong-host", "Host: evil.example\r\n"),
        ("wrong-origin", "Origin: http://evil.example\r\n"),
        ("not-found", "Authorization: Bearer {token}\r\n"),  # let in, but refused before the body is read
    ],
)
@pytest.mark.parametrize("length", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_of_what_is_refused_no_body_is_read(served: Served, reason: str, more: str, length: str) -> None:
    own = "" if "Host:" in more else f"Host: 127.0.0.1:{served.port}\r\n"
    head = f"POST /api/sounds/x/changes HTTP/1.1\r\n{own}{more.format(token=served.url.rpartition('=')[2])}"
    head += f"Content-Type: application/json\r\n{length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b""
        while piece := connection.recv(65_536):  # until the server closes it
            answer += piece
    assert b"connection: close" in answer and reason.encode() in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""]
)
def test_another_name_for_this_machine_is_refused(served: Served, browser: Browser, host: str) -> None:
    """DNS rebinding: the name of another site that points here."""
    answer = browser.get("/api/state", headers={"Host": host.format(port=served.port)})
    assert answer.status_code in (400, 403)
    assert answer.status_code == 400 or code(answer) == (403, "wrong-host")


def test_own_names_are_taken(served: Served, browser: Browser) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert browser.get("/api/state", headers={"Host": f"{host}:{served.port}"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1"])
def test_a_page_of_another_site_is_refused(served: Served, browser: Browser, origin: str) -> None:
    headers = {"Origin": origin.format(port=served.port)}
    assert code(browser.post("/api/examples/e1", headers=headers)) == (403, "wrong-origin")
    assert code(browser.get("/api/state", headers=headers)) == (403, "wrong-origin")


def test_what_a_browser_says_of_the_sender_is_believed(served: Served, browser: Browser) -> None:
    for site in ("cross-site", "same-site"):  # same-site: another port of this machine
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
        assert code(browser.get("/api/state", headers=headers)) == (403, "wrong-origin")
    own = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{served.port}"}
    assert browser.post("/api/examples/e1", headers=own).status_code == 201
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert httpx.get(served.url, headers=link).status_code == 200  # a link that somebody sent


def test_every_answer_has_a_strict_policy(served: Served, browser: Browser) -> None:
    for answer in (browser.get("/"), browser.get("/api/state"), browser.get("/nowhere"), httpx.get(served.base)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


def test_the_cookie_stays_with_this_server(served: Served) -> None:
    cookie = httpx.get(served.url).headers["set-cookie"]
    assert cookie.startswith(f"otoscope-{served.port}=") and "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "path",
    [
        "/static/../guard.py",
        "/static/..%2fguard.py",
        "/static/%2e%2e/%2e%2e/server/guard.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/api/sounds/..%2f..%2fetc%2fpasswd/file.wav",
        "/api/jobs/../../x",
        "/api/run/parts/..%2f..%2fx.bin",
        "/api/sounds/%00/file.wav",
    ],
)
def test_addresses_hold_ids_and_no_paths(served: Served, browser: Browser, path: str) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.putrequest("GET", path, skip_host=True)  # as it stands, without what a client would tidy
    connection.putheader("Host", f"127.0.0.1:{served.port}")
    connection.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
    connection.endheaders()
    assert connection.getresponse().status == 404


def test_sessions_do_not_see_each_other(open_browser: Callable[[], Browser]) -> None:
    one, two = open_browser(), open_browser()
    sound = one.sound()
    job = one.answered(sound=sound["id"])
    assert job["state"] == "done" and one.get(f"{job['page']}manifest.json").status_code == 200
    state = two.get("/api/state").json()
    assert state["sounds"] == [] and state["jobs"] == []
    for path in (f"/api/sounds/{sound['id']}/file.wav", f"/api/jobs/{job['id']}", f"{job['page']}manifest.json"):
        assert two.get(path).status_code == 404
    assert two.delete(f"/api/sounds/{sound['id']}").status_code == 404
    assert two.delete(f"/api/jobs/{job['id']}").status_code == 404
    refused = two.post("/api/jobs", json={"kind": "relevance", "model": "m1", "sound": sound["id"]})
    assert code(refused) == (404, "not-found")
    assert one.get(f"/api/sounds/{sound['id']}/file.wav").status_code == 200
