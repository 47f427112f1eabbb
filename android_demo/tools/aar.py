"""AAR files, POMs, and the places of both in a Maven repository. Equal inputs give equal bytes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apk
from apk import Entry

METADATA = "META-INF/com/android/build/gradle/aar-metadata.properties"
MEMBERS = ("AndroidManifest.xml", "classes.jar", "R.txt", "proguard.txt", METADATA)


@dataclass(frozen=True)
class Dependency:
    """A dependency in a POM; `api` if callers see its types."""

    coordinate: str  # group:artifact:version
    api: bool


@dataclass(frozen=True)
class Library:
    """What an AAR is made of.

    Attributes:
        manifest: The library's manifest, with its package and its oldest API level.
        classes: Jar of the compiled classes.
        symbols: R.txt, the list of resources; None for a library without resources.
        rules: Rules for R8 that apply in every app with this library.
        compile_api: Lowest compileSdk that an app must have.
    """

    manifest: Path
    classes: Path
    symbols: Path | None
    rules: Path
    compile_api: int


def metadata(compile_api: int) -> bytes:
    """What the Android Gradle plugin checks before it takes the library."""
    lines = {
        "aarFormatVersion": "1.0",
        "aarMetadataVersion": "1.0",
        "minCompileSdk": compile_api,
        "minCompileSdkExtension": 0,
        "minAndroidGradlePluginVersion": "1.0.0",
        "coreLibraryDesugaringEnabled": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items()).encode()


def write(path: Path, library: Library) -> None:
    """Write the AAR."""
    contents = [
        library.manifest.read_bytes(),
        plain_jar(library.classes),
        library.symbols.read_bytes() if library.symbols else b"",
        library.rules.read_bytes(),
        metadata(library.compile_api),
    ]
    apk.write_plain(path, [Entry(name, content) for name, content in zip(MEMBERS, contents, strict=True)])


def plain_jar(jar: Path) -> bytes:
    """The jar's content in alphabetical order and without dates."""
    return apk.plain_archive(sorted(apk.entries_of(jar), key=lambda entry: entry.name))


def pom(coordinate: str, kind: str, dependencies: Iterable[Dependency]) -> bytes:
    """A POM; dependencies that callers see have the scope `compile`, the others `runtime`."""
    root = ET.Element("project")
    ET.SubElement(root, "modelVersion").text = "4.0.0"
    _identify(root, coordinate)
    ET.SubElement(root, "packaging").text = kind
    listed = ET.SubElement(root, "dependencies")
    for one in dependencies:
        entry = ET.SubElement(listed, "dependency")
        _identify(entry, one.coordinate)
        ET.SubElement(entry, "scope").text = "compile" if one.api else "runtime"
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _identify(parent: ET.Element, coordinate: str) -> None:
    for tag, text in zip(("groupId", "artifactId", "version"), coordinate.split(":"), strict=True):
        ET.SubElement(parent, tag).text = text


def read_pom(content: bytes) -> list[Dependency]:
    """The dependencies of a POM that `pom` has written."""
    found = []
    for one in ET.fromstring(content).iter("dependency"):
        coordinate = ":".join(one.findtext(tag, "") for tag in ("groupId", "artifactId", "version"))
        found.append(Dependency(coordinate, one.findtext("scope") == "compile"))
    return found


def publish(repository: Path, coordinate: str, files: Mapping[str, bytes]) -> Sequence[Path]:
    """Put files into a Maven repository; `files` is the content by its ending, `aar` or `pom`."""
    group, artifact, version = coordinate.split(":")
    folder = repository / group.replace(".", "/") / artifact / version
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, content in files.items():
        written.append(folder / f"{artifact}-{version}.{ending}")
        written[-1].write_bytes(content)
    return written
