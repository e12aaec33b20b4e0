"""Requests through somebody who authorizes us: their headers, and never the pod's token as ours."""

from __future__ import annotations

from chaosmem.drivers.http import Through


def test_the_requests_own_authorization_is_left_out() -> None:
    through = Through({"authorization": "Bearer of-the-cluster"})
    sent = through.merged(
        {"Authorization": "Bearer of-the-agent", "Chaosmem-Token": "of-the-agent"}
    )
    assert sent == {"Chaosmem-Token": "of-the-agent", "authorization": "Bearer of-the-cluster"}


def test_without_a_token_of_the_cluster_the_agents_is_not_shown_to_it() -> None:
    assert Through({}).merged({"Authorization": "Bearer of-the-agent"}) == {}


def test_no_token_is_in_its_words() -> None:
    assert "of-the-cluster" not in repr(Through({"authorization": "Bearer of-the-cluster"}))
