"""Settings of the agent room; importing them loads no model library."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A group of settings that refuses unknown keys and does not change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeoutSettings(Section):
    """How long a model may keep us waiting, in seconds."""

    first_byte: float = Field(
        default=60.0, gt=0, description="Seconds until the first piece of an answer must arrive."
    )
    idle: float = Field(
        default=60.0, gt=0, description="Seconds of silence within an answer before it counts as broken."
    )
    answer: float = Field(
        default=600.0, gt=0, description="Seconds one answer may take from its request to its end."
    )
    turn: float = Field(
        default=1800.0, gt=0, description="Seconds a whole turn may take, waiting for people not included."
    )


class RetrySettings(Section):
    """What happens when a model answers with 429, 5xx or not in time."""

    attempts: int = Field(
        default=3, ge=1, le=10, description="How often one model is asked before the next one steps in."
    )
    first_wait: float = Field(
        default=1.0, ge=0, description="Seconds before the second attempt; it doubles after each."
    )
    longest_wait: float = Field(
        default=30.0, ge=0, description="Upper limit in seconds, also for a model's Retry-After."
    )


class BudgetSettings(Section):
    """Limits of one turn and of one day; empty means no limit."""

    steps: int = Field(default=50, ge=1, description="Model requests per turn.")
    calls: int = Field(default=200, ge=1, description="Tool calls per turn.")
    calls_at_once: int = Field(
        default=32, ge=1, description="Tool calls accepted from one answer of a model."
    )
    tokens: int | None = Field(default=None, ge=1, description="Tokens per turn, input and output together.")
    money: float | None = Field(
        default=None, gt=0, description="US dollars per turn, as far as prices are known."
    )
    day_tokens: int | None = Field(
        default=None, ge=1, description="Tokens per day (owner's timezone), all sessions."
    )
    day_money: float | None = Field(
        default=None, gt=0, description="US dollars per day (owner's timezone), all sessions."
    )


class ContextSettings(Section):
    """How much of a long conversation is sent to the model."""

    trim_above: int = Field(
        default=60_000,
        ge=1,
        description="Tokens (estimated) above which old tool output is left out of requests.",
    )
    compact_above: int = Field(
        default=120_000,
        ge=1,
        description="Tokens (estimated) above which older messages are replaced by a summary.",
    )
    keep_messages: int = Field(
        default=20, ge=2, description="Newest messages that are never trimmed or summarised."
    )
    kept_output: int = Field(default=400, ge=0, description="Characters kept of a trimmed tool output.")
    shaping_file: int = Field(
        default=20_000, ge=0, description="Characters used of AGENTS.md and of SOUL.md, each."
    )
    answer: int = Field(
        default=200_000, ge=1000, description="Characters of one answer after which the model is cut off."
    )
    text_attachment: int = Field(
        default=20_000, ge=0, description="Characters shown of a text file that came with a message."
    )
    image: int = Field(
        default=5_000_000, ge=0, description="Bytes of an image that is still shown to the model."
    )


SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class TerminalSettings(Section):
    """How commands run that agents ask for."""

    enabled: bool = Field(default=True, description="Offer the terminal to agents.")
    timeout: float = Field(
        default=120.0, gt=0, description="Seconds a command may take unless it asks for another time."
    )
    longest: float = Field(default=1500.0, gt=0, description="Seconds a command may ask for at most.")
    background: int = Field(default=8, ge=0, description="Background processes that may run at once.")
    keep_output: int = Field(
        default=50_000_000,
        ge=0,
        description="Bytes kept as a file of an output that is too long to be shown whole.",
    )
    path: str = Field(
        default=SEARCH_PATH, min_length=1, description="PATH of commands; folders, separated by colons."
    )
    environment: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Variables every command gets besides PATH, HOME, LANG and the like.",
    )
    sandbox: Literal["off", "auto", "required"] = Field(
        default="off",
        description="Run commands in bubblewrap: auto where it works, required: or not at all.",
    )
    network: bool = Field(default=True, description="Let commands in the sandbox use the network.")
    writable: tuple[str, ...] = Field(
        default=(), description="Folders that sandboxed commands may write to, besides workspace and /tmp."
    )


class ToolSettings(Section):
    """Limits of the built-in tools."""

    output: int = Field(
        default=30_000, ge=500, description="Characters of a tool's output that the model sees."
    )
    read_file: int = Field(
        default=1_000_000, ge=1000, description="Bytes of the largest file that is read or searched."
    )
    write_file: int = Field(
        default=2_000_000, ge=1000, description="Bytes of the largest file that is written."
    )
    send_file: int = Field(default=50_000_000, ge=1000, description="Bytes of the largest file that is sent.")
    entries: int = Field(
        default=500, ge=1, description="Entries of a folder listing and matches of a search."
    )
    timeout: float = Field(default=120.0, gt=0, description="Seconds a tool call may take.")
    terminal: TerminalSettings = Field(
        default=TerminalSettings(), description="How commands run that agents ask for."
    )


class FetchSettings(Section):
    """Limits of the fetch tool."""

    size: int = Field(
        default=2_000_000, ge=1000, description="Bytes of a page that are read; the rest is left out."
    )
    timeout: float = Field(default=30.0, gt=0, description="Seconds for the whole fetch, redirects included.")
    redirects: int = Field(
        default=5, ge=0, description="Redirects that are followed; each is checked like the first address."
    )
    proxy: str = Field(
        default="", description="Proxy URL for fetches; it must refuse private addresses itself."
    )
    allow_private: tuple[str, ...] = Field(
        default=(),
        description="Networks (such as 192.168.1.0/24) that may be fetched although they are private.",
    )


class McpServerSettings(Section):
    """One MCP server whose tools are offered to agents: either ``command`` (stdio) or ``url`` (HTTP)."""

    command: str = Field(default="", description="Program that speaks MCP on standard input and output.")
    args: tuple[str, ...] = Field(default=(), description="Arguments of the program.")
    env: dict[str, SecretStr] = Field(
        default_factory=dict, description="Environment of the program, besides PATH."
    )
    url: str = Field(default="", description="Address of a streamable HTTP server.")
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="HTTP headers, such as Authorization."
    )
    timeout: float = Field(default=30.0, gt=0, description="Seconds for connecting and for one call.")
    safe_tools: tuple[str, ...] = Field(
        default=(), description="Names of its tools that run unasked; all others wait for an approval."
    )


class AcpAgentSettings(Section):
    """A coding agent that speaks the Agent Client Protocol on its standard input and output."""

    command: str = Field(min_length=1, description="The program, by name or absolute path.")
    args: tuple[str, ...] = Field(default=(), description="Arguments of the program.")
    environment: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Variables the program gets besides those of every command; nothing else of the daemon's.",
    )
    mode: str = Field(default="", description="The agent's mode a session begins in; empty: its own default.")
    install: str = Field(default="", description="The command that installs it, shown where it is missing.")
    login: str = Field(default="", description="The command that logs it in, shown where it is not.")
    login_files: tuple[str, ...] = Field(
        default=(), description="Files of which one exists once it is logged in; empty: not checked."
    )
    start: float = Field(default=60.0, gt=0, description="Seconds it may take to start and open a session.")
    silence: float = Field(
        default=600.0, gt=0, description="Seconds without a sign of life, waiting for people not included."
    )
    keep: float = Field(default=900.0, ge=0, description="Seconds its process is kept after the last turn.")


ServerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]


class ModelSettings(Section):
    """A model and how it is reached."""

    model: str = Field(
        default="offline",
        pattern=r"^(offline|[\w-]+:\S+)$",
        description='"provider:name" such as "openai:gpt-5.2", or "offline" for the built-in operator.',
    )
    base_url: str = Field(
        default="", description="Address of an OpenAI-compatible server; empty means the provider's own."
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="Key for the provider; keep it in the secrets file."
    )


class AgentSettings(ModelSettings):
    """How agents think: the model, its budgets and its tools."""

    provider_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Keys by provider ("openai", "anthropic" …), used where api_key is empty.',
    )
    fallback: tuple[ModelSettings, ...] = Field(default=(), description="Models that step in, in this order.")
    proxy: str = Field(default="", description="Proxy URL for requests to models.")
    thinking: Literal["", "low", "medium", "high"] = Field(
        default="", description="Thinking effort; empty leaves it alone."
    )
    instructions: str = Field(
        default="", description="What every agent is told besides AGENTS.md and SOUL.md."
    )
    timeouts: TimeoutSettings = Field(
        default=TimeoutSettings(), description="How long a model may keep us waiting."
    )
    retries: RetrySettings = Field(
        default=RetrySettings(), description="What happens when a model fails for the moment."
    )
    budget: BudgetSettings = Field(default=BudgetSettings(), description="Limits of one turn and of one day.")
    context: ContextSettings = Field(
        default=ContextSettings(), description="How much of a conversation is sent."
    )
    tools: ToolSettings = Field(default=ToolSettings(), description="Limits of the built-in tools.")
    fetch: FetchSettings = Field(default=FetchSettings(), description="Limits of the fetch tool.")
    mcp: dict[ServerName, McpServerSettings] = Field(
        default_factory=dict, description="MCP servers by name; the name prefixes their tools."
    )
    acp: dict[ServerName, AcpAgentSettings] = Field(
        default_factory=dict,
        description="Coding agents by name, besides claude-code-acp, codex, gemini and opencode; see /agent.",
    )
