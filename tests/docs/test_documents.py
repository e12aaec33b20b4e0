"""The documents are true: they build without a warning, their specs load, their commands exist."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from chaosmem import spec
from chaosmem.cli import (
    baselines,
    campaign_commands,
    history,
    profile,
    profile_pages,
    profile_text,
)
from chaosmem.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])
IDS = [p.relative_to(ROOT).as_posix() for p in PAGES]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PLACEHOLDERS = ("...", "[", "|", "<", "{")


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, text in _FENCE.findall(page.read_text()):
        if language in languages:
            yield text


def commands(page: Path) -> list[list[str]]:
    """Every whole `chaosmem ...` line that a page shows, without its comment."""
    indented = re.findall(r"^    (chaosmem .*)$", page.read_text(), re.MULTILINE)
    fenced = [line for text in blocks(page, "console", "sh", "bash") for line in text.splitlines()]
    lines = [line.strip() for line in (*indented, *fenced) if line.strip().startswith("chaosmem ")]
    whole = [re.split(r"\s+#|\s+[>&;]", line)[0] for line in lines]
    return [shlex.split(w)[1:] for w in whole if not any(p in w for p in _PLACEHOLDERS)]


def parse(command: Any, name: str, args: list[str]) -> str:
    """What the command line says against these arguments, calling nothing; empty: they are right.

    typer brings its own click, so what it raises and is made of is known by what it can do.
    """
    try:
        context = command.make_context(name, list(args), resilient_parsing=False)
        if not hasattr(command, "resolve_command"):
            return ""
        rest = [*context._protected_args, *context.args]
        found, inner, left = command.resolve_command(context, rest)
    except Exception as problem:
        if type(problem).__name__ == "Exit":  # --help
            return ""
        if hasattr(problem, "format_message"):
            return str(problem.format_message())
        raise
    return parse(inner, str(found), left)


@pytest.fixture(scope="session")
def command_lines() -> dict[str, Any]:
    """chaosmem's own (""), and those of the commands that only pass on, by name."""
    for more in (profile_text, profile_pages):
        profile.app.registered_commands.extend(more.app.registered_commands)
    apps = {"": app, "profile": profile.app, "history": history.history, "trend": history.trends}
    apps |= {"baseline": baselines.baseline, "campaign": campaign_commands.app}
    return {name: typer.main.get_command(one) for name, one in apps.items()}


WRONG = ["nosuch", "run --nosuch x.yaml", "history nosuch", "run", "profile top --nosuch x"]


@pytest.mark.parametrize("line", WRONG)
def test_a_command_that_is_none_is_noticed(line: str, command_lines: dict[str, Any]) -> None:
    assert said_against(shlex.split(line), command_lines)


def said_against(args: list[str], lines: dict[str, Any]) -> str:
    if args[0] in lines:
        return parse(lines[args[0]], args[0], args[1:])
    return parse(lines[""], "chaosmem", args)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_that_a_page_shows_is_one(page: Path, command_lines: dict[str, Any]) -> None:
    told = {shlex.join(args): said_against(args, command_lines) for args in commands(page)}
    assert {line: said for line, said in told.items() if said} == {}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_whole_spec_that_a_page_shows_is_valid(page: Path) -> None:
    for number, text in enumerate(blocks(page, "yaml")):
        if re.search(r"^kind: Experiment$", text, re.MULTILINE):
            spec.loads(text, name=f"{page.name}:{number}")


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = re.compile(r'(?:src|href)="https?://[^"]+\.(?:css|js|woff2?)"')
    assert not any(loaded.search(p.read_text()) for p in tmp_path.glob("*.html"))


PROMISED = ("README.md", "docs/index.md", "docs/first-experiment.md")
NOT_HERE = {
    "run cart.yaml",  # minutes; the demo below stands for it
    "sweep",
}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_commands_of_the_first_pages_work_one_after_the_other(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    _cart(tmp_path)
    done: set[str] = set()
    lines = ["run experiments/quickstart.yaml"]
    lines += [shlex.join(args) for page in PROMISED for args in commands(ROOT / page)]
    for line in lines:
        if line in done or line in NOT_HERE or "kubernetes" in line:
            continue
        done.add(line)
        if line.startswith("init"):
            (tmp_path / "cart.yaml").unlink()
        ran = subprocess.run(
            [sys.executable, "-m", "chaosmem", *shlex.split(line)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        # On a busy machine the demo's verdict may be INCONCLUSIVE; that is not what is asked here.
        allowed = (0, 3) if line.startswith(("run", "verify")) else (0,)
        assert ran.returncode in allowed, f"chaosmem {line}: {ran.stdout}{ran.stderr}"
        if line.startswith("init"):
            (tmp_path / "cart.yaml").write_text(next(blocks(ROOT / "README.md", "yaml")))
    assert len(done) >= 8


def _cart(place: Path) -> None:
    """A service where the README's spec has its own."""
    module = place / "cart"
    shutil.copytree(ROOT / "chaosmem" / "go", module)
    shutil.copytree(ROOT / "chaosmem" / "go" / "demo", module / "cmd" / "cart")
    spec_text = next(blocks(ROOT / "README.md", "yaml"))
    (place / "cart.yaml").write_text(spec_text)
