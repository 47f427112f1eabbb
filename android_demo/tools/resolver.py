"""Which version of every library a class path has, by Gradle's rules: the highest one that anything asks for.

A constraint counts once its library is in the graph. A strict version is the only one accepted. The files that describe
the libraries are read by `metadata`; the rules here see only values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from maven import Coordinate
from versions import order

Name = tuple[str, str]  # group and artifact
Excluded = frozenset[Name]
MOST_ROUNDS = 60


@dataclass(frozen=True)
class Request:
    """A dependency on a library, or a constraint on its version; an empty version accepts any."""

    name: Name
    version: str = ""
    strict: bool = False
    excluded: Excluded = frozenset()


@dataclass(frozen=True)
class Component:
    """One version of a library: what it asks for, and the type of its file (None without one)."""

    dependencies: tuple[Request, ...] = ()
    constraints: tuple[Request, ...] = ()
    file_type: str | None = "jar"


Versions = dict[Name, str]
Load = Callable[[Iterable[tuple[Name, str]]], Mapping[tuple[Name, str], Component]]


class ConflictError(Exception):
    """No version satisfies every request, or a chosen version does not exist."""


@dataclass
class _Graph:
    """The requests that are reached from the roots with the versions chosen so far."""

    requests: dict[Name, set[Request]] = field(default_factory=dict)
    constraints: dict[Name, set[Request]] = field(default_factory=dict)

    def chosen(self) -> Versions:
        return {
            name: _highest(name, found | self.constraints.get(name, set())) for name, found in self.requests.items()
        }


def resolve(roots: Iterable[Request], platforms: Iterable[Request], load: Load) -> Versions:
    """Choose the version of every library that is reached from the roots.

    Args:
        roots: The libraries that are asked for by name.
        platforms: BOMs; their constraints count from the beginning.
        load: Reads components; it is given group, artifact and version.

    Returns:
        The version of each library, by group and artifact.

    Raises:
        ConflictError: Two strict versions, a strict one below a requested one, or no end of changes.
    """
    roots = list(roots)
    boms = load([(bom.name, bom.version) for bom in platforms])
    given = [constraint for component in boms.values() for constraint in component.constraints]
    known: dict[tuple[Name, str], Component] = {}
    versions: Versions = {}
    for _ in range(MOST_ROUNDS):
        graph = _walk(roots, given, versions, known)
        found = graph.chosen()
        new = [(name, version) for name, version in found.items() if version and (name, version) not in known]
        if found == versions and not new:
            return versions
        known.update(load(new))
        versions = found
    raise ConflictError(f"the versions still change after {MOST_ROUNDS} rounds")


def _walk(
    roots: list[Request], given: list[Request], versions: Versions, known: Mapping[tuple[Name, str], Component]
) -> _Graph:
    graph, seen, queue = _Graph(), set(), [(root, root.excluded) for root in roots]
    for constraint in given:
        graph.constraints.setdefault(constraint.name, set()).add(constraint)
    while queue:
        request, excluded = queue.pop()
        graph.requests.setdefault(request.name, set()).add(request)
        component = known.get((request.name, versions.get(request.name, "")))
        if component is None or (request.name, excluded) in seen:
            continue
        seen.add((request.name, excluded))
        for constraint in component.constraints:
            graph.constraints.setdefault(constraint.name, set()).add(constraint)
        wanted = [one for one in component.dependencies if not _excludes(excluded, one.name)]
        queue += [(one, excluded | one.excluded) for one in wanted]
    return graph


def _excludes(excluded: Excluded, name: Name) -> bool:
    return any(group in ("*", name[0]) and artifact in ("*", name[1]) for group, artifact in excluded)


def _highest(name: Name, requests: Iterable[Request]) -> str:
    stated = {request.version for request in requests if request.version}
    strict = {request.version for request in requests if request.strict}
    if not strict:
        return max(stated, key=order, default="")
    if len(strict) > 1 or max(stated, key=order) not in strict:
        raise ConflictError(f"{':'.join(name)}: strictly {sorted(strict)}, asked for {sorted(stated)}")
    return strict.pop()


def files(versions: Versions, components: Mapping[tuple[Name, str], Component]) -> list[Coordinate]:
    """The files of a class path, without the libraries that have none."""
    chosen = ((name, version, components[name, version].file_type) for name, version in sorted(versions.items()))
    return [Coordinate(*name, version, kind) for name, version, kind in chosen if kind]
