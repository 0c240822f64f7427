"""What exists and is loaded late: each part named as ``"package.module:attribute"``, loaded by one function."""

from kernel import late

load = late.load

# Each platform's SPEC, loaded only where its settings say that it is used.
PLATFORMS = {
    "telegram": "gateway.platforms.telegram:SPEC",
    "discord": "gateway.platforms.discord:SPEC",
    "slack": "gateway.platforms.slack:SPEC",
}

# Everything behind the front door, and the parts of it that are heavier still.
ROOMS = "hermes.rooms:Rooms"
RUNNER = "agent.build:build_runner"
CODING = "agent.acp.brain:AcpRunner"
CODING_PORTS = "agent.acp.desks:AcpPorts"
RUNNER_PORTS = "agent.build:AgentPorts"
GATEWAY_OPERATIONS = "gateway.operations:operations"
APPROVAL_OPERATIONS = "approvals.operations:operations"
CONFIGURATION_OPERATIONS = "hermes.operations:operations"
BOARD_OPERATIONS = "board.operations:operations"
CREW_OPERATIONS = "board.crew_operations:operations"
WALKAWAY_OPERATIONS = "gateway.walkaway.operations:operations"
CRON_OPERATIONS = "cron.operations:operations"
WEB = "web.server:WebServer"
LOOP = "uvloop:new_event_loop"

GATEWAY = "hermes.app:run_gateway"
EMBEDDED = "hermes.app:embedded"
START = "hermes.start:gateway"
CRASH_FILE = "hermes.settings:crash_file"
COMMANDS = "hermes.cli.commands:run"
AGENT_TOOLS = "agent.build:tools"
PATIENT = "hermes.doctor.patient:Patient"
EXAMINE = "hermes.doctor.examination:examine"
CHAT_CLIENT = "hermes.cli.talk.client:ChatClient"
CHAT_SCREEN = "hermes.cli.talk.screen:converse"
EDITOR = "hermes.cli.editor.agent:serve"
CHAT_ONCE = "hermes.cli.talk.once:ask"
ROOM_OF_TOKENS = "web.operations:Tokens"
OPERATIONS_ON_TOKENS = "web.operations:operations"
SLACK_MANIFEST = "gateway.platforms.slack.manifest:manifest"
YAML_LAYER = "hermes.yaml_layer:read"
