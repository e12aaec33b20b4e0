"""What a request must pass before anything is shown or done."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosmem.errors import UsageError
from chaosmem.serve.entering import inside
from chaosmem.serve.session import Sessions
from chaosmem.serve.settings import is_loopback, read_token
from tests.history.build import directory, finding
from tests.serve.conftest import TOKEN, Visit, Visitor
from tests.serve.stage import Staged


def enter(visitor: Visitor) -> None:
    assert visitor.send("/login", seen="/login", token=TOKEN).status_code == 303


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:9000", "[::1]:8787", "10.0.0.7"])
def test_addresses_and_localhost_are_answered(visit: Visit, host: str) -> None:
    assert visit().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8787", "a b", ""])
def test_a_name_that_was_pointed_here_is_refused(visit: Visit, host: str) -> None:
    answer = visit().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "--allow-host" in answer.text


def test_a_name_that_was_allowed_is_answered(visit: Visit) -> None:
    assert visit(names=("box",)).get("/", headers={"host": "box:8787"}).status_code == 200


def test_every_answer_carries_the_policy(visit: Visit) -> None:
    for path in ("/", "/nowhere", "/static/live.js", "/static/serve.css", "/login"):
        headers = visit().get(path).headers
        assert (
            "default-src 'none'; script-src 'self'; style-src 'self'"
            in (headers["content-security-policy"])
        )
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


def test_no_page_has_an_inline_script_or_style(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    for path in ("/", "/live", "/compare", "/trends", "/baselines", run.url, f"{run.url}/live"):
        text = visit().get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count("<script src=")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_of_another_page_is_refused_even_with_the_mark(
    visit: Visit, base: Path, headers: dict[str, str]
) -> None:
    run = Staged(base)
    run.begin()
    visitor = visit()
    form = {"mark": visitor.mark(f"{run.url}/live"), "act": "abort"}
    answer = visitor.post(f"{run.url}/act", data=form, headers=headers)
    assert answer.status_code == 403
    assert not run.dir.has("control.jsonl")


def test_a_form_without_the_mark_or_with_a_wrong_one_is_refused(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    for mark in ({}, {"mark": "0" * 64}, {"mark": ""}):
        form = {"act": "abort"} | mark
        for path in ("/act", "/note", "/undo"):
            assert visit().post(f"{run.url}{path}", data=form).status_code == 403
    assert not run.dir.has("control.jsonl")


def test_the_mark_of_one_session_is_no_good_in_another(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    visitor = visit(token=TOKEN)
    enter(visitor)
    old = visitor.mark(f"{run.url}/live")
    visitor.cookies.clear()
    enter(visitor)
    answer = visitor.post(f"{run.url}/act", data={"mark": old, "act": "abort"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["act", "note", "undo"])
def test_nothing_is_done_by_get(visit: Visit, base: Path, path: str) -> None:
    run = Staged(base)
    run.begin()
    assert visit().get(f"{run.url}/{path}?act=abort&text=x").status_code == 405
    assert not run.dir.has("control.jsonl")


def test_forms_of_other_kinds_and_sizes_are_refused(visit: Visit) -> None:
    visitor = visit()
    assert visitor.post("/login", json={"token": "x"}).status_code == 415
    plain = {"content-type": "text/plain"}
    assert visitor.post("/login", content=b"x", headers=plain).status_code == 415
    assert visitor.post("/login", data={"token": "x" * 70_000}).status_code == 413
    assert visitor.ask("PUT", "/login").status_code == 405


@pytest.mark.parametrize("dest", ["iframe", "image", "script", "empty"])
def test_another_site_may_link_here_and_nothing_more(visit: Visit, dest: str) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    link = foreign | {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert visit().get("/", headers=link).status_code == 200
    mode = "navigate" if dest == "iframe" else "no-cors"
    used = foreign | {"sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert visit().get("/", headers=used).status_code == 403
    assert visit().get("/events", headers=used).status_code == 403


def test_with_a_token_nothing_is_shown_without_it(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    visitor = visit(token=TOKEN)
    own = (run.url, f"{run.url}/report", f"{run.url}/events", f"{run.url}/live")
    for path in ("/", "/live", "/compare", "/events", *own):
        answer = visitor.get(path, follow=False)
        assert answer.status_code == 401, path
        assert run.dir.run_id not in answer.text
    html = {"accept": "text/html"}
    to = visitor.get("/trends", headers=html, follow=False).headers["location"]
    assert to == "/login?next=%2Ftrends"


def test_a_wrong_token_lets_nobody_in(visit: Visit) -> None:
    visitor = visit(token=TOKEN)
    for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
        answer = visitor.send("/login", seen="/login", token=wrong)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert visitor.get("/").status_code == 401


def test_the_token_gives_a_cookie_that_no_script_and_no_other_site_can_use(visit: Visit) -> None:
    visitor = visit(token=TOKEN)
    answer = visitor.send("/login", seen="/login", token=TOKEN, next="/trends")
    assert answer.headers["location"] == "/trends"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert visitor.get("/").status_code == 200


def test_a_made_up_cookie_lets_nobody_in(visit: Visit) -> None:
    visitor = visit(token=TOKEN)
    for value in ("x", TOKEN, '"', "=;"):
        answer = visitor.get("/", headers={"cookie": f"chaosmem-8787={value}"})
        assert answer.status_code == 401


def test_who_logs_out_is_out(visit: Visit) -> None:
    visitor = visit(token=TOKEN)
    enter(visitor)
    cookie = visitor.cookies["chaosmem-8787"]
    assert visitor.send("/logout", seen="/").headers["location"] == "/login"
    assert visitor.get("/", headers={"cookie": f"chaosmem-8787={cookie}"}).status_code == 401


def test_sessions_end_and_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("chaosmem.serve.session.time.monotonic", lambda: now)
    sessions = Sessions(TOKEN)
    first = sessions.enter(TOKEN)
    assert first is not None
    assert sessions.known(first)
    now += 12 * 3600 + 1
    assert not sessions.known(first)
    made = [sessions.enter(TOKEN) for _ in range(1001)]
    assert not sessions.known(str(made[0]))
    assert sessions.known(str(made[-1]))


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "evil", "", "/ü"]
)
def test_a_log_in_leads_nowhere_else(to: str) -> None:
    assert inside(to) == "/"
    assert inside("/runs/cart/x") == "/runs/cart/x"


def test_a_server_that_only_shows_has_no_buttons_and_does_nothing(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    visitor = visit(read_only=True)
    for path in (run.url, f"{run.url}/live"):
        assert "<form" not in visitor.get(path).text
    form = {"mark": visit().mark(run.url), "act": "abort"}
    assert visitor.post(f"{run.url}/act", data=form).status_code == 403
    assert not run.dir.has("control.jsonl")


@pytest.mark.parametrize(
    "path",
    [
        "/runs/cart/..",
        "/runs/../runs",
        "/runs/%2e%2e/%2e%2e",
        "/runs/cart/%2e%2e%2f%2e%2e%2fsecret",
        "/runs/..%2fsecret/run",
        "/runs/cart/latest",
        "/runs/linked/run",
        "/runs/cart/a%00b",
        "/runs/cart/%5c..",
        "/static/..%2fguard.py",
        "/static/%2e%2e",
        "/static/../guard.py",
        "/runs/cart/nothing/report",
    ],
)
def test_no_path_leads_out_of_the_run_directories(
    visit: Visit, base: Path, tmp_path: Path, path: str
) -> None:
    directory(base, 1, [finding()])
    secret = directory(tmp_path / "secret", 2, [finding()], name="run")
    (base / "linked").symlink_to(secret.root.parent, target_is_directory=True)
    (base / "cart" / "away").symlink_to(secret.root, target_is_directory=True)
    assert visit().get(path).status_code == 404
    assert visit().get("/runs/cart/away").status_code == 404
    assert "away" not in visit().get("/").text


def test_a_link_inside_a_run_directory_is_not_served(
    visit: Visit, base: Path, tmp_path: Path
) -> None:
    run = directory(base, 1, [finding()])
    (tmp_path / "secret").write_text("secret things")
    run.path("report.html").symlink_to(tmp_path / "secret")
    answer = visit().get(f"/runs/cart/{run.run_id}/report")
    assert answer.status_code == 503
    assert "secret things" not in answer.text


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  short\n")
    with pytest.raises(UsageError, match="5 characters, and 16 are the fewest"):
        read_token(file)
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN
    with pytest.raises(UsageError, match="cannot read the token file"):
        read_token(tmp_path / "none")


def test_only_loopback_is_loopback() -> None:
    loops = ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"]
    others = ["0.0.0.0", "::", "10.0.0.7", "box", "localhost.evil.example", ""]  # noqa: S104
    assert [is_loopback(h) for h in loops + others] == [True] * 5 + [False] * 6
