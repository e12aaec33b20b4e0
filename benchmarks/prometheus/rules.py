"""How often each rule of manifests/prometheus/rules.yaml tells the truth, on real Go programs.

python -m benchmarks.prometheus.rules [--repeats 5] [--write docs/prometheus-rules.md]

The corpus's programs, whose defects are known, run the corpus's experiment while a real Prometheus
scrapes them and evaluates the rules. Everything that has a length in the rules (`for`, `offset`,
ranges) is shorter by SCALE, and so are scraping and evaluation: half an hour is half a minute.
Thresholds (100 goroutines, 64 MiB, 2 collections a second) are as they are.

The programs are built with an overlay that serves client_golang's metrics on a port of its own and
forces a collection every scaled two minutes, as the runtime does; their sources do not change.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import binomtest

from chaosmem.drivers import gotool, process
from tests.corpus.conftest import SPEC

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus"
OVERLAY = Path(__file__).parent / "overlay"
SCALE = 60
SCRAPE, EVALUATE = "500ms", "1s"
"""30 s and 1 min, scaled."""
PHASES = {"warmup": "0s", "baseline": "62s", "inject": "1500ms", "hold": "3s", "recover": "122s"}
"""An hour and two minutes before the faults (GoHeapLeak looks so far back), two hours after."""
LONGER = {"limiter-thrash": {"hold": "15s"}}
"""Its defect lasts as long as its cache is filled: a quarter of an hour."""
LEAST = 120.0
"""A program that was scraped for less (it died, or was never reached) says nothing of a rule."""
TRUTH = {
    "GoGoroutineLeak": {"goroutine-leak"},
    "GoHeapLeak": {"retained-heap", "background-leak"},
    "GoGCStorm": {"limiter-thrash"},
    "GoHeapFragmentation": {"fragments"},
    "GoMemoryNearLimit": {"limiter-thrash"},
}
FROM_THE_START = {"background-leak"}
"""Wrong before the faults, too."""
BEGIN = "<!-- written by python -m benchmarks.prometheus.rules -->"
END = "<!-- end of what is written -->"


@dataclasses.dataclass(frozen=True)
class Subject:
    """One program in one repetition, and what was seen of it."""

    program: str
    port: int
    scraped: float = 0.0
    acted: float = 0.0
    fired: dict[str, list[float]] = dataclasses.field(default_factory=dict)


def build(out: Path) -> list[str]:
    """Build every program with the overlay; their names."""
    places = {
        CORPUS / "internal" / "harness" / "rules_exported.go": OVERLAY / "exported.go",
        CORPUS / "fragments" / "main.go": OVERLAY / "fragments.go",
    }
    overlay = out / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {str(k): str(v) for k, v in places.items()}}))
    names = [*sorted(p.parent.name for p in CORPUS.glob("*/main.go")), "fragments"]
    subprocess.run(
        [
            gotool.find().program,
            "build",
            f"-overlay={overlay}",
            "-buildvcs=false",
            "-o",
            f"{out}/",
            *(f"./{name}" for name in names),
        ],
        cwd=CORPUS,
        check=True,
        env=os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local"},
    )
    return names


def scaled(text: str) -> str:
    """Durations of a rule, shorter by SCALE."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

    def one(match: re.Match[str]) -> str:
        return f"{round(float(match[1]) * units[match[2]] / SCALE * 1000)}ms"

    return re.sub(r"\b(\d+)([smhd])\b", one, text)


def rules() -> dict[str, Any]:
    """The rules of the manifest, scaled."""
    loaded = yaml.safe_load((ROOT / "manifests" / "prometheus" / "rules.yaml").read_text("utf-8"))
    for group in loaded["groups"]:
        group["interval"] = EVALUATE
        for rule in group["rules"]:
            rule["expr"] = scaled(rule["expr"])
            rule["for"] = scaled(rule["for"])
    return dict(loaded)


def configured(base: Path, subjects: list[Subject]) -> Path:
    """Prometheus's configuration."""
    jobs = [
        {"targets": [f"127.0.0.1:{s.port}"], "labels": {"program": s.program}} for s in subjects
    ]
    config = {
        "global": {
            "scrape_interval": SCRAPE,
            "scrape_timeout": SCRAPE,
            "evaluation_interval": EVALUATE,
        },
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "corpus", "static_configs": jobs}],
    }
    (base / "rules.yaml").write_text(yaml.safe_dump(rules()))
    (base / "prometheus.yml").write_text(yaml.safe_dump(config))
    return base / "prometheus.yml"


def spec(subject: Subject, programs: Path, base: Path) -> Path:
    """The corpus's experiment on that program, longer."""
    phases = PHASES | LONGER.get(subject.program, {})
    text = SPEC.format(
        program=subject.program,
        binary=json.dumps(str(programs / subject.program)),
        env=json.dumps({"RULES_METRICS_ADDR": f"127.0.0.1:{subject.port}"}),
        phases=json.dumps(phases),
        count=100 if subject.program == "noisy-baseline" else 500,
        ready="/healthz",
        within="15s",
    )
    path = base / f"{subject.program}.yaml"
    path.write_text(text + "sampling: {rate: 2/s}\n")
    return path


def experiment(subject: Subject, programs: Path, base: Path, after: float) -> Subject:
    """Run it; when the first fault acted, Unix time (0: never)."""
    time.sleep(after)
    named = spec(subject, programs, base)
    command = [sys.executable, "-m", "chaosmem", "run", str(named), "--progress", "none"]
    subprocess.run(
        [*command, "--runs-dir", str(base / "runs")],
        capture_output=True,
        timeout=600,
        check=False,
    )
    return dataclasses.replace(subject, acted=acted(base / "runs" / subject.program))


def acted(runs: Path) -> float:
    """When the first fault of the newest run acted, Unix time; 0: never."""
    journal = max(runs.glob("2*")) / "journal.jsonl"
    entries = [json.loads(line.partition(" ")[2]) for line in journal.read_text().splitlines()]
    zero = next(e["wall"] for e in entries if e["event"] == "run.started")
    at = [e["at"] for e in entries if e["event"] == "fault.applied"]
    stamp = time.mktime(time.strptime(zero[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return stamp + min(at) if at else 0.0


def ask(server: str, query: str, at: float) -> list[dict[str, Any]]:
    """The raw samples of a range selector."""
    where = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{server}/api/v1/query?{where}", timeout=30) as answer:  # noqa: S310
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


def seen(server: str, subjects: list[Subject], begun: float) -> Iterator[Subject]:
    """What Prometheus has of each: how long it was scraped, and when which alert fired."""
    end = time.time()
    window = f"[{int(end - begun) + 1}s]"
    for subject in subjects:
        label = f'program="{subject.program}"'
        up = [
            float(t)
            for s in ask(server, f"go_goroutines{{{label}}}{window}", end)
            for t, _ in s["values"]
        ]
        alerts = ask(server, f'ALERTS{{{label},alertstate="firing"}}{window}', end)
        fired: dict[str, list[float]] = {}
        for series in alerts:
            times = [float(t) for t, _ in series["values"]]
            fired.setdefault(series["metric"]["alertname"], []).extend(times)
        yield dataclasses.replace(subject, scraped=max(up) - min(up) if up else 0.0, fired=fired)


def repetition(programs: Path, names: list[str], base: Path) -> list[Subject]:
    """All programs once, side by side."""
    subjects = [Subject(name, process.free_port()) for name in names]
    address = f"127.0.0.1:{process.free_port()}"
    config = configured(base, subjects)
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--web.listen-address={address}",
            f"--storage.tsdb.path={base}/data",
        ],
        stderr=subprocess.DEVNULL,
    )
    begun = time.time()
    try:
        with ThreadPoolExecutor(len(subjects)) as pool:
            running = [
                pool.submit(experiment, s, programs, base, 1.5 * i) for i, s in enumerate(subjects)
            ]
            done = [r.result() for r in running]
        return list(seen(f"http://{address}", done, begun))
    finally:
        server.kill()
        server.wait()


@dataclasses.dataclass(frozen=True)
class Score:
    """How a rule did."""

    rule: str
    wrong: int
    detected: int
    right: int
    false: int
    after: list[float]
    """Scaled minutes from the fault to the first firing, of the detected."""
    falsely: list[str]


def told(subject: Subject, rule: str) -> bool:
    """Whether the rule fired on what is wrong with the program: not before it was."""
    times = subject.fired.get(rule, [])
    return any(t >= subject.acted for t in times) or (
        bool(times) and subject.program in FROM_THE_START
    )


def score(rule: str, subjects: list[Subject]) -> Score:
    """Count."""
    judged = [s for s in subjects if s.scraped >= LEAST]
    shown = [s for s in judged if s.acted or s.program in FROM_THE_START]
    wrong = [s for s in shown if s.program in TRUTH[rule]]
    right = [s for s in judged if s.program not in TRUTH[rule]]
    detected = [s for s in wrong if told(s, rule)]
    false = [s for s in right if s.fired.get(rule)]
    after = [
        (min(t for t in s.fired[rule] if t >= s.acted) - s.acted) * SCALE / 60
        for s in detected
        if s.program not in FROM_THE_START
    ]
    return Score(
        rule,
        len(wrong),
        len(detected),
        len(right),
        len(false),
        sorted(after),
        sorted({s.program for s in false}),
    )


def share(count: int, of: int) -> str:
    """`9 of 10 (60 to 98 %)`: Wilson's 95 % interval."""
    if not of:
        return "none to detect"
    interval = binomtest(count, of).proportion_ci(0.95, "wilson")
    return f"{count} of {of} ({interval.low:.0%} to {interval.high:.0%})".replace("%)", " %)")


def date() -> str:
    """Today's."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def table(subjects: list[Subject], repeats: int) -> str:
    """Markdown."""
    scores = [score(rule, subjects) for rule in TRUTH]
    short = sorted({s.program for s in subjects if s.scraped < LEAST})
    idle = sum(s.scraped >= LEAST and not s.acted for s in subjects)
    programs = len({s.program for s in subjects})
    machine = f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}"
    lines = [
        f"{repeats} repetitions of {programs} programs at scale {SCALE}, {date()}, {machine}.",
        "In brackets Wilson's 95 % interval; times are scaled back.",
        "",
        "| rule | wrong programs | detected | first alert, median | false alarms | by |",
        "|---|---|---|---|---|---|",
    ]
    for s in scores:
        median = f"{s.after[len(s.after) // 2]:.0f} min" if s.after else ""
        lines.append(
            f"| {s.rule} | {', '.join(sorted(TRUTH[s.rule]))} | {share(s.detected, s.wrong)} | "
            f"{median} | {share(s.false, s.right)} | {', '.join(s.falsely)} |"
        )
    none = f"In {idle} of {len(subjects)} runs no fault acted: there, nothing was to be detected."
    less = f"Not judged, scraped for less than {LEAST:.0f} s: {', '.join(short) or 'none'}."
    lines += ["", f"{less} {none}"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="these programs alone")
    parser.add_argument("--keep", type=Path, help="JSON file for what was seen of each program")
    parser.add_argument("--write", type=Path, help="document whose table is written anew")
    wish = parser.parse_args()
    subjects: list[Subject] = []
    base = Path(tempfile.mkdtemp(prefix="rules-"))
    try:
        names = build(base)
        for i in range(wish.repeats):
            place = base / str(i)
            place.mkdir()
            subjects += repetition(base, wish.only or names, place)
            shutil.rmtree(place / "data", ignore_errors=True)
            if wish.keep:
                wish.keep.write_text(json.dumps([dataclasses.asdict(s) for s in subjects]))
            print(table(subjects, i + 1), flush=True)
            if wish.write:
                write(wish.write, table(subjects, i + 1))
    finally:
        shutil.rmtree(base, ignore_errors=True)


def write(document: Path, made: str) -> None:
    """Replace what is between the marks."""
    before, _, rest = document.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
