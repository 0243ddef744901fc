"""The rules of the house that no linter knows. Each failure names the place."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).parent.parent
APPS = (
    "core",
    "accounts",
    "leads",
    "technicians",
    "appointments",
    "notifications",
    "integrations",
)
OUR_MODELS = [
    model
    for model in apps.get_models()
    if model._meta.app_label in APPS and not model._meta.auto_created
]
Node = TypeVar("Node", ast.FunctionDef, ast.Call, ast.ExceptHandler)
WRITES = {
    "abulk_create",
    "acreate",
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "get_or_create",
    "save",
    "update",
    "update_or_create",
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def sources(*roots: str) -> list[Path]:
    """Return our modules below these folders, without migrations."""
    return sorted(
        path
        for root in roots
        for path in (ROOT / root).rglob("*.py")
        if "migrations" not in path.parts
    )


def code() -> list[Path]:
    return sources("config", *APPS)


def layer(*names: str) -> list[Path]:
    """Return the modules of one layer of every app: `services`, `rules` ..."""
    return [
        path
        for path in code()
        if path.stem in names or path.relative_to(ROOT).parts[1] in names
    ]


def nodes(paths: list[Path], *kinds: type[Node]) -> Iterator[tuple[str, Node]]:
    """Yield every node of these kinds with its place."""
    for path in paths:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, kinds):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def lines_matching(paths: list[Path], pattern: str) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wanted.search(line)
    ]


def test_functions_are_short() -> None:
    long = [
        f"{place} {node.name}: {length} lines"
        for place, node in nodes(code(), ast.FunctionDef)
        if (length := _lines_of(node)) > 40
    ]

    assert not long


def _lines_of(function: ast.FunctionDef) -> int:
    """Return the length without the docstring, which lists events and errors."""
    text = ast.get_docstring(function, clean=False)
    docstring = text.count("\n") + 1 if text else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_modules_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {length} lines"
        for path in code()
        if (length := len(path.read_text().splitlines())) > 300
        and path.name != "settings.py"  # one file, read from top to bottom
    ]

    assert not long


def test_no_module_is_a_junk_drawer() -> None:
    names = {"utils", "helpers", "misc", "common", "signals", "receivers"}

    assert not [str(path) for path in code() if path.stem in names]


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
def test_models_are_explicit(model: type[models.Model]) -> None:
    own = vars(model)

    assert not model._meta.ordering, "order where it is asked for"
    assert "__str__" in own
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}("), "say what a row is"
    assert model._meta.constraints, "what must the database refuse?"
    assert "save" not in own, "services write"
    assert "clean" not in own, "services check"


def test_properties_of_models_ask_no_questions() -> None:
    asking = [
        place
        for place, node in nodes(layer("models"), ast.FunctionDef)
        if any(getattr(d, "id", "") == "property" for d in node.decorator_list)
        and re.search(r"\.(objects|filter|exists|count|all)\b", ast.unparse(node))
    ]

    assert not asking


def test_views_write_nothing() -> None:
    writing = [
        f"{place}: {text}"
        for place, node in nodes(layer("api"), ast.Call)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and (
            ".objects" in (text := ast.unparse(node.func))
            or node.func.attr in {"save", "delete"}
        )
    ]

    assert not writing


def test_only_hints_speak_to_celery() -> None:
    calls = lines_matching(code(), r"\.(delay|apply_async|send_task|delay_on_commit)\(")

    assert [call for call in calls if not call.startswith("core/hints.py:")] == []


def test_delays_are_rows_not_messages() -> None:
    assert not lines_matching(code(), r"\b(countdown|eta|expires)=|\.retry\(|\bchord\(")


def test_tasks_stand_in_tasks_modules() -> None:
    tasks = lines_matching(code(), r"^@(shared_task|app\.task)")

    assert tasks
    assert {Path(task.split(":")[0]).stem for task in tasks} == {"tasks"}


def test_rules_never_read_the_clock() -> None:
    inner = layer("services", "selectors", "rules", "models")
    inner += [
        path
        for path in sources("core")
        if path.stem in {"events", "idempotency", "outbox", "walltime"}
        and "api" not in path.parts
    ]

    assert not lines_matching(inner, r"timezone\.now\(|datetime\.now\(|\.today\(")


def test_there_are_no_signals() -> None:
    assert not lines_matching(
        code(), r"@receiver|\.connect\(.*sender|(?<!field\.)(post|pre)_save"
    )


def test_what_is_caught_broadly_is_raised_again() -> None:
    broad = [
        place
        for place, node in nodes(code(), ast.ExceptHandler)
        if getattr(node.type, "id", None) in {None, "Exception", "BaseException"}
        and not isinstance(node.type, ast.Tuple | ast.Attribute)
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]

    allowed = {
        # One poisonous event or message must not hold up the others.
        "core/services/delivering.py",
        "core/services/publishing.py",
        "integrations/services/inbox/processing.py",
    }
    assert [place for place in broad if place.split(":")[0] not in allowed] == []


def test_an_exception_to_a_rule_has_its_reason() -> None:
    silent = r"# (noqa|type: ignore)(?!(: [A-Z0-9, ]+|\[[\w, -]+\])  # \S)"

    assert not lines_matching(code(), silent)


def test_forms_name_their_fields() -> None:
    assert not lines_matching(code(), r"""fields = ["']__all__["']|exclude = """)


def test_no_request_is_spread_into_a_filter() -> None:
    spread = r"\*\*(self\.)?request\.|\*\*.*query_params"

    assert not lines_matching(code(), spread)


def test_services_take_named_arguments() -> None:
    positional = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in layer("services", "selectors")
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and len(node.args.args) > 2  # a thing and a word about it read well
    ]

    assert not positional


def test_no_test_asserts_nothing() -> None:
    empty = [
        place
        for place, node in nodes(sources("tests"), ast.FunctionDef)
        if node.name.startswith("test_") and not _asserts(node)
    ]

    assert not empty


def _asserts(test: ast.FunctionDef) -> bool:
    body = "\n".join(map(ast.unparse, test.body))
    return re.search(r"assert|raises|attack|watch_until|pytest\.fail", body) is not None


def test_tests_fake_only_what_is_not_ours() -> None:
    mocking = lines_matching(sources("tests"), r"unittest\.mock|MagicMock|@patch\b")

    assert [line for line in mocking if "test_conventions" not in line] == []


def test_paths_have_no_trailing_slash() -> None:
    urls = [path for path in code() if path.stem == "urls" and "api" in path.parts]

    assert not lines_matching(urls, r'path\("[^"]+/"')
