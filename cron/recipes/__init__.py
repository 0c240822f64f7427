"""The recipes there are, each named as ``"package.module:attribute"`` and loaded when it runs."""

from collections.abc import Mapping

RECIPES: Mapping[str, str] = {
    "inbox_summary": "cron.recipes.inbox_summary:RECIPE",
    "news_brief": "cron.recipes.news_brief:RECIPE",
    "git_backup": "cron.recipes.git_backup:RECIPE",
    "comment_monitor": "cron.recipes.comment_monitor:RECIPE",
    "health_check": "cron.recipes.health_check:RECIPE",
    "daily_digest": "cron.recipes.daily_digest:RECIPE",
}
