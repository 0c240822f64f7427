"""Frameworks of applications: development servers, tasks, and migrations of their databases."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, calm, flag, programs, table, takes
from approvals.shell.rules.migrations import TOOLS

_OK = Rule()
_PUBLISHES = Rule(HIGH, "publishes to everybody", options=(calm("--dry-run -n"),))
_MIGRATES = Rule(MEDIUM, "changes a database", deploy=True)
_LOSES = Rule(HIGH, "destroys data or structure", deploy=True)

APPLICATIONS = table(
    programs(
        "next nuxt astro gatsby remix storybook ng vue nest svelte-kit react-scripts expo",
        Rule(
            posix=True,
            options=(calm("--version -v"),),
            verbs=table(
                programs("build dev start lint test info serve preview check typecheck doctor version", _OK),
                programs("deploy publish eas", _PUBLISHES),
            ),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
        ),
    ),
    programs(
        "prisma",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version -v"), flag("--force-reset --accept-data-loss", HIGH, "loses data")),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            verbs={
                **programs("generate validate format studio version", _OK),
                "migrate": Rule(
                    posix=True,
                    other=_MIGRATES,
                    verbs=table(programs("status diff", _OK), programs("reset", _LOSES)),
                ),
                "db": Rule(posix=True, other=_MIGRATES, verbs=programs("pull", _OK)),
            },
        ),
    ),
    programs(
        TOOLS,
        Rule(
            posix=True,
            options=(
                calm("--version -v"),
                takes("-c --config -x -n --name -d -u -e --url --env --knexfile --database-url --dir --path"),
                takes("-dir -path -database -source --migrations-dir --migrations-path --migrations-table"),
            ),
            verbs=table(
                programs(
                    "generate validate format studio status history current info show heads branches"
                    " list ls version check",
                    _OK,
                ),
                programs(
                    "reset drop down drop-database clean undo downgrade rollback revert",
                    _LOSES,
                ),
            ),
            other=_MIGRATES,
        ),
    ),
    programs(
        "rails",
        Rule(
            posix=True,
            options=(calm("--version -v"),),
            verbs=table(
                programs("test routes about stats notes server s zeitwerk:check test:system", _OK),
                programs("db:drop db:reset db:purge db:schema:load", Rule(HIGH, "destroys data")),
                programs("runner r", Rule(HIGH, "runs code of the application")),
            ),
            other=Rule(MEDIUM, "runs a task", deploy=True),
        ),
    ),
    programs(
        "django-admin flask uvicorn gunicorn hypercorn celery jupyter streamlit http-server serve"
        " live-server json-server python-http-server",
        Rule(
            posix=True,
            options=(
                calm("--version"),
                takes("--app -A --host --port -p -b --bind -w --workers"),
                flag("--debug --reload"),
            ),
            verbs=programs(
                "routes check test lab notebook nbconvert inspect status report help --version", _OK
            ),
            other=Rule(MEDIUM, "starts a program of the project"),
            bare=Rule(MEDIUM, "starts a server"),
        ),
    ),
    programs("nbdev papermill jupytext nbqa", Rule(MEDIUM, "works on notebooks")),
)
