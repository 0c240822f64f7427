"""The gate: every risky action becomes a request, a decision and at most one execution.

For those who build on it:

    service = ApprovalService(database, bus, clock, settings, policy, notifier, caller, redact=…)
    found = await service.open(group)                     # after a start: recovery, clocks; before intake
    service.configure(settings, policy)                   # settings were read again
    await service.drain(seconds)                          # clocks stop, running actions get some time

    await service.check(context, tool, arguments)         # kernel.ports.Gate; passes, raises Held or AccessDenied
    await service.assess(action)      -> Assessed         # what would be asked, bound; no row is written
    await service.ask(requester, action, risk=…, timeout_ms=…, origin=…) -> Approval    # a program asks
    await service.wait(id, seconds)   -> Approval         # returns when decided, carried out, or after ``seconds``
    await service.consume(id, requester) -> Approval      # a program that runs the action itself takes the approval
    await service.report(id, requester, result, exit_code) -> Approval

    await service.decide(ref, principal, how, reason=…, edited=…, reach=…, code=…) -> Verdict
    await service.settle(ref, principal, happened=…, note=…) -> Verdict    # an unknown outcome, told by a person
    await service.ask_again(ref, principal) -> Verdict    # a request that expired, anew
    await service.cancel(session_id, actor) -> int
    await service.revoke(grant_id, principal) -> Grant
    await service.viewed(id, actor)                       # a page or card was opened
    service.mode, service.facts()                         # for every status

``ref`` is an id or the short name. Reading (lists, filters, export, cards of a request) is in ``store.approvals`` and
``store.grants``; what a person reads about a request is in ``approvals.wording``.
"""
