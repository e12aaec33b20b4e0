"""What ships inside the package is what it says it is."""

from __future__ import annotations

import hashlib

import pytest

from chaosmem.report.document import asset

UPLOT = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


@pytest.mark.parametrize("name", UPLOT)
def test_uplot_is_the_unmodified_file_of_its_npm_package(name: str) -> None:
    text = asset(f"vendor/uplot/{name}")
    assert hashlib.sha256(text.encode()).hexdigest() == UPLOT[name]


def test_uplot_is_version_1_6_32_under_the_mit_licence() -> None:
    assert "(v1.6.32)" in asset("vendor/uplot/uPlot.iife.min.js").splitlines()[0]
    assert asset("vendor/uplot/LICENSE").startswith("The MIT License (MIT)")


OWN_SCRIPTS = [
    "bands.js",
    "charts.js",
    "evidence.js",
    "flame.js",
    "flamepart.js",
    "format.js",
    "head.js",
    "marks.js",
    "page.js",
    "profile.js",
    "theme.js",
]


@pytest.mark.parametrize("name", OWN_SCRIPTS)
def test_our_scripts_are_short_enough_to_read(name: str) -> None:
    lines = asset(name).splitlines()
    assert len(lines) < 250
    assert max(map(len, lines)) <= 120
    assert "innerHTML" not in asset(name)
