"""Python modules that are run with ``-m``, and entry points of frameworks that only look or test."""

from collections.abc import Mapping

from approvals.shell.wordlist import words

PYTHON_MODULES: Mapping[str, str] = {
    **dict.fromkeys(
        words("""json.tool unittest venv build compileall py_compile pydoc this site platform sysconfig tokenize ast dis
        doctest calendar coverage.__main__ tabnanny pyclbr virtualenv pyright sphinx sphinx.cmd.build mkdocs
        twine.check pipdeptree piptools griffe interrogate vulture bandit radon xdist pylint flake8 pycodestyle
        pydocstyle pyflakes mccabe isort autopep8 yapf docformatter codespell_lib check_manifest
        validate_pyproject wheel.info inspect gettext"""),
        "",
    ),
    **{
        name: name
        for name in words(
            "pytest pip ruff black mypy coverage tox nox poetry uv pipx basedpyright hatch pdm flask django"
            " uvicorn gunicorn jupyter twine"
        )
    },
    "pre_commit": "pre-commit",
    "build": "",
    "py.test": "pytest",
    "http.server": "python-http-server",
}
"""Module → the program whose rule judges it; an empty string means harmless."""

SAFE_SCRIPTS: Mapping[str, frozenset[str]] = {
    "manage.py": words("test check showmigrations diffsettings help version findstatic"),
    "artisan": words("test about list route:list"),
    "bin/rails": words("test routes about stats notes"),
}
"""Scripts of frameworks and the sub-commands that test or look."""
