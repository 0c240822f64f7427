"""The risk classifier: what a shell text could do, found without running anything."""

from approvals.shell.verdict import classify, classify_argv, judge_path
from approvals.shell.context import Context, Override, Overrides, Preset

__all__ = ["Context", "Override", "Overrides", "Preset", "classify", "classify_argv", "judge_path"]
