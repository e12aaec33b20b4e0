"""`python -m tests.cluster COMMAND`: the test cluster by hand."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from tests.cluster import build, lifecycle, netns
from tests.cluster.images import catalogue
from tests.cluster.instance import Instance, existing
from tests.cluster.shell import ClusterProblem


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")


def _up(args: argparse.Namespace) -> int:
    began = time.monotonic()
    booted = lifecycle.up(Instance(args.name))
    did = f"booted in {time.monotonic() - began:.1f} s" if booted else "was up already"
    _note(f"cluster {args.name!r} {did}")
    catalogue.bring(Instance(args.name))
    return _kubeconfig(args)


def _down(args: argparse.Namespace) -> int:
    for instance in existing() if args.all else [Instance(args.name)]:
        lifecycle.down(instance)
    return 0


def _status(args: argparse.Namespace) -> int:
    instance = Instance(args.name)
    status = lifecycle.status(instance)
    for name, runs in status.components.items():
        _say(f"{name:25} {'runs' if runs else 'does not run'}")
    _say(f"{'node':25} {'ready' if status.ready else 'not ready'}")
    _say(f"{len(status.left)} things of it on this machine")
    return 0 if status.ready else 1


def _build(_: argparse.Namespace) -> int:
    _say(str(build.kube()))
    return 0


def _images(args: argparse.Namespace) -> int:
    new = catalogue.bring(Instance(args.name), args.images)
    _say(f"imported {', '.join(new)}" if new else "nothing changed")
    return 0


def _kubeconfig(args: argparse.Namespace) -> int:
    instance = Instance(args.name)
    instance.addresses()
    _say(f"export KUBECONFIG={instance.kubeconfig}")
    return 0


def _exec(args: argparse.Namespace) -> int:
    argv = [*netns.entry(Instance(args.name)), *(_words(args) or ["bash"])]
    os.execvp(argv[0], argv)  # noqa: S606  the words are the person's own


def _kubectl(args: argparse.Namespace) -> int:
    instance = Instance(args.name)
    argv = [str(build.kube()), "kubectl", f"--kubeconfig={instance.kubeconfig}"]
    argv += ["--cache-dir", str(build.cache() / "kubectl"), *_words(args)]
    os.execv(argv[0], argv)  # noqa: S606


def _words(args: argparse.Namespace) -> list[str]:
    return list(args.argv[1:] if args.argv[:1] == ["--"] else args.argv)


_COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "up": (_up, "boot it, unless it is up"),
    "down": (_down, "remove everything of it, in whatever state it is"),
    "status": (_status, "what runs"),
    "build": (_build, "build Kubernetes; once, about 5 minutes"),
    "images": (_images, "build and import the images that changed"),
    "kubeconfig": (_kubeconfig, "print the line that sets KUBECONFIG"),
    "kubectl": (_kubectl, "kubectl as the administrator"),
    "exec": (_exec, "run a program, or a shell, on the node"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 1 with a message when it fails."""
    args = _parser().parse_args(words)
    try:
        return int(_COMMANDS[args.command][0](args))
    except ClusterProblem as err:
        _note(f"tests.cluster: {err}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="dev", help="which cluster (default: dev)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, what) in _COMMANDS.items():
        command = commands.add_parser(name, help=what, parents=[named])
        if name == "down":
            command.add_argument("--all", action="store_true", help="all clusters there are")
        if name == "images":
            command.add_argument("images", nargs="*", choices=[*catalogue.ALL, []])
        if name in {"kubectl", "exec"}:
            command.add_argument("argv", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
