"""What is said of a coding agent whose turn has failed, by kind; importing this loads neither protocol nor library."""

# Its process or its connection ended under it.
BROKE = "stopped in the middle"
# Nothing came for too long, or a turn took longer than it may.
SILENT = "gave no sign of life"
TOO_LONG = "It took longer than a turn may take, and was stopped."
# It cannot be used as things stand; trying again changes nothing.
MISSING = "is not installed"
LOGGED_OUT = "is not logged in"
OTHER_VERSION = "of the Agent Client Protocol, Hermes speaks"
UNKNOWN = "There is no coding agent"
NO_MODE = "has no mode"
REFUSED = "It refused to go on with this."
LIMIT_OF_TOKENS = "It stopped: its answer reached its limit of tokens."
LIMIT_OF_REQUESTS = "It stopped: it reached its limit of requests for one turn."
CANCELLED = "It was stopped."
