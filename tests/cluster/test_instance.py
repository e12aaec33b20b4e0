"""What follows from a cluster's name never meets another cluster or a network of the host."""

from __future__ import annotations

import itertools

import pytest

from tests.cluster.instance import SLOTS, Addresses, Instance
from tests.cluster.shell import ClusterProblem


@pytest.mark.parametrize("name", ["", "Dev", "a/b", "..", "-x", "x" * 32])
def test_a_name_that_could_leave_its_place_is_refused(name: str) -> None:
    with pytest.raises(ClusterProblem, match="is no name"):
        Instance(name)


def test_a_link_fits_into_what_the_kernel_allows_for_the_longest_name() -> None:
    assert len(Instance("x" * 31).link) <= 15
    assert Instance("x" * 31).link != Instance("x" * 30).link


def test_no_two_slots_share_an_address() -> None:
    for one, two in itertools.permutations(map(Addresses, range(SLOTS)), 2):
        for network in (f"{two.host}/30", two.pods, two.services):
            assert not one.overlaps(network)


@pytest.mark.parametrize(
    ("route", "overlaps"),
    [
        ("10.0.0.0/8", True),
        ("10.200.0.7", True),
        ("172.31.240.0/30", True),
        ("172.31.240.4/30", False),
        ("192.168.0.0/16", False),
    ],
)
def test_a_route_of_the_host_overlaps_a_slot_where_they_share_an_address(
    route: str, overlaps: bool
) -> None:
    assert Addresses(0).overlaps(route) is overlaps


def test_a_cluster_that_is_not_up_says_how_to_boot_it() -> None:
    with pytest.raises(ClusterProblem, match="up --name nowhere"):
        Instance("nowhere").addresses()
