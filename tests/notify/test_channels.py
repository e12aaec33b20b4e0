"""Claims about sending, on real servers: what arrives, what is tried again, what is never said."""

from __future__ import annotations

import email
import json
import time
from pathlib import Path
from typing import Any

import pytest

from chaosmem.errors import UsageError
from chaosmem.notify import compose
from chaosmem.notify.channels import made_ready
from chaosmem.notify.delivery import Delivered, Dispatcher
from chaosmem.spec.notify import (
    AnyChannel,
    AppriseChannel,
    EmailChannel,
    JiraChannel,
    Secret,
    SlackChannel,
    WebhookChannel,
)
from tests.notify.servers import Hooks, Mails, Reply, hooks, mails

TOKEN = "T0KEN-b2f1c9d8e7"
NOTE = compose.of_test("cart")


@pytest.fixture
def url(hook: Hooks, monkeypatch: pytest.MonkeyPatch) -> Secret:
    """A webhook's URL with a token in it, in a variable."""
    monkeypatch.setenv("HOOK_URL", f"{hook.url}/services/{TOKEN}?key={TOKEN}")
    return Secret(env="HOOK_URL")


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Secret:
    """The token by itself."""
    monkeypatch.setenv("THE_TOKEN", TOKEN)
    return Secret(env="THE_TOKEN")


def _sent(channel: AnyChannel) -> Delivered:
    recorded: list[Delivered] = []
    sender = Dispatcher([made_ready(channel)], recorded.append)
    sender.send(NOTE)
    (ended,) = sender.finish()
    assert recorded == [ended]
    assert TOKEN not in ended.model_dump_json()
    return ended


def test_slack_gets_text_at_its_url(hook: Hooks, url: Secret) -> None:
    assert _sent(SlackChannel(url=url)).ok
    (got,) = hook.got
    assert got.path == f"/services/{TOKEN}?key={TOKEN}"
    assert got.json["text"].startswith("*chaosmem: TEST cart*\n")


def test_a_webhook_gets_the_whole_message_and_its_headers(
    hook: Hooks, url: Secret, token: Secret
) -> None:
    channel = WebhookChannel(
        url=url, headers={"X-Team": "sre"}, secret_headers={"Authorization": token}
    )
    assert _sent(channel).ok
    (got,) = hook.got
    assert got.json == json.loads(NOTE.body())
    assert (got.json["version"], got.json["event"]) == (1, "test")
    assert (got.headers["x-team"], got.headers["authorization"]) == ("sre", TOKEN)


def test_a_secret_in_a_file_is_read_without_its_newline(hook: Hooks, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{hook.url}/{TOKEN}\n")
    assert _sent(WebhookChannel(url=Secret(file=str(tmp_path / "url")))).ok
    assert hook.got[0].path == f"/{TOKEN}"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int, hook: Hooks, url: Secret) -> None:
    hook.replies = [Reply(status), Reply(status)]
    ended = _sent(SlackChannel(url=url))
    assert (ended.ok, ended.attempts, len(hook.got)) == (True, 3, 3)


def test_a_server_that_asks_to_wait_is_waited_for(hook: Hooks, url: Secret) -> None:
    hook.replies = [Reply(429, headers={"Retry-After": "1"})]
    assert _sent(SlackChannel(url=url)).ok
    assert hook.got[1].at - hook.got[0].at >= 1.0


def test_a_server_that_asks_for_more_than_there_is_is_not(hook: Hooks, url: Secret) -> None:
    hook.always = Reply(429, headers={"Retry-After": "3600"})
    ended = _sent(SlackChannel(url=url, timeout=30))
    assert (ended.ok, ended.attempts, ended.error) == (False, 1, "HTTP 429: ok")
    assert ended.seconds < 25


def test_a_refusal_is_final_and_told_in_the_servers_words(hook: Hooks, url: Secret) -> None:
    hook.always = Reply(404, f"no_service for /services/{TOKEN}")
    ended = _sent(SlackChannel(url=url))
    assert (ended.attempts, ended.error) == (1, "HTTP 404: no_service for [secret]")


def test_a_redirect_is_not_followed(hook: Hooks, url: Secret) -> None:
    hook.always = Reply(307, headers={"Location": f"{hook.url}/elsewhere"})
    ended = _sent(SlackChannel(url=url))
    assert (ended.ok, len(hook.got)) == (False, 1)


def test_a_server_that_hangs_costs_its_time_out_and_is_not_asked_twice(
    hook: Hooks, url: Secret
) -> None:
    hook.always = Reply(hang=60)
    ended = _sent(SlackChannel(url=url, timeout=1))
    assert (ended.error, ended.attempts) == ("no answer in 1 s", 1)
    assert ended.seconds < 20


def test_a_server_that_trickles_costs_no_more(hook: Hooks, url: Secret) -> None:
    hook.always = Reply(500, "x" * 300, drip=0.3)  # each byte within the time-out of a read
    begun = time.monotonic()
    ended = _sent(SlackChannel(url=url, timeout=1))
    assert not ended.ok
    assert time.monotonic() - begun < 30  # of 90 s that it would take


def test_nobody_there_is_said_without_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", f"http://127.0.0.1:1/services/{TOKEN}")
    ended = _sent(SlackChannel(url=Secret(env="HOOK_URL"), timeout=4))
    assert ended.error == "no connection: Connection refused"
    assert ended.attempts > 1


def test_a_certificate_is_verified_by_the_authorities_that_are_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hooks(certificate) as server:
        monkeypatch.setenv("HOOK_URL", f"{server.url}/{TOKEN}")
        channel = SlackChannel(url=Secret(env="HOOK_URL"))
        assert "TLS: [SSL: CERTIFICATE_VERIFY_FAILED]" in _sent(channel).error
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert _sent(channel).ok


def test_what_is_no_url_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (
        TOKEN,
        f"ftp://h/{TOKEN}",
        "http://",
        f"http://h:port/{TOKEN}",
        f"http://h/a {TOKEN}",
    ):
        monkeypatch.setenv("HOOK_URL", value)
        with pytest.raises(UsageError, match=r"^what is in HOOK_URL is no URL$"):
            made_ready(SlackChannel(url=Secret(env="HOOK_URL")))


def _jira(hook: Hooks, token: Secret, **changes: Any) -> JiraChannel:
    hook.always = Reply(201, '{"id": "1", "key": "SRE-7", "self": "http://h/1"}')
    return JiraChannel(url=hook.url, token=token, project="SRE", **changes)


def test_an_issue_is_made_in_jira(hook: Hooks, token: Secret) -> None:
    ended = _sent(_jira(hook, token, labels=("chaosmem", "memory")))
    assert (ended.ok, ended.detail) == (True, "SRE-7")
    (got,) = hook.got
    fields = got.json["fields"]
    assert got.path == "/rest/api/2/issue"
    assert (fields["project"], fields["issuetype"]) == ({"key": "SRE"}, {"name": "Bug"})
    assert fields["summary"].startswith("chaosmem: TEST cart")
    assert fields["labels"] == ["chaosmem", "memory"]
    assert "sent from" in fields["description"]
    assert got.headers["authorization"] == f"Bearer {TOKEN}"


def test_jira_cloud_gets_user_and_token(hook: Hooks, token: Secret) -> None:
    assert _sent(_jira(hook, token, user="me@example.com")).ok
    assert hook.got[0].headers["authorization"].startswith("Basic ")


def test_jira_s_refusal_is_told_and_its_time_of_trouble_waited_out(
    hook: Hooks, token: Secret
) -> None:
    channel = _jira(hook, token)
    hook.replies = [Reply(503), Reply(400, '{"errorMessages": ["valid project is required"]}')]
    ended = _sent(channel)
    assert (ended.attempts, "valid project is required" in ended.error) == (2, True)


def test_a_page_that_is_no_jira_is_told(hook: Hooks, token: Secret) -> None:
    channel = _jira(hook, token)
    hook.always = Reply(200, "<html>")
    assert "is this Jira's base URL?" in _sent(channel).error


def test_jira_that_hangs_costs_its_time_out(hook: Hooks, token: Secret) -> None:
    channel = _jira(hook, token, timeout=1)
    hook.always = Reply(hang=60)
    assert _sent(channel).seconds < 20


def _mail(server: Mails, **changes: Any) -> EmailChannel:
    fields = {
        "server": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "chaosmem@example.com",
        "to": ("a@example.com", "b@example.com"),
    }
    return EmailChannel.model_validate(fields | changes, by_name=True)


def test_each_receiver_gets_a_mail(post_office: Mails) -> None:
    ended = _sent(_mail(post_office))
    assert ended.ok, ended.error
    assert {tuple(e.rcpt_tos) for e in post_office.got} == {("a@example.com",), ("b@example.com",)}
    message = email.message_from_bytes(post_office.got[0].content)
    assert message["Subject"] == "chaosmem: TEST cart"
    assert message["From"] == "chaosmem <chaosmem@example.com>"
    assert "this is a test" in message.get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_a_busy_mail_server_is_tried_again(post_office: Mails) -> None:
    post_office.replies = ["451 come again"]
    ended = _sent(_mail(post_office, to=("a@example.com",)))
    assert (ended.ok, ended.attempts, len(post_office.got)) == (True, 2, 1)


def test_a_mail_server_that_refuses_is_told_in_its_words(post_office: Mails) -> None:
    post_office.replies = ["554 not you"]
    ended = _sent(_mail(post_office, to=("a@example.com",)))
    assert (ended.ok, ended.attempts) == (False, 1)
    assert "not you" in ended.error


def test_a_password_goes_through_starttls_only(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2-of-tests")
    login = {"security": "starttls", "user": "me", "password": {"env": "SMTP_PASSWORD"}}
    with mails(certificate) as server:
        ended = _sent(_mail(server, **login))
        assert ended.ok, ended.error
        assert server.logins == [b"hunter2-of-tests"]
        assert len(server.got) == 2


def test_a_wrong_password_is_told_and_not_repeated(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("SMTP_PASSWORD", TOKEN)
    login = {"security": "starttls", "user": "me", "password": {"env": "SMTP_PASSWORD"}}
    with mails(certificate) as server:
        ended = _sent(_mail(server, **login))
    assert not ended.ok
    assert "535" in ended.error


def test_no_mail_server_is_told() -> None:
    ended = _sent(_mail(Mails(port=1)))
    assert "Connection refused" in ended.error


def test_any_service_of_apprise_can_be_named_by_its_url(
    hook: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRISE_URL", hook.url.replace("http", "json") + f"/{TOKEN}")
    assert _sent(AppriseChannel(url=Secret(env="APPRISE_URL"))).ok
    assert hook.got[0].json["title"] == "chaosmem: TEST cart"
    hook.always = Reply(404)
    assert "404" in _sent(AppriseChannel(url=Secret(env="APPRISE_URL"))).error


def test_a_service_that_apprise_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRISE_URL", f"nosuch://{TOKEN}")
    with pytest.raises(UsageError, match=r"^Apprise knows no such service$"):
        made_ready(AppriseChannel(url=Secret(env="APPRISE_URL")))


def test_a_slow_channel_holds_up_no_other(hook: Hooks, url: Secret, post_office: Mails) -> None:
    hook.always = Reply(hang=60)
    slow = [made_ready(SlackChannel(url=url, timeout=4)) for _ in range(5)]
    begun = time.monotonic()
    sender = Dispatcher([*slow, made_ready(_mail(post_office, timeout=30))], lambda _: None)
    sender.send(NOTE)
    ended = sender.finish()
    assert [e.ok for e in ended] == [False] * 5 + [True]
    assert time.monotonic() - begun < 15, "20 s, were they one after the other"


def test_two_mails_at_once_are_told_apart(post_office: Mails) -> None:
    """Apprise says why only in its log, which all threads share."""
    sender = Dispatcher(
        [made_ready(_mail(Mails(port=1), timeout=30)), made_ready(_mail(post_office, timeout=30))],
        lambda _: None,
    )
    for _ in range(5):
        sender.send(NOTE)
    ended = sender.finish()
    assert [e.ok for e in ended] == [False, True] * 5
    assert all("Connection refused" in e.error for e in ended if not e.ok)


@pytest.mark.parametrize("missing", ["apprise", "jira"])
def test_a_library_that_is_not_installed_is_named_with_what_installs_it(
    missing: str, token: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    channel: AnyChannel = (
        _mail(Mails(port=25))
        if missing == "apprise"
        else JiraChannel(url="http://127.0.0.1", token=token, project="P")
    )
    with pytest.raises(UsageError, match=f"the library {missing}") as caught:
        made_ready(channel)
    assert caught.value.hint == "pip install 'chaosmem[notify]'"


def test_what_a_library_logs_is_not_printed(
    post_office: Mails, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _sent(_mail(post_office)).ok
    assert not _sent(_mail(Mails(port=1))).ok
    assert capfd.readouterr() == ("", "")
