"""Where a path lies, judged lexically: what it is, not what stands there on the disk."""

import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum

from approvals.shell.context import Context
from approvals.shell.marks import (
    DEEP,
    MANY,
    ONE,
    STAR,
    TAME,
    UNKNOWN,
    is_opaque,
    is_static,
    matcher,
    may_equal,
)
from approvals.shell.wordlist import words


class Zone(StrEnum):
    """What a place means to the machine and its owner."""

    PROTECTED = "protected"  # Hermes' own home and other processes' environments
    CRITICAL = "critical"  # the root of the system, of a home, of /etc …
    HOME_ROOT = "home_root"  # a home itself or everything in it
    SYSTEM = "system"  # inside /etc, /usr …
    DEVICE = "device"
    SINK = "sink"  # /dev/null and the standard streams
    SECRET = "secret"  # noqa: S105 - a zone, not a password: private keys and credentials
    SYSTEM_SECRET = "system_secret"  # noqa: S105 - a zone: passwords and rights of the whole machine
    CONFIG = "config"  # hooks, start-up files, settings that execute
    ROOT = "root"  # a workspace itself or everything in it
    HISTORY = "history"  # a .git folder itself
    WORKSPACE = "workspace"
    CACHE = "cache"  # named things inside caches, temporary files by name
    ROTATED = "rotated"  # rotated logs
    TEMP_ROOT = "temp_root"
    TEMP = "temp"
    HOME = "home"
    OUTSIDE = "outside"
    LIKELY = "likely"  # below a known safe directory, the rest unknown
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """A normalised path, its zone, and whether it was written with a trailing slash."""

    path: str
    zone: Zone
    trailing_slash: bool = False


_CRITICAL = words(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /run /sbin /snap"
    " /srv /sys"
    " /usr /usr/bin /usr/lib /usr/local /usr/sbin /usr/share /usr/include /var /var/lib /var/log"
    " /var/cache /var/spool"
    " /Applications /Library /System /Users /Volumes /private /private/etc /private/var"
)
_SYSTEM = tuple(
    sorted(
        words(
            "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /run /sbin /sys /usr /System /Library"
            " /private/etc"
        )
    )
)
_NOT_SYSTEM = ("/usr/local", "/usr/src", "/run/user")
_SINKS = re.compile(r"/dev/(null|zero|full|stdin|stdout|stderr|tty|fd/\d+|u?random|ptmx|pts/\d+)\Z")
_HOMES = re.compile(r"/(home|Users)/[^/]+")
_TEMP = ("/tmp", "/var/tmp", "/dev/shm", "/private/tmp")  # noqa: S108 - these names are judged, not used
_ENVIRON = re.compile(r"/proc/[^/]+(/task/[^/]+)?/(environ|mem|maps|auxv)\Z")
_PROC_ROOT = re.compile(r"/proc/[^/]+/root(?=/|\Z)")
_PROC_LINK = re.compile(r"/proc/[^/]+/(cwd|fd/\d+)(?=/|\Z)")

_CACHES = words(
    "__pycache__ .pytest_cache .mypy_cache .ruff_cache .cache .hypothesis .tox .nox .eggs"
    " .ipynb_checkpoints .parcel-cache"
    " .turbo .nyc_output .sass-cache .eslintcache .stylelintcache .npm/_cacache _cacache .rpt2_cache"
    " .rts2_cache .swc"
    " .vite .webpack .angular .gradle-cache .ccache .DS_Store Thumbs.db .coverage htmlcov .pyre .pytype"
    " .dmypy.json"
    " .import_linter_cache .basedpyright"
)
_SCRATCH = re.compile(r".+(\.pyc|\.pyo|\.tmp|\.temp|\.swp|\.swo|~|\.egg-info)\Z", re.DOTALL)
_ROTATED = re.compile(
    r".*(\.log[.-]\d[\d.T_-]*|\.log[.-]\d[\d.T_-]*\.(gz|bz2|xz|zst)|\.log\.old|\.log\.(gz|bz2|xz|zst)"
    r"|-\d{8}\.log)(\.(gz|bz2|xz|zst))?\Z",
    re.DOTALL,
)
_HOME_SECRETS = re.compile(
    r"(\.ssh/(?!known_hosts|config|.*\.pub\Z).+|\.aws/(credentials|sso/.*)|\.gnupg/.+|\.netrc|\.pgpass"
    r"|\.git-credentials"
    r"|\.config/(gh/hosts\.yml|gcloud/.*|op/.*)|\.kube/config|\.docker/config\.json|\.pypirc|\.azure/.+"
    r"|\.terraform\.d/credentials.*|\.vault-token|\.password-store/.+|\.local/share/keyrings/.+|\.mozilla/.+"
    r"|\.config/(google-chrome|chromium)/.+|\.bash_history|\.zsh_history|\.psql_history|\.mysql_history)\Z",
    re.DOTALL,
)
_SYSTEM_SECRETS = re.compile(
    r"(/etc/(g?shadow-?|sudoers.*|ssh/ssh_host_.*_key|ssl/private(/.*)?)|/root/\.ssh/.+)\Z"
)
_HOME_CONFIG = re.compile(
    r"(\.(bash|zsh|profile|login|logout|kshrc|cshrc|tcshrc|inputrc|xinit|xsession|xprofile"
    r"|pam_environment|vim|nvim|emacs"
    r"|tmux|screenrc|gitconfig|npmrc|yarnrc|pythonrc|pypirc|condarc|wgetrc|curlrc|ssh|gnupg|docker|kube"
    r"|aws|cargo"
    r"|gemrc|irbrc|perltidyrc|psqlrc|sqliterc|my\.cnf|gdbinit|lldbinit|Rprofile|envrc|direnvrc|hushlogin"
    r"|mailrc|hgrc)"
    r"[^/]*(/.*)?|\.config(/.*)?|\.local/(bin|lib|share/(applications|systemd|autostart))(/.*)?"
    r"|bin(/.*)?|\.[^/]*rc)\Z",
    re.DOTALL,
)
_PROJECT_CONFIG = re.compile(
    r"((.*/)?\.git/(?!COMMIT_EDITMSG\Z).*|(.*/)?\.husky(/.*)?|(.*/)?\.githooks(/.*)?|(.*/)?\.envrc"
    r"|(.*/)?\.direnv/.*"
    r"|(.*/)?\.vscode/(tasks|settings|launch)\.json|(.*/)?\.idea/.*|(.*/)?\.npmrc|(.*/)?\.yarnrc(\.yml)?"
    r"|(.*/)?\.bash(rc|_profile|_aliases)"
    r"|(.*/)?\.z(shrc|shenv|profile)|(.*/)?\.profile|(.*/)?\.gitconfig|(.*/)?\.gitmodules"
    r"|(.*/)?sitecustomize\.py|(.*/)?usercustomize\.py"
    r"|(.*/)?[^/]+\.pth|(.*/)?\.venv/bin/.*|(.*/)?\.(mcp|claude|codex|gemini|cursor)(/.*|\.json)"
    r"|(.*/)?\.pre-commit-config\.yaml"
    r"|(.*/)?lefthook\.ya?ml|(.*/)?\.cargo/config(\.toml)?|(.*/)?\.gdbinit|(.*/)?\.vimrc|(.*/)?\.exrc"
    r"|(.*/)?\.curlrc|(.*/)?\.wgetrc)\Z",
    re.DOTALL,
)


def normalise(path: str, directory: str) -> str:
    """Return an absolute, lexically normal path in marked text; an unknown directory stays unknown."""
    if path.startswith("/"):
        whole = path
    elif path[:1] in {UNKNOWN, MANY}:
        return UNKNOWN + path[1:]
    elif is_opaque(directory):
        return UNKNOWN + "/" + path
    else:
        whole = directory + "/" + path
    if MANY in whole:
        whole = whole.replace(MANY, UNKNOWN)
    normal = posixpath.normpath(whole)
    # POSIX keeps two leading slashes apart from one; Linux does not.
    normal = "/" + normal.lstrip("/")
    if "/proc/" in normal:
        normal = _PROC_ROOT.sub("", normal) or "/"
    return normal


def locate(path: str, directory: str, context: Context) -> Place:
    """Return where a path lies."""
    normal = normalise(path, directory)
    slash = path.endswith("/") and normal != "/"
    return Place(normal, _zone(normal, context), slash)


def _zone(path: str, context: Context) -> Zone:
    if is_protected(path, context):
        return Zone.PROTECTED
    if path.startswith(UNKNOWN):
        return Zone.UNKNOWN
    if _PROC_LINK.match(path):
        return Zone.SYSTEM if path.startswith("/proc") and not _SINKS.match(path) else Zone.SINK
    if UNKNOWN in path:
        return _likely(path, context)
    workspace = _inside(path, context.roots)
    # A root of the system is nobody's workspace, even when a command starts there.
    if workspace is not None and workspace not in _CRITICAL:
        return _in_workspace(path, workspace, context)
    return _elsewhere(path, context)


def is_protected(path: str, context: Context) -> bool:
    """Tell whether a path is, or may turn out to be, inside Hermes' home or another process's environment."""
    home = context.hermes_home
    if path == home or path.startswith(home + "/"):
        return not any(_is_below(path, root) and _is_below(root, home) for root in context.roots)
    if path.startswith("/proc") and _ENVIRON.match(path):
        return True
    if is_static(path):
        return False
    if _may_be_below(path, home):
        return not any(
            _is_below(path.partition(UNKNOWN)[0], root) for root in context.roots if _is_below(root, home)
        )
    return any(_may_be_below(path, f"/proc/1/{name}") for name in ("environ", "mem"))


def _may_be_below(path: str, target: str) -> bool:
    """Tell whether a marked path may turn out to be the target or something inside it; unknown tails do not count."""
    parts, wanted = path.strip("/").split("/"), target.strip("/").split("/")
    for part, name in zip(parts, wanted, strict=False):
        if part == DEEP:
            return False
        if UNKNOWN in part:
            prefix = part.partition(UNKNOWN)[0]
            return bool(prefix) and name.startswith(prefix) and part is parts[-1]
        if part == STAR and name.startswith("."):
            return False
        if not may_equal(part, name):
            return False
    return len(parts) >= len(wanted)


def _likely(path: str, context: Context) -> Zone:
    """A known directory with an unknown rest, which may hold ``..``."""
    known = path.partition(UNKNOWN)[0]
    directory = known.rpartition("/")[0]
    if any(_is_below(directory, root) for root in (*context.roots, *_TEMP)):
        return Zone.LIKELY
    if any(_is_below(directory, root) for root in _SYSTEM):
        return Zone.SYSTEM
    return Zone.UNKNOWN


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _inside(path: str, roots: tuple[str, ...]) -> str | None:
    return max((root for root in roots if _is_below(path, root)), key=len, default=None)


def is_bare_glob(name: str) -> bool:
    """Tell whether a component matches everything in its directory: ``*``, ``.*``, ``?*``, ``*.*``."""
    return bool(name) and all(char in {STAR, ONE, DEEP, "."} for char in name) and name not in {".", ".."}


def _in_workspace(path: str, workspace: str, context: Context) -> Zone:
    below = path[len(workspace.rstrip("/")) + 1 :]
    if path == workspace or all(is_bare_glob(part) for part in below.split("/")):
        return _root_zone(workspace, context) or Zone.ROOT
    if below == ".git" or below.endswith("/.git"):
        return Zone.HISTORY
    if workspace == context.home:
        zone = _in_home(below)
        if zone is not Zone.HOME:
            return zone
    return _low(below) or (Zone.CONFIG if _may_be(_PROJECT_CONFIG, below) else Zone.WORKSPACE)


def _low(below: str) -> Zone | None:
    """Return ``CACHE`` or ``ROTATED`` for what may be cleaned up by name."""
    parts = below.split("/")
    if ".git" in parts:
        return None
    for index, part in enumerate(parts):
        if part in _CACHES:
            return None if any(is_bare_glob(rest) for rest in parts[index + 1 :]) else Zone.CACHE
    name = parts[-1]
    if is_bare_glob(name):
        return None
    sample = _sample(name)
    if _ROTATED.match(sample):
        return Zone.ROTATED
    return Zone.CACHE if _SCRATCH.match(sample) else None


def _sample(name: str) -> str:
    """Return a name that the pattern matches, to try it against the names of throw-away files."""
    return name.replace(STAR, "1").replace(ONE, "1").replace(TAME, "1").replace(DEEP, "1")


def _may_be(pattern: re.Pattern[str], below: str) -> bool:
    return pattern.match(below if is_static(below) else _sample(below)) is not None


def _in_home(below: str) -> Zone:
    if _HOME_SECRETS.match(_sample(below) if not is_static(below) else below):
        return Zone.SECRET
    if below == ".cache" or below.startswith(".cache/"):
        return Zone.CACHE if below != ".cache" and not is_bare_glob(below.split("/")[1]) else Zone.HOME
    if below.startswith((".npm/_cacache", ".cargo/registry/cache")):
        return Zone.CACHE
    return Zone.CONFIG if _may_be(_HOME_CONFIG, below) else Zone.HOME


def _elsewhere(path: str, context: Context) -> Zone:
    if _SINKS.match(path):
        return Zone.SINK
    parent, _, name = path.rpartition("/")
    root_zone = _root_zone(path, context)
    if root_zone is None and is_bare_glob(name):
        root_zone = _root_zone(parent or "/", context)
    if root_zone is not None:
        return root_zone
    if _is_below(path, context.home):
        zone = _in_home(path[len(context.home) + 1 :])
        if zone is not Zone.HOME or _inside(path, _TEMP) is None:
            return zone
    if _inside(path, _TEMP) is not None:
        return Zone.TEMP_ROOT if path in _TEMP or (parent in _TEMP and is_bare_glob(name)) else Zone.TEMP
    return _of_the_system(path) or Zone.OUTSIDE


def _of_the_system(path: str) -> Zone | None:
    if _SYSTEM_SECRETS.match(path):
        return Zone.SYSTEM_SECRET
    if path.startswith("/dev/"):
        return Zone.DEVICE
    if _may_be_system(path):
        return Zone.SYSTEM
    rotated = path.startswith("/var/log/") and _low(path.removeprefix("/var/log/")) is Zone.ROTATED
    return Zone.ROTATED if rotated else None


def _root_zone(path: str, context: Context) -> Zone | None:
    """Return the zone of a root of the system or of a home, ``None`` for any other path."""
    if path in {context.home, "/root"} or _HOMES.fullmatch(path):
        return Zone.HOME_ROOT
    if path in _CRITICAL:
        return Zone.CRITICAL
    if is_static(path):
        return None
    found = matcher(path)
    hit = any(
        found.fullmatch(root) for root in _CRITICAL if root.count("/") == path.count("/") and root != "/"
    )
    return Zone.CRITICAL if hit else None


def _may_be_system(path: str) -> bool:
    if any(_is_below(path, root) for root in _NOT_SYSTEM):
        return False
    if is_static(path):
        return any(_is_below(path, root) for root in _SYSTEM)
    first = "/" + path.split("/")[1]
    return any(may_equal(first, root) for root in _SYSTEM if root.count("/") == 1)


# One name for each folder in a home that holds keys and credentials.
_SECRET_SAMPLES = (
    ".ssh/id_rsa",
    ".gnupg/private-keys-v1.d/x",
    ".aws/credentials",
    ".kube/config",
    ".docker/config.json",
    ".azure/x",
    ".config/gh/hosts.yml",
    ".config/gcloud/x",
    ".config/op/x",
    ".config/chromium/x",
    ".config/google-chrome/x",
    ".password-store/x",
    ".local/share/keyrings/x",
    ".mozilla/x",
    ".terraform.d/credentials.tfrc.json",
)


def covers_secrets(path: str, context: Context) -> bool:
    """Tell whether a directory below a home holds keys or credentials somewhere below it."""
    return any(_is_below(f"{context.home}/{sample}", path) for sample in _SECRET_SAMPLES) and path.startswith(
        context.home + "/"
    )


def covers_home(path: str, context: Context) -> bool:
    """Tell whether a directory holds Hermes' home, or other processes' environments, somewhere below it."""
    if path == "/" or re.fullmatch(r"/proc(/[^/]+)?(/task(/[^/]+)?)?", path):
        return True
    return _is_below(context.hermes_home, path)
