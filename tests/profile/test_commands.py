"""`chaosmem profile ...` and where it reads from."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaosmem.cli.profile import app
from chaosmem.drivers.profile_source import fetch, open_sources
from chaosmem.errors import FormatError, ProbeFailed, UsageError

from .builder import simple

RUNNER = CliRunner(env={"TZ": "UTC"})


def output(*arguments: str | Path, stdin: bytes | None = None) -> str:
    done = RUNNER.invoke(app, [str(a) for a in arguments], input=stdin)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["top"], ["-top"]),
        (["top", "-n", "3", "--cum"], ["-top", "-nodecount=3", "-cum"]),
        (["top", "--sample_index", "alloc_space"], ["-top", "-sample_index=alloc_space"]),
        (["top", "--granularity", "lines", "--no-trim"], ["-top", "-lines", "-trim=false"]),
        (["tree", "--focus", "Retain"], ["-tree", "-focus=Retain"]),
        (["peek", "Retain"], ["-peek=Retain"]),
        (["traces", "--tagfocus", "64kb:"], ["-traces", "-tagfocus=64kb:"]),
    ],
    ids=str,
)
def test_a_command_prints_what_the_tool_prints(
    captures: Path, pprof: Callable[..., str], ours: list[str], theirs: list[str]
) -> None:
    path = captures / "after.heap.pb.gz"
    assert output(*ours, path) == pprof(*theirs, path)


def test_a_base_is_subtracted(captures: Path, pprof: Callable[..., str]) -> None:
    base, after = captures / "base.heap.pb.gz", captures / "after.heap.pb.gz"
    assert output("top", "--diff_base", base, after) == pprof("-top", f"-diff_base={base}", after)


def test_several_files_are_added_up(captures: Path, pprof: Callable[..., str]) -> None:
    both = captures / "base.mutex.pb.gz", captures / "after.mutex.pb.gz"
    assert output("top", *both) == pprof("-top", *both)


def test_standard_input_is_read(captures: Path, pprof: Callable[..., str]) -> None:
    path = captures / "cpu.pb.gz"
    assert output("top", "-", stdin=path.read_bytes()) == pprof("-top", path)


def test_a_directory_is_reported_file_by_file(tmp_path: Path) -> None:
    for name in ("b.pb", "a.pb.gz", "notes.md"):
        data = simple().bytes()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    heads = [line for line in output("top", tmp_path).splitlines() if line.startswith("==>")]
    assert heads == [f"==> {tmp_path / 'a.pb.gz'} <==", f"==> {tmp_path / 'b.pb'} <=="]


def test_diff_shows_the_injection_point_with_its_error(captures: Path) -> None:
    text = output(
        "diff",
        captures / "base.heap.pb.gz",
        captures / "after.heap.pb.gz",
        "--match",
        "main.Retain",
    )
    assert "Error: 95 % interval of a heap sampled every 4kB" in text
    assert "main.Retain < main.main" in text
    assert text.rstrip().endswith("; ranks 1")


def test_labels_are_summed(captures: Path) -> None:
    assert "acme" in output("labels", "tenant", captures / "cpu.pb.gz")


def test_list_shows_the_source(captures: Path) -> None:
    here = Path(__file__).parent / "goprofiles"
    text = output(
        "list", "Retain", captures / "after.heap.pb.gz", "--source-path", here,
        "--trim-path", "example.com/goprofiles/v2",
    )  # fmt: skip
    assert "retained = append(retained, make([]byte, 64<<10))" in text


@pytest.mark.parametrize("command", ["folded", "speedscope"])
def test_other_viewers_get_their_formats(captures: Path, command: str) -> None:
    assert "main.Retain" in output(command, captures / "after.heap.pb.gz")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["top", "nowhere.pb.gz"], UsageError, "cannot read nowhere.pb.gz: No such file"),
        (["top", "--granularity", "lines", __file__], FormatError, "test_commands.py: "),
        (["top", "--normalize", "x"], UsageError, "needs a base"),
        (["top", "--base", "x", "--diff-base", "y", "z"], UsageError, "cannot both"),
        (["top", str(Path(__file__).parent / "goprofiles")], UsageError, "no captures"),
    ],
)
def test_mistakes_are_told_in_words(
    arguments: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        output(*arguments)


class _Endpoint(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        body = simple().bytes() if "heap" in self.path else b"no such profile"
        self.send_response(200 if "heap" in self.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[str]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", server.asked  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_without_a_path_means_the_heap(endpoint: tuple[str, list[str]]) -> None:
    address, asked = endpoint
    assert "main.leaf" in output("top", address)
    assert asked == ["/debug/pprof/heap"]


def test_seconds_are_asked_of_the_endpoint(endpoint: tuple[str, list[str]]) -> None:
    address, asked = endpoint
    fetch(f"{address}/debug/pprof/heap?gc=1&seconds=1", seconds=3)
    assert asked == ["/debug/pprof/heap?gc=1&seconds=3"]


def test_an_endpoints_refusal_is_told(endpoint: tuple[str, list[str]]) -> None:
    with pytest.raises(ProbeFailed, match="answered 404: no such profile"):
        fetch(f"{endpoint[0]}/debug/pprof/nonsense")


def test_an_endpoint_cannot_send_us_to_a_file(endpoint: tuple[str, list[str]]) -> None:
    with pytest.raises(ProbeFailed):
        fetch(f"{endpoint[0]}/moved")


def test_an_endpoint_that_sends_too_much_is_cut(endpoint: tuple[str, list[str]]) -> None:
    with pytest.raises(ProbeFailed, match="more than 10 bytes"):
        fetch(f"{endpoint[0]}/heap", max_bytes=10)


def test_an_endpoint_that_is_not_there_is_told() -> None:
    with pytest.raises(ProbeFailed, match="cannot fetch"):
        fetch("http://127.0.0.1:9/heap", timeout=2)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.pb").write_bytes(bytes(100))
    with pytest.raises(UsageError, match="more than 50 bytes"):
        list(open_sources(str(tmp_path / "big.pb"), max_bytes=50))
