"""The table of what others reported names tests that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "rivals.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE.read_text())))
ISSUES = {
    "calcom/cal.com": {13397, 29958, 29532, 30021, 5277, 21103, 17868},
    "alextselegidis/easyappointments": {31, 845, 1783, 902},
}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_each_test_that_the_table_names_is_there(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert name in there


@pytest.mark.parametrize("project", ISSUES)
def test_each_issue_has_its_row(project: str) -> None:
    links = re.findall(rf"github\.com/{project}/issues/(\d+)\)", TABLE.read_text())

    assert set(map(int, links)) == ISSUES[project]
