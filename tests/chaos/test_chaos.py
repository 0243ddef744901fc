"""A short run of `python -m tests.chaos`: counts, and never times."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NOTHING = (
    "acknowledged and lost",
    "doubled at a vendor that does not de-duplicate",
    "both sides differ, and no conflict says why",
    "rules of our own broken",
    "given up (dead letters, dead callbacks)",
)


def test_nothing_is_lost_or_doubled_while_workers_broker_and_vendor_fail(tmp_path):
    report = tmp_path / "report.md"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos", "--short", "--seed", "4"),
            *("--events", "100", "--calm", "2", "--seconds", "20", "--outage", "3"),
            *("--drained-within", "0", "--report", str(report)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    said = report.read_text()
    for name in NOTHING:
        assert f"| {name} | **0** |" in said
    assert "| kill -9 worker + caller | 1 |" in said
    assert "| kill -9 valkey and emptied | 1 |" in said
