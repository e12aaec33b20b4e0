"""node_exporter's collector never sees half a file, and may read every one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chaosmem.errors import UsageError
from chaosmem.export import textfile

PAGE = b"x 1\n" * 50_000


def test_the_file_is_replaced_and_everybody_may_read_it(tmp_path: Path) -> None:
    place = tmp_path / "chaosmem.prom"
    place.write_bytes(b"old\n")
    old = os.umask(0o077)
    try:
        textfile.replace(place, PAGE)
    finally:
        os.umask(old)
    assert place.read_bytes() == PAGE
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [place]


def test_a_reader_sees_a_whole_file_while_two_write(tmp_path: Path) -> None:
    place = tmp_path / "chaosmem.prom"
    pages = (PAGE, b"y 2\n" * 50_000)
    textfile.replace(place, pages[0])

    def write(page: bytes) -> None:
        for _ in range(30):
            textfile.replace(place, page)

    writers = [threading.Thread(target=write, args=(page,)) for page in pages]
    for writer in writers:
        writer.start()
    seen = [place.read_bytes()]
    while any(writer.is_alive() for writer in writers):
        seen.append(place.read_bytes())
    assert [data for data in seen if data not in pages] == []


def test_what_a_killed_writer_leaves_is_no_prom_file_and_the_old_one_stands(
    tmp_path: Path,
) -> None:
    place = tmp_path / "chaosmem.prom"
    place.write_bytes(b"old\n")
    code = (
        "import os, signal, sys; from pathlib import Path; from chaosmem.export import textfile\n"
        "os.fdatasync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "textfile.replace(Path(sys.argv[1]), b'new\\n' * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place)], check=False, timeout=60)
    assert done.returncode == -9
    assert place.read_bytes() == b"old\n"
    assert list(tmp_path.glob("*.prom")) == [place]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*no/chaosmem.prom: No such file"):
        textfile.replace(tmp_path / "no" / "chaosmem.prom", b"")


def test_a_directory_in_its_place_is_told_and_no_part_is_left(tmp_path: Path) -> None:
    place = tmp_path / "chaosmem.prom"
    place.mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        textfile.replace(place, b"")
    assert list(tmp_path.iterdir()) == [place]
