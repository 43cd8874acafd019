import re
from pathlib import Path

import pytest

from tests.peers.comparison import Comparison, ill_formed, is_clean, outcomes_of, report

JUNIT = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">
<testcase classname="tests.test_kernel" name="test_print" time="0.1"/>
<testcase classname="tests.test_kernel" name="test_fork[1]"><failure message="no"/></testcase>
<testcase classname="tests.test_kernel" name="test_sub"><skipped message="later"/></testcase>
<testcase classname="papermill.tests.test_execute.TestX" name="test_y"><error/></testcase>
</testsuite></testsuites>"""

REASON = "by design: the kernel survives"


def compared(reference, ours, reasons=()):
    return Comparison("ipykernel", reference, ours, dict(reasons))


def test_tests_are_named_by_module_and_class_whatever_the_package():
    assert outcomes_of(JUNIT) == {
        "test_kernel::test_print": "passed",
        "test_kernel::test_fork[1]": "failed",
        "test_kernel::test_sub": "skipped",
        "test_execute.TestX::test_y": "failed",
    }


def test_an_error_in_a_teardown_makes_a_passed_test_fail():
    xml = """<testsuite>
    <testcase classname="tests.t" name="a"><error/></testcase>
    <testcase classname="tests.t" name="a"/></testsuite>"""
    assert outcomes_of(xml) == {"t::a": "failed"}


def test_runs_that_agree_are_clean():
    same = {"t::a": "passed", "t::b": "failed", "t::c": "skipped"}
    assert is_clean([compared(same, same)])


@pytest.mark.parametrize("ours", [{"t::a": "failed"}, {"t::a": "skipped"}, {}])
def test_what_passes_only_with_the_reference_needs_a_reason(ours):
    comparison = compared({"t::a": "passed"}, ours)
    assert comparison.unexplained == ["t::a"]
    assert not is_clean([comparison])
    assert is_clean([compared({"t::a": "passed"}, ours, {"t::a": REASON})])


def test_one_reason_may_stand_for_all_parameters_of_a_test():
    reference = {"t::a[1]": "passed", "t::a[2]": "passed", "t::b": "passed"}
    ours = {"t::a[1]": "failed", "t::a[2]": "passed", "t::b": "passed"}
    assert is_clean([compared(reference, ours, {"t::a": REASON})])


def test_a_listed_difference_that_passes_is_outdated():
    comparison = compared({"t::a[1]": "passed"}, {"t::a[1]": "passed"}, {"t::a": REASON})
    assert comparison.outdated == ["t::a"]
    assert not is_clean([comparison])


def test_a_listed_difference_that_no_suite_has_is_outdated():
    assert compared({}, {}, {"t::gone": REASON}).outdated == ["t::gone"]


@pytest.mark.parametrize("ours", ["passed", "failed"])
def test_a_difference_that_depends_on_timing_may_pass(ours):
    comparison = compared({"t::a": "passed"}, {"t::a": ours}, {"t::a": "at times: a race"})
    assert is_clean([comparison])


def test_a_difference_that_depends_on_timing_is_outdated_when_its_test_is_gone():
    assert compared({}, {}, {"t::a": "at times: a race"}).outdated == ["t::a"]


def test_a_listed_difference_may_fail_with_the_reference_too():
    assert is_clean([compared({"t::a": "failed"}, {"t::a": "failed"}, {"t::a": REASON})])


def test_what_fails_only_with_the_reference_is_shown_and_needs_no_reason():
    comparison = compared({"t::a": "failed"}, {"t::a": "passed"})
    assert is_clean([comparison])
    assert "t::a\n    passes here" in report([comparison])


def test_the_report_counts_each_suite_and_explains_each_difference():
    reference = {"t::a": "passed", "t::b": "passed", "t::c": "skipped"}
    ours = {"t::a": "passed", "t::b": "failed", "t::c": "skipped"}
    text = report([compared(reference, ours, {"t::b": REASON})])
    assert re.search(r"^ipykernel +3 +2 +0 +1 +1$", text, flags=re.MULTILINE)
    assert f"ipykernel t::b\n    {REASON}" in text
    assert "NO REASON" in report([compared(reference, ours)])


def test_a_reason_says_of_which_kind_it_is():
    reasons = {"a": REASON, "b": "white box: its own class", "c": "not yet: x", "d": "flaky"}
    assert ill_formed(reasons) == ["d"]


def test_every_line_of_the_list_of_differences_says_of_which_kind_it_is():
    text = Path(__file__).with_name("differences.toml").read_text("utf-8")
    listed = re.findall(r'^"[\w.:\[\]]+" = "(.*)"$', text, flags=re.MULTILINE)
    assert listed
    assert not ill_formed({reason: reason for reason in listed})
