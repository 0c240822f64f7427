"""Crash points are inert unless a test arms them."""

import subprocess
import sys

import pytest

from hermes.start import arm_tests
from kernel.crashpoints import CRASHPOINTS, arm, crashpoint
from kernel.errors import ConfigError


def test_unarmed_points_do_nothing() -> None:
    for name in CRASHPOINTS:
        crashpoint(name)


def test_an_unknown_point_cannot_be_armed() -> None:
    with pytest.raises(KeyError):
        arm("nowhere.at_all")
    with pytest.raises(ConfigError, match="There is no crash point nowhere"):
        arm_tests("1", "nowhere", "")


def test_without_the_flag_of_a_test_nothing_is_armed() -> None:
    arm_tests("", "nowhere", "7")
    arm_tests("0", "turn.after_start", "")
    crashpoint("turn.after_start")


def test_an_armed_point_kills_the_process_at_the_pass_it_was_told() -> None:
    script = (
        "from kernel.crashpoints import arm, crashpoint\n"
        "arm('turn.after_start', 2)\n"
        "crashpoint('turn.after_start')\n"
        "print('once', flush=True)\n"
        "crashpoint('turn.after_model')\n"
        "crashpoint('turn.after_start')\n"
        "print('twice', flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (-9, "once\n")
