"""The files for contributors name what exists: make targets, workflow actions, hooks, issue forms, versions, paths."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import write_schemas
import yaml

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.cli.common import FAILED, INTERRUPTED, NOT_RUN

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/compatibility.md", ".github/PULL_REQUEST_TEMPLATE.md")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def parsed(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def targets() -> set[str]:
    """What can be made."""
    return set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.M))


def steps(path: Path) -> list[dict[str, Any]]:
    """All steps of a workflow."""
    return [step for job in parsed(path)["jobs"].values() for step in job["steps"]]


def commands(path: Path) -> str:
    """All shell lines of a workflow."""
    return "\n".join(step["run"] for step in steps(path) if "run" in step)


def pinned(package: str) -> str:
    (version,) = re.findall(rf"^{package}==(.+)$", read("constraints.txt"), re.M)
    return str(version)


def schemas_in_the_policy() -> dict[str, int]:
    """Schema -> the version that the compatibility policy states."""
    rows = re.findall(r"^\|.*\| (\d+) \|.*schemas/([\w-]+)\.schema\.json", read("docs/compatibility.md"), re.M)
    return {name: int(version) for version, name in rows}


# Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_makes_targets_that_exist(path: Path) -> None:
    assert set(re.findall(r"\bmake ([\w-]+)", commands(path))) <= targets()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_actions_to_the_same_major_versions_or_to_commits(path: Path) -> None:
    named = [step["uses"] for step in steps(path) if "uses" in step]
    assert named
    used = [one for one in named if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)]
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@v\d+", one)] == []
    all_steps = [step for each in WORKFLOWS for step in steps(each)]
    by_version = [step["uses"] for step in all_steps if re.fullmatch(r"[^@]+@v\d+", step.get("uses", ""))]
    versions = {one.partition("@")[0]: one for one in by_version}
    assert set(used) <= set(versions.values())


def test_pushes_and_pull_requests_are_tested() -> None:
    workflow = parsed(ROOT / ".github" / "workflows" / "test.yml")
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as true
    assert triggers["push"] == {"branches": ["main"]}
    assert "pull_request" in triggers
    assert workflow["permissions"] == {"contents": "read"}
    assert [step["run"] for step in steps(ROOT / ".github" / "workflows" / "test.yml") if "run" in step] == [
        ".ci/run",
        "make test-fast",
        "make docs",
    ]


def test_all_tests_run_where_arm64_can_be_set_up() -> None:
    job = parsed(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["all"]
    assert re.fullmatch(r"python:3\.\d+-(bookworm|trixie)", job["container"]["image"])  # Debian, with root for apt
    made = re.findall(r"^make (\S+)", read(".ci/run"), re.M)
    assert made == ["arm64-setup", "test-android", "test-ios", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_supported_python_is_tested() -> None:
    jobs = parsed(ROOT / ".github" / "workflows" / "test.yml")["jobs"]
    rows = jobs["fast"]["strategy"]["matrix"]["include"]
    python = jobs["all"]["container"]["image"].removeprefix("python:").partition("-")[0]
    assert {python, *(row["python"] for row in rows if row["os"].startswith("ubuntu"))} == supported_pythons()
    assert any(row["os"].startswith("macos") for row in rows)


def test_a_release_is_for_tags_that_are_checked() -> None:
    path = ROOT / ".github" / "workflows" / "release.yml"
    assert parsed(path)[True] == {"push": {"tags": ["v*"]}}
    options = set(re.findall(r"tools/release\.py (--[\w-]+)", commands(path)))
    assert options == {"--check-tag", "--notes"}
    shown = subprocess.run(
        ["python3", "tools/release.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(option in shown.stdout for option in options)


# Hooks and forms


def test_hooks_use_the_pinned_linter() -> None:
    repos = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = {hook["id"]: repo for repo in repos for hook in repo["hooks"]}
    assert hooks["ruff-check"] is hooks["ruff-format"]
    assert hooks["ruff-format"]["rev"] == f"v{pinned('ruff')}"
    assert {"trailing-whitespace", "end-of-file-fixer", "check-added-large-files"} <= hooks.keys()
    assert hooks["mypy"]["repo"] == "local"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_whole(path: Path) -> None:
    form = parsed(path)
    assert {"name", "description", "body"} <= form.keys()
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["type"] in ("input", "textarea") and field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_a_bug_report_asks_for_what_explains_it() -> None:
    (bug,) = (parsed(path) for path in FORMS if path.stem == "bug")
    assert {"command", "code", "doctor", "version", "log"} <= {field["id"] for field in bug["body"]}
    group: Any = typer.main.get_command(app)
    for name in re.findall(r"levit-mobile ([a-z]+) --", str([parsed(path) for path in FORMS])):
        assert name in group.commands


# Pages


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", read(page)):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_targets_that_exist(page: str) -> None:
    assert set(re.findall(r"`make ([\w-]+)", read(page))) <= targets()
    assert set(re.findall(r"^make ([\w-]+)", read(page), re.M)) <= targets()


def test_the_guide_names_scripts_that_exist() -> None:
    scripts = re.findall(r"python ((?:tools|benchmarks)/\w+\.py)", read("CONTRIBUTING.md"))
    assert len(scripts) >= 3
    assert [name for name in scripts if not (ROOT / name).is_file()] == []


# The compatibility policy


def supported_pythons() -> set[str]:
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()  # type: ignore[union-attr]
    return {f"3.{minor}" for minor in range(int(low), int(high))}


def test_the_policy_states_the_schema_versions() -> None:
    assert schemas_in_the_policy() == {one.name: one.version for one in write_schemas.PUBLISHED}
    from levit_mobile import contract
    from levit_mobile.timing import record

    assert schemas_in_the_policy()["contract"] == contract.SCHEMA_VERSION
    assert schemas_in_the_policy()["timing"] == record.SCHEMA_VERSION


def test_the_policy_states_the_python_versions() -> None:
    (row,) = re.findall(r"^\| Python \| ([\d., ]+) \|", read("docs/compatibility.md"), re.M)
    assert set(row.split(", ")) == supported_pythons()


def test_the_policy_states_the_pins() -> None:
    text = " ".join(read("docs/compatibility.md").split())
    extras = PROJECT["optional-dependencies"]
    exact = [one for one in (*PROJECT["dependencies"], *(r for rs in extras.values() for r in rs)) if "==" in one]
    assert len(exact) >= 6
    assert [one for one in exact if one.replace("==", " ") not in text] == []


def test_the_policy_states_the_exit_codes() -> None:
    (row,) = re.findall(r"^\| exit codes \| (.+) \|$", read("docs/compatibility.md"), re.M)
    assert set(map(int, re.findall(r"\d+", row))) == {0, FAILED, 2, NOT_RUN, INTERRUPTED}


def test_the_policy_and_the_code_agree_on_what_is_deprecated() -> None:
    deprecated = [f"levit_mobile/{name}.schema.json" for name in write_schemas.FORMER_PLACES]
    for page in ("docs/compatibility.md", "CHANGELOG.md"):
        assert all(path in read(page) for path in deprecated)
    assert levit_mobile.__all__
