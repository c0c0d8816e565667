"""Who is let in, and who isn't."""

import socket
import time

import pytest
import requests
from websockets.exceptions import InvalidStatus

from edge_runtime.server.access import (
    MOST_FILE_BYTES,
    Gate,
    Names,
    NotSafe,
    is_loopback,
    name_of,
    read_password,
    read_secret,
    require_safe,
)
from edge_runtime.server.api import description
from edge_runtime.server.settings import Settings

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def guarded(serve):
    """A service that asks for a token."""
    return serve(settings=Settings(port=0, token=TOKEN))[1]


def test_without_the_token_nothing_is_told_but_that_it_lives(guarded):
    paths = ["/api/v1/release", "/api/v1/events", "/api/v1/events.csv", "/metrics", "/openapi.json"]
    for path in [*paths, "/api/v1/cards?q=fox", "/api/v1/cards/demo-1", "/api/v1/cards/demo-1/picture", "/nothing"]:
        answer = guarded.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (401, "token"), path
    assert guarded.post("/api/v1/recognize", b"x").status_code == 401
    with pytest.raises(InvalidStatus), guarded.stream():
        pass
    assert guarded.get("/healthz").status_code == 200
    assert guarded.get("/").status_code == 200
    assert guarded.get("/page/main.js").status_code == 200


def test_another_token_is_refused(guarded):
    for shown in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Basic x", "Bearer ü", TOKEN):
        answer = guarded.get("/api/v1/release", headers={"authorization": shown.encode()})
        assert answer.status_code == 401, shown


def test_the_token_opens_the_api_and_the_stream(guarded):
    guarded.headers["authorization"] = f"Bearer {TOKEN}"
    assert guarded.get("/api/v1/release").status_code == 200
    with guarded.stream() as stream:
        assert stream.take(lambda message: message["type"] == "state")


def test_each_way_in_of_which_the_description_tells_lets_programs_in(guarded):
    """The cookie is called by its token: nobody gets in with one of another name."""
    for kind, way in description()["components"]["securitySchemes"].items():
        shown = {
            "http": {"authorization": f"{way.get('scheme')} {TOKEN}"},
            "apiKey": {str(way.get("in")): f"{way.get('name')}={Gate(TOKEN).cookie()}"},
        }[way["type"]]
        assert guarded.get("/api/v1/release", headers=shown).status_code == 200, kind


def test_the_page_signs_in_with_a_cookie_that_scripts_cannot_read(guarded):
    session = requests.Session()
    refused = session.post(f"{guarded.base}/login", data="another token")
    assert (refused.status_code, refused.json()["detail"]) == (401, "that is not the token")
    answer = session.post(f"{guarded.base}/login", data=TOKEN)
    assert answer.status_code == 200
    assert TOKEN not in answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in answer.headers["set-cookie"].split(";")}
    assert session.get(f"{guarded.base}/api/v1/release").status_code == 200


def test_cookies_of_other_services_on_this_machine_do_not_sign_anybody_out(guarded):
    ours = f"{Gate(TOKEN).cookie_name}={Gate(TOKEN).cookie()}"
    for other in ('prefs={"a": 1}', "a[b]=c", "x", "a=b c d", "ü=1", "expires=1", "=3"):
        for cookies in (f"{other}; {ours}", f"{ours}; {other}"):
            answer = guarded.get("/api/v1/release", headers={"cookie": cookies.encode()})
            assert answer.status_code == 200, cookies


def test_a_browser_stays_signed_in_to_two_services_of_one_machine(serve):
    services = [(serve(settings=Settings(port=0, token=token))[1].base, token) for token in (TOKEN, TOKEN[::-1])]
    session = requests.Session()  # as a browser it sends a host's cookies to each of its ports
    for base, token in services:
        assert session.post(f"{base}/login", data=token).status_code == 200
    assert [session.get(f"{base}/api/v1/release").status_code for base, _ in services] == [200, 200]


def test_a_token_may_be_of_any_letters(serve):
    token = "ein-wört-das-keiner-rät"
    _, client = serve(settings=Settings(port=0, token=token))
    assert client.get("/api/v1/release", headers={"authorization": f"Bearer {token}".encode()}).status_code == 200
    assert client.post("/login", token.encode()).status_code == 200


def test_where_no_token_is_asked_for_any_is_taken(serve):
    assert serve()[1].post("/login", b"a token of another recogniser").status_code == 200


def test_a_token_that_is_sent_too_slowly_is_given_up(guarded, monkeypatch):
    monkeypatch.setattr("edge_runtime.server.bodies.PATIENCE", 0.3)
    host, port = guarded.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
        assert b" 408 " in raw.recv(4096)


def test_tokens_are_tried_a_few_times_only(guarded):
    answers = [guarded.post("/login", f"guess {n}") for n in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:-1] + ("0" if c[-1] != "0" else "1"),
        lambda c: "9" + c,
        lambda c: "",
        lambda c: ".",
        lambda c: c.replace(".", ""),
    ],
)
def test_a_cookie_that_was_changed_is_none(change):
    gate = Gate(TOKEN)
    assert gate.admits("", gate.cookie())
    assert not gate.admits("", change(gate.cookie()))


def test_a_cookie_ends_and_another_token_ends_it():
    gate = Gate(TOKEN)
    assert not gate.admits("", gate.cookie(time.time() - 31 * 86400))
    assert not Gate("another-token-altogether").admits("", gate.cookie())


@pytest.mark.parametrize(("scheme", "comes_in"), [("Bearer", True), ("bearer", True), ("Basic", False), ("", False)])
def test_the_token_is_shown_by_the_scheme_that_is_asked_for(scheme, comes_in):
    assert Gate(TOKEN).admits(f"{scheme} {TOKEN}", "") is comes_in


def test_a_name_that_is_not_ours_is_refused_as_dns_rebinding_would_use_one(serve):
    _, client = serve()
    for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost@evil.example", "", "a b"):
        assert client.get("/api/v1/release", headers={"host": host}).status_code in (400, 421), host


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "192.168.1.7:80", "cards.example.org"]
)
def test_addresses_and_own_names_are_ours(host):
    assert host in Names(["cards.example.org"])


@pytest.mark.parametrize("said", ["cards.example.org", "cards.example.org:8443", "Cards.Example.org."])
def test_a_name_that_is_added_may_have_capitals_and_a_port(said):
    names = Names([name_of(said)])
    assert [host in names for host in ("cards.example.org", "cards.example.org:8443", "evil.example", "", ":80")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_name_in_letters_of_its_own_is_known_as_browsers_send_it():
    assert "xn--kln-sna.example:8080" in Names([name_of("Köln.example")])
    assert name_of("[::1]:8080") == "::1"


def test_pages_of_other_sites_may_neither_send_photos_nor_listen_and_our_own_may(serve):
    _, client = serve()
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://[evil", ""):
        answer = client.post("/api/v1/recognize", b"x", headers={"origin": origin})
        assert answer.json()["reason"] == "origin", origin
        with pytest.raises(InvalidStatus), client.stream(origin=origin):
            pass
    assert client.post("/api/v1/recognize", b"x", headers={"origin": client.base}).status_code == 422
    with client.stream(origin=client.base) as stream:
        assert stream.take(lambda message: message["type"] == "state")


def test_browsers_are_told_to_run_nothing_but_our_scripts(serve):
    _, client = serve()
    for path in ("/", "/page/main.js", "/nothing", "/api/v1/release"):
        headers = client.get(path).headers
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = client.get("/").text
    assert "<style" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_nobody_is_led_away(serve):
    """A slash too many led to http:// at the Host's root: a browser's cookie in the clear, where a proxy has the TLS."""
    _, client = serve()
    for path in ("/api/v1/events/", "/api/v1/cards/demo-1/", "/openapi.json/", "/login/", "/page", "/page/"):
        answer = client.get(path, allow_redirects=False)
        assert (answer.status_code, answer.json()["reason"]) == (404, "not found"), path


def test_no_other_file_is_served(serve):
    _, client = serve()
    for path in ("/page/..%2f..%2fserver/access.py", "/page/../access.py", "/page//etc/passwd", "/page/%00"):
        assert client.get(path).status_code in (400, 404), path


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.7", "::", "pi.local"])
def test_beyond_loopback_a_token_is_needed(bind):
    with pytest.raises(NotSafe, match="name a file that holds a token with --token-file"):
        require_safe(bind, "")
    require_safe(bind, TOKEN)


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_none(bind):
    assert is_loopback(bind)
    require_safe(bind, "")


@pytest.mark.parametrize(
    "content", [b"", b"short", b"two words of a token", b"\xff" * 32, b"one-line-of-token\nand another"]
)
def test_a_file_that_holds_no_good_token_is_refused(tmp_path, content):
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(NotSafe, match="openssl rand -hex 32"):
        read_secret(path, "token")


def test_a_password_that_others_chose_may_be_any_but_none(tmp_path):
    path = tmp_path / "password"
    path.write_text("a short one\n")
    assert read_password(path) == "a short one"
    path.write_text("\n")
    with pytest.raises(NotSafe, match="holds no password: write it there"):
        read_password(path)


def test_a_file_that_holds_more_than_a_token_is_refused_not_cut(tmp_path):
    path = tmp_path / "token"
    path.write_text("x" * MOST_FILE_BYTES)
    assert read_secret(path, "token") == "x" * MOST_FILE_BYTES
    path.write_text("x" * (MOST_FILE_BYTES + 1))
    with pytest.raises(
        NotSafe, match=r"token holds more than 4096 bytes, and is no token: write one with `openssl rand"
    ):
        read_secret(path, "token")


def test_a_token_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(NotSafe, match="can't be read as a token"):
        read_secret(tmp_path / "gone", "token")
