"""The recipes there are, each named as ``"package.module:attribute"`` and loaded when it runs."""

from collections.abc import Mapping

RECIPES: Mapping[str, str] = {}
