"""Validations as JUnit XML, which every CI server reads: a suite a validation, a case a bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from levit_mobile.recipe import Verdict
from levit_mobile.reporting.text import clean
from levit_mobile.reporting.verdicts import Bound, bounds, figures, name
from levit_mobile.validation.results import Validation

RUNS = "runs"  # the case that is there whatever was asked
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def junit_xml(validations: Sequence[Validation]) -> str:
    """One <testsuite> a validation: a <testcase> for each bound that was asked, and one that says whether it ran.

    A broken bound is a <failure> with its sentence, what could not be run a <skipped> with its reason. It keeps to the
    schema of Jenkins: https://github.com/jenkinsci/xunit-plugin, junit-10.xsd.
    """
    suites = [_suite(validation) for validation in validations]
    seconds = sum(validation.seconds for validation in validations)
    root = Element("testsuites", name="levit-mobile validate", time=f"{seconds:.3f}")
    for counted in ("tests", "failures", "errors"):
        root.set(counted, str(sum(int(suite.attrib[counted]) for suite in suites)))
    root.extend(suites)
    indent(root)
    return DECLARATION + tostring(root, encoding="unicode") + "\n"


def _suite(validation: Validation) -> Element:
    cases = [_runs(validation), *(_case(validation, bound) for bound in bounds(validation))]
    suite = Element("testsuite", name=clean(name(validation)), time=f"{validation.seconds:.3f}")
    suite.set("tests", str(len(cases)))
    for counted, tag in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        suite.set(counted, str(sum(case.find(tag) is not None for case in cases)))
    properties = SubElement(suite, "properties")
    for key, value in _properties(validation):
        SubElement(properties, "property", name=clean(key), value=clean(value))
    suite.extend(cases)
    if validation.notes:
        SubElement(suite, "system-out").text = clean("\n".join(validation.notes))
    return suite


def _properties(validation: Validation) -> Iterator[tuple[str, str]]:
    for key in ("bundle", "variant", "recipe", "artifact_sha256", "reference", "pictures_from", "verdict"):
        yield key, getattr(validation, key)
    if validation.labels_source:
        yield "labels_source", validation.labels_source
    yield "processes", str(validation.processes)
    if validation.runtime:
        yield "runtime", f"{validation.runtime.title} {validation.runtime.version}"
    for package, version in validation.versions.items():
        yield f"version.{package}", version


def _runs(validation: Validation) -> Element:
    """Fails for whatever breaks a validation and is no bound, so that nothing broken ends up green."""
    case = _empty_case(validation, RUNS, validation.seconds)
    report = validation.report
    reasons = "; ".join(validation.reasons)
    if validation.verdict == Verdict.NOT_RUN:
        SubElement(case, "skipped", message=clean(reasons))
    elif report and report.defect:
        SubElement(case, "failure", type="defect", message=clean(report.defect))
    elif validation.verdict == Verdict.BROKEN and all(check.holds for check in validation.checks):
        SubElement(case, "failure", type="broken", message=clean(reasons))
    if report:
        SubElement(case, "system-out").text = clean(figures(report))
    return case


def _case(validation: Validation, bound: Bound) -> Element:
    case = _empty_case(validation, bound.check.name, 0.0)
    if not bound.check.holds:
        SubElement(case, "failure", type="bound", message=clean(bound.check.sentence))
    SubElement(case, "system-out").text = clean(f"{bound.title}: found {bound.found}, expected {bound.expected}")
    return case


def _empty_case(validation: Validation, title: str, seconds: float) -> Element:
    return Element("testcase", classname=clean(name(validation)), name=title, time=f"{seconds:.3f}")
