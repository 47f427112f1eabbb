"""The release script on repositories of its own, with real git: what it makes, and everything that it refuses."""

from __future__ import annotations

import re
import subprocess
import tomllib
from datetime import date
from importlib.metadata import version as installed
from pathlib import Path

import pytest
import release

import levit_mobile

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 1, 31)
PROJECT = '[project]\nname = "sample"\nversion = "0.1.0"\n'
WORKFLOW = "env:\n  LEVIT_MOBILE: git+https://example.org/sample/levit-mobile@v0.1.0\n"
CHANGELOG = """# Changelog

What changed.

## Unreleased

### Added
- A command.

### Fixed
- #12: a crash.

## 0.1.0 (2025-12-01)

### Added
- Everything.
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit on main, and no configuration of the user's."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Sample")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "sample@example.org")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / release.WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / release.WORKFLOW).write_text(WORKFLOW)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder: Path) -> tuple[str, ...]:
    """All that a release changes."""
    files = ((folder / name).read_text() for name in ("pyproject.toml", "CHANGELOG.md", release.WORKFLOW))
    return git(folder, "rev-parse", "HEAD"), git(folder, "tag"), git(folder, "status", "--porcelain"), *files


def require_refusal(folder: Path, version: str, *facts: str) -> None:
    """It is one sentence with these facts, and nothing has changed."""
    before = state(folder)
    with pytest.raises(release.Refused) as caught:
        release.release(folder, version, today=TODAY)
    (sentence,) = str(caught.value).splitlines()
    assert all(fact in sentence for fact in facts), sentence
    assert state(folder) == before


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    git(folder, "commit", "--quiet", "--message", "Change", "--", name)


# What it makes


def test_a_release_bumps_the_version_and_dates_the_changelog(repository: Path) -> None:
    release.release(repository, "0.2.0", today=TODAY)
    assert tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"] == "0.2.0"
    changelog = (repository / "CHANGELOG.md").read_text()
    assert "## Unreleased\n\n## 0.2.0 (2026-01-31)\n\n### Added\n- A command.\n" in changelog
    assert release.section(changelog, release.UNRELEASED) == ""
    assert changelog.endswith("## 0.1.0 (2025-12-01)\n\n### Added\n- Everything.\n")


def test_the_workflow_that_users_copy_installs_the_release(repository: Path) -> None:
    release.release(repository, "0.2.0", today=TODAY)
    assert (repository / release.WORKFLOW).read_text() == WORKFLOW.replace("0.1.0", "0.2.0")


def test_a_release_is_one_commit_with_an_annotated_tag(repository: Path) -> None:
    release.release(repository, "0.2.0", today=TODAY)
    assert git(repository, "log", "--format=%s") == "Release 0.2.0\nFirst"
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "cat-file", "-t", "v0.2.0") == "tag"
    assert git(repository, "rev-parse", "v0.2.0^{commit}") == git(repository, "rev-parse", "HEAD")


def test_the_tags_message_is_the_section(repository: Path) -> None:
    release.release(repository, "0.2.0", today=TODAY)
    said = git(repository, "tag", "--list", "--format=%(contents)", "v0.2.0")
    assert said == "levit-mobile 0.2.0\n\n### Added\n- A command.\n\n### Fixed\n- #12: a crash."


def test_the_line_that_publishes_is_printed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["0.2.0"]) == 0
    assert capsys.readouterr().out.endswith("git push --atomic origin main v0.2.0\n")
    assert git(repository, "tag") == "v0.2.0"


def test_a_first_release_keeps_the_version_that_the_project_has(repository: Path) -> None:
    commit(repository, "CHANGELOG.md", CHANGELOG.partition("## 0.1.0")[0])
    release.release(repository, "0.1.0", today=TODAY)
    assert git(repository, "tag") == "v0.1.0"


def test_a_dry_run_shows_the_notes_and_changes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(repository)
    assert release.main(["0.2.0", "--dry-run"]) == 0
    assert "- A command." in capsys.readouterr().out
    assert state(repository) == before


@pytest.mark.usefixtures("repository")
def test_notes_are_the_section_of_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["--notes", "0.1.0"]) == 0
    assert capsys.readouterr().out == "### Added\n- Everything.\n"
    assert release.main(["--notes", "9.9.9"]) == 1
    assert capsys.readouterr().err == "error: CHANGELOG.md has no section 9.9.9\n"


def test_a_release_has_the_tag_of_its_version(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.release(repository, "0.2.0", today=TODAY)
    assert release.main(["--check-tag", "v0.2.0"]) == 0
    assert release.main(["--check-tag", "v0.3.0"]) == 1
    assert "the tag is v0.3.0, expected v0.2.0" in capsys.readouterr().err


# What it refuses


@pytest.mark.parametrize("version", ["0.2", "v0.2.0", "0.2.0rc1", "0.02.0", "", "0.2.0\n"])
def test_what_is_no_version_is_refused(repository: Path, version: str) -> None:
    require_refusal(repository, version, "three numbers")


def test_an_older_version_is_refused(repository: Path) -> None:
    require_refusal(repository, "0.0.9", "0.0.9 is older than 0.1.0")


def test_numbers_are_compared_as_numbers(repository: Path) -> None:
    commit(repository, "pyproject.toml", PROJECT.replace("0.1.0", "0.10.0"))
    require_refusal(repository, "0.9.0", "older than 0.10.0")


def test_a_version_with_a_section_is_refused(repository: Path) -> None:
    require_refusal(repository, "0.1.0", "CHANGELOG.md has a section for 0.1.0")


def test_a_version_with_a_tag_is_refused(repository: Path) -> None:
    git(repository, "tag", "v0.2.0")
    require_refusal(repository, "0.2.0", "tag v0.2.0 exists")


def test_another_branch_is_refused(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "topic")
    require_refusal(repository, "0.2.0", "branch topic", "expected main")
    git(repository, "switch", "--quiet", "--detach")
    require_refusal(repository, "0.2.0", "detached HEAD")


@pytest.mark.parametrize("name", ["pyproject.toml", "new.txt"])
def test_changes_that_are_not_committed_are_refused(repository: Path, name: str) -> None:
    with (repository / name).open("a") as file:
        file.write("# changed\n")
    require_refusal(repository, "0.2.0", "working tree has changes")


def test_a_changelog_without_entries_is_refused(repository: Path) -> None:
    commit(
        repository, "CHANGELOG.md", re.sub(r"(?s)## Unreleased.*?(?=## 0)", "## Unreleased\n\n### Added\n\n", CHANGELOG)
    )
    require_refusal(repository, "0.2.0", "has no entries")


def test_a_changelog_without_the_section_is_refused(repository: Path) -> None:
    commit(repository, "CHANGELOG.md", CHANGELOG.replace("Unreleased", "Later"))
    require_refusal(repository, "0.2.0", "no section Unreleased")


def test_an_unknown_kind_of_change_is_refused(repository: Path) -> None:
    commit(repository, "CHANGELOG.md", CHANGELOG.replace("### Fixed", "### Mended"))
    require_refusal(repository, "0.2.0", "'Mended'", "Fixed")


def test_a_version_that_is_not_in_one_line_is_refused(repository: Path) -> None:
    commit(repository, "pyproject.toml", PROJECT.replace("version = ", "version  = "))
    require_refusal(repository, "0.2.0", "exactly once")


def test_a_workflow_that_installs_no_release_is_refused(repository: Path) -> None:
    commit(repository, release.WORKFLOW, WORKFLOW.replace("@v0.1.0", ""))
    require_refusal(repository, "0.2.0", release.WORKFLOW, "exactly once")


def test_a_commit_that_a_hook_refuses_leaves_everything_as_it_was(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the hook says no' >&2\nexit 1\n")
    hook.chmod(0o755)
    require_refusal(repository, "0.2.0", "git commit failed", "the hook says no")


def test_a_tag_that_cannot_be_signed_leaves_everything_as_it_was(repository: Path) -> None:
    git(repository, "config", "tag.gpgSign", "true")
    git(repository, "config", "gpg.program", "false")
    require_refusal(repository, "0.2.0", "git tag failed")


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(release.Refused, match="git branch failed"):
        release.release(tmp_path, "0.2.0", today=TODAY)


def test_a_refusal_is_one_sentence_and_exit_1(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "new.txt").touch()
    assert release.main(["0.2.0"]) == 1
    assert capsys.readouterr().err == "error: the working tree has changes: commit or stash them first\n"


@pytest.mark.parametrize("arguments", [[], ["0.2.0", "--notes", "0.1.0"]])
def test_a_version_or_notes_are_asked_for(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        release.main(arguments)
    assert ended.value.code == 2


# This repository's own version and changelog


def test_the_version_is_in_one_place() -> None:
    assert installed("levit-mobile") == levit_mobile.__version__
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert release.bumped(text, "9.9.9").count('version = "9.9.9"') == 1
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "levit_mobile").rglob("*.py")]
    assert [one for one in code if f'"{release.current(text)}"' in one] == []
    workflow = (ROOT / release.WORKFLOW).read_text(encoding="utf-8")
    assert release.installing(workflow, release.current(text)) == workflow


def test_the_changelog_has_sections_that_a_release_can_take() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    release.require_entries(release.section(changelog, release.UNRELEASED))
    names = [heading["name"] for heading in release.HEADING.finditer(changelog)]
    assert len(names) == changelog.count("\n## ")
    assert len(set(names)) == len(names)
