"""The scores of a search so far, in a file, so that an interrupted search goes on from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from levit_mobile.errors import RecipeError
from levit_mobile.quantization.plan import Origin, PlanPart, Score
from levit_mobile.system.atomic_write import write_text, writing
from levit_mobile.system.files import digest_bytes

Ahead = Callable[[Sequence[Any], Callable[[object, Score], None]], None]


def open_journal(path: Path, origin: Origin, target: str) -> ScoreCache:
    """The one beside a plan; --max-kl may change between two runs. Raises RecipeError for one of another search."""
    words = origin.model_dump_json(exclude={"max_kl"})
    return ScoreCache(path, digest_bytes(f"{target} {words}".encode()))


class ScoreCache:
    """Every score so far, a JSON line each behind a line that says whose they are; what is in it is not measured again.

    `ahead` may measure candidates before they are asked for, `at_once` of them at a time.

    Raises RecipeError for a file of another search.
    """

    def __init__(self, path: Path, subject: str) -> None:
        self.ahead: Ahead | None = None
        self.at_once = 1
        self.path, self.subject, self.known = path, subject, dict[str, Score]()
        if path.is_file():
            self._read(subject)
        self.found = len(self.known)  # by earlier runs
        self.begun = False

    def score(self, of: str, measure: Callable[[], Score]) -> Score:
        """What is known of it, else what `measure` finds, which is written down at once."""
        if of not in self.known:
            self.keep(of, measure())
        return self.known[of]

    def expect(self, candidates: Iterable[object]) -> None:
        """Those will be asked for, by what `str` gives of them."""
        unknown = [one for one in candidates if str(one) not in self.known]
        if self.ahead is not None and unknown:
            self.ahead(unknown, self.keep)

    def keep(self, of: object, score: Score) -> None:
        """Write down a score that was measured elsewhere."""
        self._append(Entry(of=str(of), score=score))
        self.known[str(of)] = score

    def _append(self, entry: Entry) -> None:
        """Raises BundleError where the file cannot be written."""
        if not self.begun:  # anew, without a line that a kill has cut short
            lines = [Heading(search=self.subject), *(Entry(of=of, score=score) for of, score in self.known.items())]
            write_text(self.path, "".join(line.model_dump_json() + "\n" for line in lines))
            self.begun = True
        with writing(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(entry.model_dump_json() + "\n")

    def _read(self, subject: str) -> None:
        first, *rest = self.path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        try:
            same = Heading.model_validate_json(first).search == subject
        except ValidationError:
            same = False
        if not same:
            raise RecipeError(
                f"{self.path} is not from a search with the same target, checkpoint, calibration and --search-count: "
                "delete it, or use --out to choose a different path",
                fault="other-search",
            )
        for line in rest:
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError:  # cut short by a kill: measured again
                continue
            self.known[entry.of] = entry.score


class Heading(PlanPart):
    """The first line of a journal."""

    search: str


class Entry(PlanPart):
    """Every other line."""

    of: str
    score: Score
