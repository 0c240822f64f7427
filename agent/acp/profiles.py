"""The coding agents that are known by name; importing this loads neither the protocol nor a model library."""

from collections.abc import Mapping

from agent.settings import AcpAgentSettings

# The version of the protocol that is spoken here.
VERSION = 1
# Where a session's coding agent is kept; it goes with the session wherever that is handed over.
BRAIN = "agent"

PRESETS: Mapping[str, AcpAgentSettings] = {
    "claude-code-acp": AcpAgentSettings(
        command="claude-code-acp",
        install="npm install -g @zed-industries/claude-code-acp",
        login="claude /login",
        login_files=("~/.claude/.credentials.json", "~/.claude.json"),
    ),
    "codex": AcpAgentSettings(
        command="codex-acp",
        install="npm install -g @zed-industries/codex-acp",
        login="codex login",
        login_files=("~/.codex/auth.json",),
    ),
    "gemini": AcpAgentSettings(
        command="gemini",
        args=("--experimental-acp",),
        install="npm install -g @google/gemini-cli",
        login="gemini",
        login_files=("~/.gemini/oauth_creds.json",),
    ),
    "opencode": AcpAgentSettings(
        command="opencode",
        args=("acp",),
        install="npm install -g opencode-ai",
        login="opencode auth login",
        login_files=("~/.local/share/opencode/auth.json",),
    ),
}


def profiles(chosen: Mapping[str, AcpAgentSettings]) -> dict[str, AcpAgentSettings]:
    """Return every coding agent by name: the known ones, and those of the settings, which come first."""
    return {**PRESETS, **chosen}
