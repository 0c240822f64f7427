"""The risk classifier: what a shell text could do, found without running anything."""

from approvals.shell.context import Context, Override, Overrides, Preset
from approvals.shell.verdict import classify, classify_argv, judge_path

__all__ = ["Context", "Override", "Overrides", "Preset", "classify", "classify_argv", "judge_path"]
