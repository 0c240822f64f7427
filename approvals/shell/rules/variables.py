"""Environment variables that make another program run, load or obey something."""

import re
from collections.abc import Mapping

from approvals.shell.wordlist import words

COMMANDS = words("""
    BASH_ENV CC CXX LD AR ENV PROMPT_COMMAND GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR
    GIT_SEQUENCE_EDITOR GIT_PROXY_COMMAND GIT_ASKPASS PAGER MANPAGER SYSTEMD_PAGER PSQL_PAGER EDITOR
    VISUAL FCEDIT BROWSER LESSOPEN LESSCLOSE SSH_ASKPASS SUDO_ASKPASS RSYNC_RSH CVS_RSH RUSTC_WRAPPER
    CC_WRAPPER PSQL_EDITOR KUBE_EDITOR DOCKER_CREDENTIAL_HELPER CARGO_BUILD_RUSTC_WRAPPER RUSTC GH_PAGER
    GH_EDITOR GH_BROWSER AWS_PAGER HGEDITOR SVN_SSH SVN_EDITOR BAT_PAGER DELTA_PAGER TEXEDIT
    """)
"""The value is a command (or a file that a shell reads)."""

LOADS = words("""
    PATH PYTHONSTARTUP PYTHONHOME PYTHONINSPECT PYTHONBREAKPOINT PYTHONUSERBASE PYTHONWARNINGS
    PYTHONEXECUTABLE NODE_OPTIONS PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB GEM_PATH GEM_HOME
    JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS MAVEN_OPTS GRADLE_OPTS SBT_OPTS CLASSPATH
    GCC_EXEC_PREFIX COMPILER_PATH LIBRARY_PATH MAKEFLAGS GNUMAKEFLAGS MAKEFILES SHELL SHELLOPTS BASHOPTS
    PS0 PS1 PS2 PS4 IFS HOME XDG_CONFIG_HOME XDG_DATA_DIRS TAR_OPTIONS GREP_OPTIONS LESS LESSKEY
    GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE GIT_ATTR_SOURCE GOFLAGS GOPROXY GOSUMDB
    CGO_CFLAGS RUSTFLAGS CARGO_HOME PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE PIP_TRUSTED_HOST
    UV_INDEX_URL UV_DEFAULT_INDEX UV_INDEX PIP_REQUIREMENT DOCKER_HOST OPENSSL_CONF CURL_HOME WGETRC
    CURL_CA_BUNDLE GNUPGHOME PHPRC PHP_INI_SCAN_DIR LUA_PATH LUA_CPATH LUA_INIT EMACSLOADPATH VIMINIT
    EXINIT GDBINIT TERMINFO NIX_PATH ANSIBLE_CONFIG ANSIBLE_LIBRARY SSLKEYLOGFILE GCONV_PATH
    GLIBC_TUNABLES BASH_LOADABLES_PATH FPATH ZDOTDIR GIT_CONFIG GIT_ALLOW_PROTOCOL
    GIT_PROTOCOL_FROM_USER GIT_OBJECT_DIRECTORY GIT_INDEX_FILE CORECLR_PROFILER_PATH
    DOTNET_STARTUP_HOOKS PUPPETEER_EXECUTABLE_PATH CHROME_PATH ELECTRON_RUN_AS_NODE BUNDLE_GEMFILE
    npm_execpath http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
    """)
"""The value decides what other programs load, where they look or which settings they obey."""

SEARCHES = words("PYTHONPATH NODE_PATH GOPATH PYTHONPYCACHEPREFIX TCLLIBPATH")
"""A search path: harmless inside the workspace."""

SAFE_VALUES: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        ("CC", "CXX", "LD", "AR"),
        re.compile(
            r"((s?ccache|distcc) )?([\w/-]*/)?([\w-]+-)?"
            r"(gcc|g\+\+|clang|clang\+\+|cc|c\+\+|ld|lld|mold|ar|llvm-ar)(-?\d+)?"
        ),
    ),
    # A bare word names a stage; as a file it would only count for an interactive shell, which is asked about.
    "ENV": re.compile(r"[A-Za-z][\w-]*"),
    "NODE_OPTIONS": re.compile(
        r"(--max-old-space-size=\d+|--trace-\w+|--no-warnings|--enable-source-maps|\s)*"
    ),
    "MAVEN_OPTS": re.compile(r"(-X(mx|ms|ss)\d+[kmgKMG]?|\s)*"),
    "GRADLE_OPTS": re.compile(r"(-X(mx|ms|ss)\d+[kmgKMG]?|\s)*"),
    "JAVA_TOOL_OPTIONS": re.compile(r"(-X(mx|ms|ss)\d+[kmgKMG]?|-Dfile\.encoding=[\w-]+|\s)*"),
    "RUSTFLAGS": re.compile(
        r"(-[DWA] ?[\w-]+|-C ?(target-cpu=[\w-]+|debuginfo=\d|opt-level=\w|instrument-coverage)|\s)*"
    ),
    "GOFLAGS": re.compile(r"(-mod=\w+|-race|-count=\d+|-v|-buildvcs=\w+|\s)*"),
    "PYTHONWARNINGS": re.compile(r"(ignore|default|error|always|module|once)(:[\w:]*)?"),
    "MAKEFLAGS": re.compile(r"(-?j ?\d*|-?k|-?s|\s)*"),
    "LESS": re.compile(r"-?[A-Za-z]*"),
    "SHELL": re.compile(r"/(usr/)?bin/(ba|z|da|k)?sh"),
}
"""Values that are known to be harmless."""
