"""The tools that run without being judged, each with the reason; every other tool says what a call would do."""

from collections.abc import Iterable, Mapping

from kernel.specs import Tool

HARMLESS: Mapping[str, str] = {
    "list_files": "reads names inside the workspace",
    "read_file": "reads inside the workspace",
    "search_files": "reads inside the workspace",
    "fetch_url": "reads public pages and changes nothing there",
    "remember": "keeps a note about the person of the turn",
    "recall": "reads notes of the person of the turn",
    "read_channel": "reads what the person of the turn may read themselves",
    "ask_person": "asks the people of the turn's own chat",
    "send_file": "sends a file of the workspace to the turn's own chat",
    "task_create": "puts a task on the board; whoever works on it meets the gate as the person of the turn",
    "task_list": "reads the board",
    "task_read": "reads the board",
    "task_comment": "says something about a task",
    "task_milestone": "names what the turn's own task has reached",
    "task_submit": "ends the turn's own task",
    "remind": "sends the person of the turn their own words, later",
    "cron_list": "reads what is planned",
    "task_hand_off": "passes the turn's own task to another agent, who meets the gate as the same person",
    "task_review": "judges the work that the turn's own task is the review of",
    "task_suggest": "suggests how the task that the turn's own one is the triage of goes on; a person confirms it",
    "diagnose": "reads what the person of the turn may read, and puts a task on the board",
    "diagnosis_submit": "ends the turn's own task, once its evidence was compared with the code",
    "process_poll": "looks at a process that was started through the gate",
    "process_kill": "ends a process that was started through the gate",
}


def check(tools: Iterable[Tool]) -> None:
    """Raise ValueError for a tool that neither says what a call would do nor is listed as harmless."""
    unjudged = sorted(tool.name for tool in tools if tool.action is None and tool.name not in HARMLESS)
    if unjudged:
        raise ValueError(f"These tools would go around the approval gate: {', '.join(unjudged)}.")
