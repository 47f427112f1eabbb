"""JUnit XML that CI servers take: the schema's names, counts that add up, every bound a case, nothing broken green."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from xml.etree.ElementTree import Element, fromstring

import pytest
from support import validations as made

from levit_mobile.reporting.junit import junit_xml
from levit_mobile.reporting.text import clean
from levit_mobile.validation.results import Validation

# Element -> attributes it needs, attributes it may have, children: junit-10.xsd of Jenkins' xunit plugin.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package", "file"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"classname", "time"}, {"skipped", "failure", "error", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
OUTCOMES = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def suites(validations: list[Validation]) -> list[Element]:
    root = fromstring(junit_xml(validations).encode())
    assert root.tag == "testsuites"
    return list(root)


def cases(validation: Validation) -> dict[str, Element]:
    (suite,) = suites([validation])
    found = {case.attrib["name"]: case for case in suite.iter("testcase")}
    assert len(found) == int(suite.attrib["tests"])
    return found


def failures(validation: Validation) -> dict[str, str]:
    """Failed cases -> their message."""
    found = {name: case.find("failure") for name, case in cases(validation).items()}
    return {name: failure.attrib["message"] for name, failure in found.items() if failure is not None}


def test_elements_and_attributes_are_those_of_the_schema() -> None:
    seen = set()
    for element in fromstring(junit_xml(made.everything()).encode()).iter():
        needed, allowed, children = SCHEMA[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed
        assert {child.tag for child in element} <= children
        seen.add(element.tag)
    assert seen == set(SCHEMA)


def test_counts_are_what_is_inside() -> None:
    root = fromstring(junit_xml(made.everything()).encode())
    for suite in root:
        inside = Counter(element.tag for element in suite.iter())
        assert int(suite.attrib["tests"]) == inside["testcase"] > 0
        for count, tag in OUTCOMES.items():
            assert int(suite.attrib[count]) == inside[tag]
    for count in ("tests", "failures", "errors"):
        assert int(root.attrib[count]) == sum(int(suite.attrib[count]) for suite in root)
    assert int(root.attrib["failures"]) > 0


def test_times_are_seconds() -> None:
    root = fromstring(junit_xml([made.proven(), made.broken()]).encode())
    assert root.attrib["time"] == "105.170"
    assert [suite.attrib["time"] for suite in root] == ["41.270", "63.900"]
    assert [case.attrib["time"] for case in root[0].iter("testcase")] == ["41.270", "0.000", "0.000"]


@pytest.mark.parametrize("validation", [made.proven(), made.broken(), made.not_a_number()])
def test_every_bound_that_was_asked_is_a_case(validation: Validation) -> None:
    assert validation.report is not None
    asked = [bound for bound, value in asdict(validation.report.tolerance).items() if value is not None]
    assert list(cases(validation)) == ["runs", *asked]


def test_a_bound_that_was_not_asked_is_no_case() -> None:
    report = made.parity(replace(made.FP32, min_cosine=0.9))
    assert "min_cosine" in cases(made.proven(report=report))
    assert "min_cosine" not in cases(made.proven())


def test_a_broken_bound_fails_with_its_sentence() -> None:
    found = failures(made.broken())
    assert set(found) == set(cases(made.broken())) - {"runs"}
    assert found["min_sqnr_db"] == "SQNR is 17.6 dB, expected at least 50 dB"
    assert found["min_top1_accuracy"] == "top-1 accuracy is 87.20%, expected at least 95.00%"
    assert found["max_accuracy_drop"] == (
        "top-1 accuracy is 87.20%, expected at most 0.50% below the reference's 96.80%"
    )


def test_what_was_found_stands_in_the_case() -> None:
    said = {name: case.findtext("system-out") for name, case in cases(made.proven()).items()}
    assert said["min_sqnr_db"] == "SQNR: found 124.6 dB, expected at least 100.0 dB"
    assert said["runs"] == "SQNR 124.6 dB, max abs error 8.3e-06, top-1 agreement 100.00% on 500 images"
    assert failures(made.proven()) == {}


def test_not_run_is_skipped_with_its_reason() -> None:
    (case,) = cases(made.not_run()).values()
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"].startswith("Core ML runs on macOS only")
    assert case.find("failure") is None


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (made.not_a_number(), "the artifact gave NaN or infinite logits on 31 of 500 images"),
        (made.not_run(verdict="broken", reasons=("the artifact ends its process",)), "the artifact ends its process"),
        (made.proven(verdict="broken", reasons=("its sha256 is another", "twice")), "its sha256 is another; twice"),
    ],
)
def test_whatever_else_breaks_it_is_never_green(validation: Validation, message: str) -> None:
    assert failures(validation)["runs"] == message


def test_nan_breaks_every_bound() -> None:
    assert set(failures(made.not_a_number())) == {"runs", "min_sqnr_db", "min_top1_agreement"}


def test_properties_say_what_was_compared() -> None:
    (suite,) = suites([made.broken()])
    properties = {entry.attrib["name"]: entry.attrib["value"] for entry in suite.iter("property")}
    assert properties["artifact_sha256"] == "a9" * 32
    assert properties["runtime"] == "ExecuTorch 1.4.1"
    assert properties["version.executorch"] == "1.4.1"
    assert properties["verdict"] == "broken"
    assert suite.findtext("system-out") == "\n".join(made.broken().notes)


def test_hostile_words_come_back_as_they_are_but_for_what_xml_refuses() -> None:
    (suite,) = suites([made.hostile()])
    hostile = clean(made.HOSTILE)
    assert suite.attrib["name"] == f"{hostile} bundle on {hostile}"
    assert suite.findtext("system-out") == hostile
    assert {entry.attrib["name"] for entry in suite.iter("property")} >= {f"version.{hostile}"}
    crashed = made.hostile().model_copy(update={"report": None})
    assert failures(crashed)["runs"] == f"{hostile}\nsecond line"
    for refused in "\x07\x1b\x00\ud83d\uffff":
        assert refused in made.HOSTILE
        assert refused not in junit_xml([made.hostile()])


def test_no_validation_is_no_suite() -> None:
    assert suites([]) == []
