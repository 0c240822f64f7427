"""Approvals as programs meet them: REST, the MCP permission tool and the commands, on a real gate and store."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from kernel.people import Role, Scope
from tests.support.approval_site import APPROVALS, SECRET, ApprovalSite, approval_site

REQUEST = f"{APPROVALS}/request"


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[ApprovalSite]:
    async with approval_site(tmp_path) as found:
        yield found


def bash(command: str, **more: Any) -> dict[str, Any]:
    return {"tool_name": "Bash", "input": {"command": command}, **more}


async def test_a_question_is_asked_waited_for_and_answered(gate: ApprovalSite) -> None:
    async with await gate.asker() as program, await gate.decider() as person:
        asked = (
            await program.post(APPROVALS, json={"text": "Deploy?", "risk": "high", "timeout": "10m"})
        ).json()
        request = asked["approval"]
        assert (asked["needed"], asked["tier"], request["state"]) == (True, "high", "pending")
        assert request["expires_at"] - request["created_at"] == 600_000
        waiting = asyncio.ensure_future(
            program.get(f"{APPROVALS}/{request['id']}/wait", params={"seconds": 10})
        )
        listed = (await person.get(APPROVALS)).json()
        assert (listed["waiting"], listed["approvals"][0]["choices"]) == (1, ["approve", "reject", "hold"])
        decided = await person.post(
            f"{APPROVALS}/{request['short']}", json={"decision": "approve", "reason": "go"}
        )
        assert decided.json()["outcome"] == "applied"
        heard = (await waiting).json()
        assert (heard["state"], heard["reason"], heard["decided_how"]) == ("done", "go", "once")


async def test_asking_with_wait_answers_in_one_call(gate: ApprovalSite) -> None:
    async with await gate.asker() as program:
        asking = asyncio.ensure_future(program.post(APPROVALS, json={"text": "Now?", "wait": "10s"}))
        [request] = await gate.waiting()
        await gate.decide(request["id"], "reject", reason="not on a Friday")
        found = (await asking).json()["approval"]
        assert (found["state"], found["reason"]) == ("refused", "not on a Friday")


async def test_nobody_decides_what_they_asked_for_and_nobody_without_the_scope_decides(
    gate: ApprovalSite,
) -> None:
    both = await gate.client(Scope.APPROVALS_ASK, Scope.APPROVALS_DECIDE)
    async with both, await gate.asker(Role.OWNER) as other, await gate.client(Scope.ADMIN) as admin:
        id = (await both.post(APPROVALS, json={"text": "May I?"})).json()["approval"]["id"]
        body = {"decision": "approve"}
        for client, sentence in (
            (both, "yourself"),
            (other, "approvals:decide"),
            (admin, "approvals:decide"),
        ):
            answer = await client.post(f"{APPROVALS}/{id}", json=body)
            assert (answer.status_code, sentence in answer.json()["error"]["message"]) == (403, True)
        low = await gate.client(Scope.APPROVALS_READ, Scope.APPROVALS_DECIDE, role=Role.USER)
        async with low:
            answer = await low.post(f"{APPROVALS}/{id}", json=body)
            assert (answer.status_code, "operator" in answer.text) == (403, True)
        async with gate.site.client() as stranger:
            assert (await stranger.post(f"{APPROVALS}/{id}", json=body)).status_code == 401
        assert (await gate.house.get(id)).state == "pending"


async def test_the_second_decision_is_told_who_was_first(gate: ApprovalSite) -> None:
    request = await gate.house.hold("git push --force")
    answers = await asyncio.gather(
        gate.decide(request.id, "approve"),
        gate.decide(request.id, "reject"),
        gate.decide(request.id, "approve"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    late = next(answer.json()["error"] for answer in answers if answer.status_code == 409)
    assert late["code"] == "stale"
    assert late["message"].startswith(("Approved by", "Refused by"))
    await gate.service.wait(request.id, 5, over=True)
    assert len(gate.house.caller.calls) <= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "perhaps"}, 422),
        ({"decision": "edit"}, 422),
        ({"decision": "approve", "text": "ls"}, 422),
        ({"decision": "approve_always"}, 422),
        ({}, 422),
    ],
)
async def test_a_decision_that_cannot_be_is_refused(
    gate: ApprovalSite, body: dict[str, Any], status: int
) -> None:
    request = await gate.house.hold("git push --force")
    async with await gate.decider() as person:
        assert (await person.post(f"{APPROVALS}/{request.id}", json=body)).status_code == status
        assert (await person.post(f"{APPROVALS}/nothing", json={"decision": "approve"})).status_code == 404
    assert (await gate.house.get(request.id)).state == "pending"


async def test_hold_edit_session_and_always_do_what_they_say(gate: ApprovalSite) -> None:
    held = await gate.house.hold("rm notes.txt", "a")
    assert (await gate.decide(held.id, "hold")).json()["approval"]["state"] == "held"
    assert (await gate.decide(held.id, "release")).json()["approval"]["state"] == "pending"
    edited = (await gate.decide(held.id, "edit", text="rm other.txt")).json()
    assert edited["approval"]["text"] == "rm other.txt"
    await gate.service.wait(edited["approval"]["id"], 5, over=True)
    assert [call.action.text for call in gate.house.caller.calls] == ["rm other.txt"]

    lasting = await gate.house.hold("rm more.txt", "b")
    async with await gate.decider() as person:
        shown = (await person.get(f"{APPROVALS}/{lasting.id}")).json()
        assert "exactly 'rm more.txt'" in shown["exact"]
        await gate.decide(lasting.id, "approve_always")
        [permission] = (await person.get("/api/hermes/grants")).json()["grants"]
        assert permission["pattern"] == shown["exact"]
        revoked = await person.request("DELETE", f"/api/hermes/grants/{permission['id']}", json={})
        assert revoked.json()["revoked_by"].startswith("token:")
        assert (await person.get("/api/hermes/grants")).json()["grants"] == []


async def test_a_graver_edit_is_asked_anew(gate: ApprovalSite) -> None:
    request = await gate.house.hold("rm notes.txt")
    answer = await gate.decide(request.id, "edit", text="git push --force")
    assert (answer.status_code, "asked anew" in answer.json()["error"]["message"]) == (409, True)
    [new] = await gate.waiting()
    assert (new["text"], new["tier"], new["supersedes"]) == ("git push --force", "high", request.id)


async def test_lists_are_filtered_and_paged(gate: ApprovalSite) -> None:
    for number in range(5):
        await gate.house.hold(f"rm file{number}.txt", f"call-{number}")
    grave = await gate.house.hold("git push --force", "grave")
    await gate.decide(grave.id, "reject")
    async with await gate.decider() as person:
        first = (await person.get(APPROVALS, params={"limit": 3})).json()
        second = (await person.get(APPROVALS, params={"limit": 3, "before": first["next"]})).json()
        assert first["waiting"] == 5
        names = [one["text"] for one in (*first["approvals"], *second["approvals"])]
        assert names == [f"rm file{number}.txt" for number in (4, 3, 2, 1, 0)]
        assert second["next"] == ""
        for wanted in ({"state": "over"}, {"state": "refused"}, {"state": "all", "tier": "high"}):
            found = (await person.get(APPROVALS, params=wanted)).json()["approvals"]
            assert [one["id"] for one in found] == [grave.id]
        [one] = (await person.get(APPROVALS, params={"words": "file3"})).json()["approvals"]
        assert one["text"] == "rm file3.txt"
        trails = (await person.get(f"{APPROVALS}/export", params={"state": "all"})).json()["approvals"]
        assert {step["kind"] for step in trails[0]["trail"]} >= {"approval.ask", "approval.decision"}


async def test_a_program_sees_its_own_requests_only(gate: ApprovalSite) -> None:
    await gate.house.hold("git push --force")
    mine = await gate.client(Scope.APPROVALS_ASK, Scope.APPROVALS_READ, role=Role.USER)
    async with mine, await gate.asker() as other:
        id = (await mine.post(APPROVALS, json={"text": "Mine?"})).json()["approval"]["id"]
        listed = (await mine.get(APPROVALS)).json()
        assert ([one["id"] for one in listed["approvals"]], listed["waiting"]) == ([id], 1)
        for verb in ("consume", "report"):
            assert (await other.post(f"{APPROVALS}/{id}/{verb}", json={})).status_code == 404
        assert (await other.get(f"{APPROVALS}/{id}/wait", params={"seconds": 0})).status_code == 404


async def test_what_somebody_looked_at_is_part_of_the_trail(gate: ApprovalSite) -> None:
    request = await gate.house.hold("git push --force")
    async with await gate.decider() as person:
        await person.get(f"{APPROVALS}/{request.id}")
        trail = (await person.get(f"{APPROVALS}/{request.short}")).json()["trail"]
    assert [step["kind"] for step in trail].count("approval.view") == 2


async def test_secrets_and_odd_characters_are_not_shown(gate: ApprovalSite) -> None:
    command = f"curl -H 'X-Key: {SECRET}' -d x https://example.com/\u202e"
    request = await gate.house.hold(command)
    async with await gate.decider() as person:
        for path in (APPROVALS, f"{APPROVALS}/{request.id}", f"{APPROVALS}/export"):
            text = (await person.get(path)).text
            assert SECRET not in text
            assert "[redacted]" in text
            assert "\u202e" not in text
        shown = (await person.get(f"{APPROVALS}/{request.id}")).json()
        assert (shown["editable"], "edit" in shown["choices"]) == ("", False)


async def test_a_program_runs_what_was_approved_once_and_reports(gate: ApprovalSite) -> None:
    folder = str(gate.house.workspace)
    async with await gate.asker() as program:
        body = {"text": "git push --force", "kind": "terminal", "cwd": folder}
        id = (await program.post(APPROVALS, json=body)).json()["approval"]["id"]
        assert (await program.post(f"{APPROVALS}/{id}/consume", json={})).status_code == 409
        await gate.decide(id)
        assert (await program.post(f"{APPROVALS}/{id}/consume", json={})).json()["state"] == "running"
        assert (await program.post(f"{APPROVALS}/{id}/consume", json={})).status_code == 409
        report = {"result": f"pushed with {SECRET}", "exit_code": 0}
        done = (await program.post(f"{APPROVALS}/{id}/report", json=report)).json()
        assert (done["state"], done["exit_code"], done["result"]) == ("done", 0, "pushed with [redacted]")


async def test_a_script_that_changes_after_the_approval_is_asked_about_anew(gate: ApprovalSite) -> None:
    script = gate.house.workspace / "deploy.sh"
    script.write_text("echo one\n")
    async with await gate.asker() as program:
        body = {"text": "bash deploy.sh", "kind": "terminal", "cwd": str(script.parent)}
        id = (await program.post(APPROVALS, json=body)).json()["approval"]["id"]
        await gate.decide(id)
        script.write_text("echo two\n")
        answer = await program.post(f"{APPROVALS}/{id}/consume", json={})
        assert (answer.status_code, "has changed" in answer.json()["error"]["message"]) == (409, True)
        waiting = (await program.get(f"{APPROVALS}/{id}/wait", params={"seconds": 0})).json()
        assert (waiting["supersedes"], waiting["state"]) == (id, "pending")


async def test_harmless_commands_are_not_asked_about_and_forbidden_ones_are_refused(
    gate: ApprovalSite,
) -> None:
    async with await gate.asker() as program:
        passed = await program.post(APPROVALS, json={"text": "git status", "kind": "terminal"})
        assert passed.json() == {"needed": False, "tier": "none", "approval": None}
        refused = await program.post(APPROVALS, json={"text": "rm -rf /", "kind": "terminal"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "access_denied")


async def test_a_loop_gone_wild_does_not_bury_what_others_ask(gate: ApprovalSite) -> None:
    async with await gate.asker() as program, await gate.asker() as other:
        answers = [await program.post(APPROVALS, json={"text": f"Number {n}?"}) for n in range(101)]
        assert [answer.status_code for answer in answers].count(200) == 100
        assert answers[-1].status_code == 422
        assert (await other.post(APPROVALS, json={"text": "Mine?"})).status_code == 200


async def test_what_a_lowly_program_asks_shows_it_nothing_of_the_files_it_names(gate: ApprovalSite) -> None:
    script = gate.house.workspace / "private.sh"
    script.write_text("psql -c 'DROP TABLE salaries'\n")
    body = {"text": "bash private.sh", "kind": "terminal", "cwd": str(script.parent)}
    async with await gate.asker() as program, await gate.asker(Role.OPERATOR) as trusted:
        assert "salaries" not in (await program.post(APPROVALS, json=body)).text
        assert "salaries" in (await trusted.post(APPROVALS, json=body)).text


async def test_classifying_runs_and_opens_nothing(gate: ApprovalSite) -> None:
    async with await gate.asker() as program:
        found = (await program.post("/api/hermes/classify", json={"text": "git push --force; ls"})).json()
    assert (found["tier"], [one["tier"] for one in found["segments"]]) == ("high", ["high", "none"])
    assert found["reasons"][0]["text"] == "--force"


async def test_an_unknown_outcome_is_settled_and_an_expired_request_is_asked_again(
    gate: ApprovalSite,
) -> None:
    async with await gate.asker() as program, await gate.decider() as person:
        body = {"text": "Quick?", "timeout": 0.05, "wait": 5}
        found = (await program.post(APPROVALS, json=body)).json()["approval"]
        assert (found["state"], found["choices"]) == ("expired", ["again"])
        again = (await person.post(f"{APPROVALS}/{found['id']}/again", json={})).json()
        assert again["replacement"]["supersedes"] == found["id"]
        late = await person.post(f"{APPROVALS}/{found['id']}", json={"decision": "approve"})
        assert late.status_code == 409
        settled = await person.post(f"{APPROVALS}/{found['id']}/settle", json={"happened": True})
        assert settled.status_code == 409


# The permission tool


async def test_a_permission_prompt_is_allowed_with_its_input_or_denied_with_a_sentence(
    gate: ApprovalSite,
) -> None:
    async with await gate.asker() as agent:
        harmless = await agent.post(REQUEST, json=bash("git status", tool_use_id="toolu_1", more="ignored"))
        assert harmless.json() == {"behavior": "allow", "updatedInput": {"command": "git status"}}
        denied = (await agent.post(REQUEST, json=bash("rm -rf /"))).json()
        assert (denied["behavior"], "never runs" in denied["message"]) == ("deny", True)

        asking = asyncio.ensure_future(agent.post(REQUEST, json=bash("git push --force")))
        [request] = await gate.waiting()
        await gate.decide(request["id"])
        assert (await asking).json() == {"behavior": "allow", "updatedInput": {"command": "git push --force"}}
        assert (await gate.house.get(request["id"])).state == "done"

        asking = asyncio.ensure_future(agent.post(REQUEST, json=bash("git push --force")))
        [request] = await gate.waiting()
        await gate.decide(request["id"], "reject", reason="wait for CI")
        answer = (await asking).json()
        assert (answer["behavior"], set(answer)) == ("deny", {"behavior", "message"})
        assert "wait for CI" in answer["message"]


async def test_an_edited_command_is_what_the_agent_is_told_to_run(gate: ApprovalSite) -> None:
    async with await gate.asker() as agent:
        call = bash("git push --force")
        call["input"]["description"] = "push"
        asking = asyncio.ensure_future(agent.post(REQUEST, json=call))
        [request] = await gate.waiting()
        await gate.decide(request["id"], "edit", text="git push")
        assert (await asking).json()["updatedInput"] == {"command": "git push", "description": "push"}


async def test_an_agent_that_gave_up_and_calls_again_finds_its_answer(gate: ApprovalSite) -> None:
    async with await gate.asker() as agent:
        first = asyncio.ensure_future(agent.post(REQUEST, json=bash("git push --force")))
        [request] = await gate.waiting()
        second = asyncio.ensure_future(agent.post(REQUEST, json=bash("git push --force")))
        await asyncio.sleep(0.3)
        assert len(await gate.waiting()) == 1
        await gate.decide(request["id"])
        answers = [(await one).json()["behavior"] for one in (first, second)]
        assert answers == ["deny", "allow"]


async def test_a_plain_question_over_the_tool_says_who_decided(gate: ApprovalSite) -> None:
    async with await gate.asker() as agent:
        asking = asyncio.ensure_future(
            agent.post(REQUEST, json={"question": "Merge?", "risk": "high", "timeout": "1m"})
        )
        [request] = await gate.waiting()
        assert request["tier"] == "high"
        await gate.decide(request["id"])
        answer = (await asking).json()
        assert (answer["behavior"], answer["approved"], answer["request"]) == (
            "allow",
            True,
            request["short"],
        )
        late = (await agent.post(REQUEST, json={"question": "Quick?", "timeout": 0.05})).json()
        assert (late["behavior"], late["approved"], late["state"]) == ("deny", False, "expired")
        for wrong in ({}, {"question": "a", "tool_name": "Bash"}):
            assert (await agent.post(REQUEST, json=wrong)).status_code == 422


@asynccontextmanager
async def mcp_client(gate: ApprovalSite, *scopes: Scope) -> AsyncGenerator[Client]:
    token = await gate.site.token(*scopes, role=Role.USER)
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{gate.site.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def test_an_mcp_client_asks_and_can_neither_decide_nor_grant(gate: ApprovalSite) -> None:
    every = (Scope.APPROVALS_ASK, Scope.APPROVALS_READ, Scope.APPROVALS_DECIDE, Scope.READ)
    async with mcp_client(gate, *every) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {
            "request_approval", "approvals_list", "approvals_get", "approvals_wait", "grants_list", "classify",
        }  # fmt: skip
        asking = asyncio.ensure_future(client.call_tool("request_approval", bash("git push --force")))
        [request] = await gate.waiting()
        await gate.decide(request["id"])
        result = await asking
        assert result.is_error is not True
        [content] = result.content
        assert json.loads(getattr(content, "text")) == {  # noqa: B009 - a content of another kind has none
            "behavior": "allow", "updatedInput": {"command": "git push --force"},
        }  # fmt: skip


# The commands


async def test_hermes_ask_ends_with_the_decision(gate: ApprovalSite) -> None:
    asking = await gate.launch("ask", "Deploy to production?", "--risk", "high", "--timeout", "10m")
    [request] = await gate.waiting()
    assert (request["text"], request["tier"], request["requester"]) == (
        "Deploy to production?",
        "high",
        "cli",
    )
    await gate.decide(request["id"])
    out, err = await asking.communicate()
    assert asking.returncode == 0
    assert out.startswith(b"Approved by test")
    assert request["short"].encode() in err

    asking = await gate.launch("ask", "-")
    assert asking.stdin is not None
    asking.stdin.write(b"From a pipe?\n")
    asking.stdin.close()
    [request] = await gate.waiting()
    assert request["text"] == "From a pipe?"
    await gate.decide(request["id"], "reject", reason="no")
    out, _ = await asking.communicate()
    assert (asking.returncode, b"Reason: no" in out) == (3, True)

    code, out_text, _ = await gate.command("ask", "Quick?", "--timeout", "0.2s")
    assert (code, out_text.startswith("Expired")) == (4, True)


async def test_hermes_ask_can_not_be_answered_by_the_one_who_asked(gate: ApprovalSite) -> None:
    asking = await gate.launch("ask", "Mine?", "--timeout", "1m")
    [request] = await gate.waiting()
    code, _, err = await gate.command("approvals", "approve", request["short"])
    assert (code, "yourself" in err) == (1, True)
    await gate.decide(request["id"])
    await asking.communicate()
    assert asking.returncode == 0


async def test_hermes_ask_waits_through_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async with approval_site(tmp_path) as gate:
        asking = await gate.launch("ask", "Still there?")
        [request] = await gate.waiting()
    async with approval_site(tmp_path, again=True) as gate:
        await gate.decide(request["id"])
        out, _ = await asking.communicate()
        assert (asking.returncode, out.startswith(b"Approved by")) == (0, True)


async def test_a_question_without_a_gateway_is_not_approved(tmp_path: Path) -> None:
    async with approval_site(tmp_path) as gate:
        pass
    for words in (
        ("ask", "Anybody?"),
        ("guard", "--", "rm", "notes.txt"),
        ("guard", "--risk", "low", "--", "ls"),
    ):
        code, out, err = await gate.command(*words)
        assert (code, out, err.startswith("hermes: ")) == (1, "", True)


async def test_what_is_harmless_needs_no_gateway_to_be_guarded(tmp_path: Path) -> None:
    async with approval_site(tmp_path) as gate:
        pass
    assert await gate.command("guard", "--", "echo", "a  b", "$HOME") == (0, "a  b $HOME\n", "")


async def test_hermes_guard_runs_what_is_harmless_at_once(gate: ApprovalSite) -> None:
    code, out, err = await gate.command("guard", "--", "echo", "a  b", "--flag", "$HOME")
    assert (code, out, err) == (0, "a  b --flag $HOME\n", "")
    assert (await gate.command("guard", "--", "no-such-program"))[0] == 127
    code, _, err = await gate.command("guard", "--", "rm", "-rf", "/")
    assert (code, "never runs" in err) == (3, True)


async def test_hermes_guard_runs_exactly_what_was_approved_and_reports(gate: ApprovalSite) -> None:
    target = gate.house.workspace / "old notes.txt"
    target.write_text("x")
    guarding = await gate.launch("guard", "--", "rm", "-v", "old notes.txt")
    [request] = await gate.waiting()
    assert request["text"].endswith("rm -v 'old notes.txt'")
    assert (request["tier"], request["cwd"]) == ("medium", str(gate.house.workspace))
    assert target.exists()
    await gate.decide(request["id"])
    out, _ = await guarding.communicate()
    assert (guarding.returncode, target.exists(), b"old notes.txt" in out) == (0, False, True)
    done = await gate.house.get(request["id"])
    assert (done.state, done.exit_code) == ("done", 0)

    guarding = await gate.launch("guard", "--", "rm", "gone.txt")
    [request] = await gate.waiting()
    await gate.decide(request["id"])
    await guarding.communicate()
    assert (guarding.returncode, (await gate.house.get(request["id"])).exit_code) == (1, 1)


async def test_hermes_guard_runs_nothing_that_was_refused_or_has_changed(gate: ApprovalSite) -> None:
    script = gate.house.workspace / "wipe.sh"
    script.write_text("touch ran\n")
    for decision in ("reject", "approve"):
        guarding = await gate.launch("guard", "--", "bash", "wipe.sh")
        [request, *_] = await gate.waiting()
        # Between the look and the run the script becomes another one.
        guarding.send_signal(signal.SIGSTOP)
        await gate.decide(request["id"], decision)
        script.write_text(f"touch ran {decision}\n")
        guarding.send_signal(signal.SIGCONT)
        _, err = await guarding.communicate()
        assert (guarding.returncode, (script.parent / "ran").exists()) == (3, False), err
    assert b"has changed" in err


async def test_the_owner_lists_shows_decides_and_exports_in_the_terminal(gate: ApprovalSite) -> None:
    request = await gate.house.hold("git push --force")
    other = await gate.house.hold(f"rm file.txt {SECRET}", "second")
    code, out, _ = await gate.command("approvals", "list")
    assert (code, request.short in out, SECRET in out) == (0, True, False)
    _, out, _ = await gate.command("approvals", "show", request.short)
    assert "rewrites or deletes what is on the remote" in out
    _, out, _ = await gate.command("approvals", "deny", request.short, "--reason", "no")
    assert out == "Refused.\n"
    _, out, _ = await gate.command("approvals", "approve", other.short, "--always")
    assert out.startswith("Approved, and the same again from now on")
    _, out, _ = await gate.command("grants", "list", "--json")
    [permission] = json.loads(out)
    code, out, _ = await gate.command("grants", "revoke", permission["id"])
    assert (code, out.startswith("Revoked: ")) == (0, True)
    _, out, _ = await gate.command("approvals", "export", "--days", "1")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [one["id"] for one in lines] == [other.id, request.id]
    assert SECRET not in out
    code, _, err = await gate.command("approvals", "approve", request.short)
    assert (code, "Refused by" in err) == (1, True)


async def test_hermes_classify_needs_no_gateway_and_reads_any_bytes(tmp_path: Path) -> None:
    async def classify(text: bytes, *words: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("hermes"), "--home", tmp_path / "none", "classify", *words,
            cwd=tmp_path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate(text)
        assert process.returncode == 0
        return json.loads(out) if "--json" in words else out.decode()

    found = await classify(b"git push --force origin main\n", "--json")
    assert (found["tier"], set(found)) == ("high", {"tier", "reasons", "segments", "digest"})
    assert found["reasons"][0]["text"]
    assert (await classify(b"ls \x80\xff", "--json"))["tier"] == "high"
    assert (await classify(b"")) == "none\n"
    assert (await classify(b"ls -la", "--cwd", "/")).startswith("none")
    assert not (tmp_path / "none").exists()
