"""Two runs of one suite, side by side: what differs, whether we know why, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

#: How a reason in `differences.toml` begins; the rest of it is for people.
AT_TIMES = "at times: "
KINDS = ("by design: ", "white box: ", "not yet: ", AT_TIMES)

#: Of two entries for one test, such as a pass and an error in its teardown, the graver counts.
GRAVITY = ("passed", "skipped", "failed")

MISSING = "missing"

Outcomes = dict[str, str]


def outcomes_of(junit_xml: str) -> Outcomes:
    """Map `test_module.Class::test[parameters]` to passed, skipped or failed."""
    outcomes: Outcomes = {}
    for case in ET.fromstring(junit_xml).iter("testcase"):
        test, outcome = _name(case), _outcome(case)
        outcomes[test] = max(outcomes.get(test, "passed"), outcome, key=GRAVITY.index)
    return outcomes


def _name(case: ET.Element) -> str:
    # "papermill.tests.test_execute.TestX" in one project is "tests.test_kernel" in another.
    place = case.get("classname", "").rpartition("tests.")[2]
    return f"{place}::{case.get('name')}"


def _outcome(case: ET.Element) -> str:
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in tags else "passed"


def ill_formed(reasons: Mapping[str, str]) -> list[str]:
    return [test for test, reason in reasons.items() if not reason.startswith(KINDS)]


@dataclass(frozen=True)
class Comparison:
    """`reasons` maps a test, or all parameters of one (`test_x` for `test_x[1]`), to a reason."""

    suite: str
    reference: Outcomes
    ours: Outcomes
    reasons: Mapping[str, str]

    @property
    def differences(self) -> list[str]:
        """Tests that pass with the reference and not with us."""
        return [
            test
            for test, outcome in self.reference.items()
            if outcome == "passed" and self._ours(test) != "passed"
        ]

    @property
    def only_ours(self) -> list[str]:
        """Tests that fail with the reference only. They ask for no reason: it may be its bug."""
        return [
            test
            for test, outcome in self.reference.items()
            if outcome == "failed" and self._ours(test) == "passed"
        ]

    @property
    def unexplained(self) -> list[str]:
        return [test for test in self.differences if not self.reason(test)]

    @property
    def outdated(self) -> list[str]:
        """Listed tests that pass with us by now, or that the suite does not have."""
        return [key for key in self.reasons if self._is_outdated(key)]

    def reason(self, test: str) -> str:
        return self.reasons.get(test) or self.reasons.get(test.partition("[")[0], "")

    def _ours(self, test: str) -> str:
        return self.ours.get(test, MISSING)

    def _is_outdated(self, key: str) -> bool:
        meant = [test for test in self.reference if key in (test, test.partition("[")[0])]
        if meant and self.reasons[key].startswith(AT_TIMES):
            return False
        return all(self._ours(test) == "passed" for test in meant)


def is_clean(comparisons: Iterable[Comparison]) -> bool:
    return not any(each.unexplained or each.outdated for each in comparisons)


def report(comparisons: Iterable[Comparison]) -> str:
    comparisons = list(comparisons)
    heads = ["suite", "tests", "ipykernel passed", "failed", "wherry passed", "failed"]
    parts = [_table([heads, *map(_row, comparisons)])]
    parts += [_details(each) for each in comparisons]
    return "\n\n".join(part for part in parts if part)


def _row(comparison: Comparison) -> list[str]:
    row = [comparison.suite, str(len(comparison.reference))]
    for outcomes in (comparison.reference, comparison.ours):
        counts = Counter(outcomes.values())
        row += [str(counts["passed"]), str(counts["failed"])]
    return row


def _table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: list[str], widths: list[int]) -> str:
    first, *numbers = row
    cells = [first.ljust(widths[0])]
    cells += [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join(cells)


def _details(comparison: Comparison) -> str:
    each = [
        (test, comparison.reason(test) or "NO REASON: find it, or write it into differences.toml")
        for test in comparison.differences
    ]
    each += [(test, "OUTDATED: passes or is gone; delete it") for test in comparison.outdated]
    each += [(test, "passes here, fails with ipykernel") for test in comparison.only_ours]
    return "\n".join(f"{comparison.suite} {test}\n    {words}" for test, words in each)
