"""The rules: program → sub-commands, options, operands → tier and reason."""

from collections.abc import Mapping
from types import MappingProxyType

from approvals.shell.rule import Rule, table
from approvals.shell.rules.applications import APPLICATIONS
from approvals.shell.rules.build import BUILD
from approvals.shell.rules.builtins import BUILTINS
from approvals.shell.rules.cloud import CLOUD
from approvals.shell.rules.containers import CONTAINERS
from approvals.shell.rules.databases import DATABASES
from approvals.shell.rules.filesystem import FILESYSTEM
from approvals.shell.rules.git import GIT
from approvals.shell.rules.github import GITHUB
from approvals.shell.rules.interpreters import INTERPRETERS
from approvals.shell.rules.kubernetes import KUBERNETES
from approvals.shell.rules.network import NETWORK
from approvals.shell.rules.node import NODE
from approvals.shell.rules.observers import OBSERVERS
from approvals.shell.rules.packages import PACKAGES
from approvals.shell.rules.reading import READING
from approvals.shell.rules.sessions import SESSIONS
from approvals.shell.rules.system import SYSTEM
from approvals.shell.rules.versioning import VERSIONING
from approvals.shell.rules.wrappers import WRAPPERS
from approvals.shell.wordlist import words

GROUPS: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "Shell builtins": BUILTINS,
        "Programs that run another command": WRAPPERS,
        "Programs that watch, measure or repeat another command": OBSERVERS,
        "Other machines, terminals and times": SESSIONS,
        "Reading and filtering": READING,
        "Files": FILESYSTEM,
        "git": GIT,
        "Code hosting": GITHUB,
        "Other version control and hooks": VERSIONING,
        "Packages": PACKAGES,
        "Packages of node": NODE,
        "Building, testing, linting": BUILD,
        "Frameworks and migrations": APPLICATIONS,
        "Interpreters": INTERPRETERS,
        "Containers": CONTAINERS,
        "Kubernetes": KUBERNETES,
        "Infrastructure and clouds": CLOUD,
        "Databases": DATABASES,
        "Network": NETWORK,
        "System, keys and Hermes": SYSTEM,
    }
)
"""The table by theme, in the order of the reference."""

PROJECT_TOOLS = frozenset({*BUILD, *APPLICATIONS}) | words(
    "npm yarn pnpm bun pip pip3 uv poetry pdm hatch bundle composer"
)
"""Programs that run what the project in the current directory says."""

PROGRAMS: Mapping[str, Rule] = MappingProxyType(table(*GROUPS.values()))
"""Every program that has a rule."""
