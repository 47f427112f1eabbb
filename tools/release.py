"""Make a release: `python tools/release.py 0.2.0`, from the repository's root. Pushing is left to you.

The version is in pyproject.toml, and in the workflow that users copy, which installs that release. What the release
brings is the section Unreleased of CHANGELOG.md, which gets the version and the date. One commit has all three, and an
annotated tag whose message is the section. Whether the tests pass is yours to see first.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

BRANCH = "main"
PROJECT, CHANGELOG, WORKFLOW = "pyproject.toml", "CHANGELOG.md", ".github/workflows/parity.yml"
INSTALLED = re.compile(r"(levit-mobile@v)\d+\.\d+\.\d+")  # in the workflow
UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
NUMBER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
HEADING = re.compile(r"^## (?P<name>\S+)(?: \((?P<date>\d{4}-\d\d-\d\d)\))?$", re.M)


class Refused(Exception):
    """Why there is no release, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 done, 1 refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?", help="version to release, such as 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="check everything and change nothing")
    parser.add_argument("--check-tag", metavar="TAG", help="check that TAG is that of the version in pyproject.toml")
    parser.add_argument("--notes", metavar="VERSION", help="print the changelog's section of a version")
    asked = parser.parse_args(arguments)
    if [asked.version, asked.check_tag, asked.notes].count(None) != 2:
        parser.error("expected one of a version, --check-tag TAG and --notes VERSION")
    try:
        if asked.check_tag:
            require_tag(asked.check_tag)
        elif asked.notes:
            print(section(read(Path(CHANGELOG)), asked.notes))
        else:
            release(Path.cwd(), asked.version, today=datetime.now(UTC).date(), dry_run=asked.dry_run)
    except Refused as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, version: str, *, today: date, dry_run: bool = False) -> None:
    """Check, write, commit and tag. Raises Refused; then nothing has changed."""
    require_state(root)
    require_version(root, version)
    before = {root / name: read(root / name) for name in (PROJECT, CHANGELOG, WORKFLOW)}
    notes = section(before[root / CHANGELOG], UNRELEASED)
    require_entries(notes)
    if dry_run:
        print(f"levit-mobile {version} can be released with these notes:\n\n{notes}")
        return
    after = {
        root / PROJECT: bumped(before[root / PROJECT], version),
        root / CHANGELOG: dated(before[root / CHANGELOG], version, today),
        root / WORKFLOW: installing(before[root / WORKFLOW], version),
    }
    write(after)
    start = git(root, "rev-parse", "HEAD")
    message = f"levit-mobile {version}\n\n{notes}"  # verbatim: its headings look like git's comments
    try:
        git(root, "commit", "--quiet", "--message", f"Release {version}", "--", PROJECT, CHANGELOG, WORKFLOW)
        git(root, "tag", "--annotate", f"v{version}", "--cleanup=verbatim", "--message", message)
    except Refused:
        git(root, "reset", "--hard", "--quiet", start)  # the working tree had no changes of its own
        raise
    print(f"committed and tagged v{version}; to publish it: git push --atomic origin {BRANCH} v{version}")


def require_tag(tag: str) -> None:
    """The tag of the version in pyproject.toml. Raises Refused for another."""
    if tag != (expected := f"v{current(read(Path(PROJECT)))}"):
        raise Refused(f"the tag is {tag}, expected {expected} for the version in {PROJECT}")


def require_state(root: Path) -> None:
    """A clean checkout of the main branch."""
    if (branch := git(root, "branch", "--show-current")) != BRANCH:
        raise Refused(f"this is {f'the branch {branch}' if branch else 'a detached HEAD'}, expected {BRANCH}")
    if git(root, "status", "--porcelain"):
        raise Refused("the working tree has changes: commit or stash them first")


def require_version(root: Path, version: str) -> None:
    """A new version, of three numbers, that no earlier one exceeds."""
    if not NUMBER.fullmatch(version):
        raise Refused(f"{version!r} is not a version of three numbers such as 0.2.0")
    if git(root, "tag", "--list", f"v{version}"):
        raise Refused(f"the tag v{version} exists already")
    released = [one["name"] for one in HEADING.finditer(read(root / CHANGELOG)) if NUMBER.fullmatch(one["name"])]
    if version in released:
        raise Refused(f"{CHANGELOG} has a section for {version} already")
    latest = max((*released, current(read(root / PROJECT))), key=numbers)
    if numbers(version) < numbers(latest):
        raise Refused(f"{version} is older than {latest}")


def require_entries(notes: str) -> None:
    """Entries in sections of the known kinds."""
    if not re.search(r"^- \S", notes, re.M):
        raise Refused(f"the section {UNRELEASED} of {CHANGELOG} has no entries")
    if unknown := [kind for kind in re.findall(r"^### (.+)$", notes, re.M) if kind not in KINDS]:
        raise Refused(f"{CHANGELOG} has a section {unknown[0]!r}, expected one of {', '.join(KINDS)}")


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, which compare."""
    return tuple(map(int, version.split(".")))


def current(project: str) -> str:
    """The version in pyproject.toml's text."""
    return str(tomllib.loads(project)["project"]["version"])


def bumped(project: str, version: str) -> str:
    """pyproject.toml's text with another version. Raises Refused when it has no such line."""
    line = f'version = "{current(project)}"\n'
    if project.count(line) != 1:
        raise Refused(f"{PROJECT} must have the line {line.strip()} exactly once")
    return project.replace(line, f'version = "{version}"\n')


def installing(workflow: str, version: str) -> str:
    """The workflow with the tag of another version. Raises Refused when it does not name one."""
    text, count = INSTALLED.subn(rf"\g<1>{version}", workflow)
    if count != 1:
        raise Refused(f"{WORKFLOW} must name the tag of levit-mobile exactly once")
    return text


def section(changelog: str, name: str) -> str:
    """The text below a heading, up to the next. Raises Refused when there is no such heading."""
    headings = list(HEADING.finditer(changelog))
    for number, heading in enumerate(headings):
        if heading["name"] == name:
            end = headings[number + 1].start() if number + 1 < len(headings) else len(changelog)
            return changelog[heading.end() : end].strip()
    raise Refused(f"{CHANGELOG} has no section {name}")


def dated(changelog: str, version: str, today: date) -> str:
    """The changelog with its unreleased entries under the version, and an empty section above."""
    return changelog.replace(f"## {UNRELEASED}\n", f"## {UNRELEASED}\n\n## {version} ({today:%Y-%m-%d})\n", 1)


def read(path: Path) -> str:
    """A text file. Raises Refused when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); run this from the repository's root") from error


def write(texts: dict[Path, str]) -> None:
    """All files."""
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    """What git prints. Raises Refused with its last line when it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise Refused(f"git {arguments[0]} failed: {lines[-1]}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
