"""Jobs that the example configuration proposes, off until they are enabled."""

from collections.abc import Mapping
from typing import Any

SEEDS: Mapping[str, Mapping[str, Any]] = {
    "inbox_summary": {
        "enabled": False,
        "schedule": "0 8 * * *",
        "recipe": "inbox_summary",
        "options": {"host": "imap.example.org", "user": "me@example.org", "secret": "mail"},
    },
    "ai_news": {
        "enabled": False,
        "schedule": "30 7 * * 1-5",
        "recipe": "news_brief",
        "options": {
            "feeds": [
                "https://huggingface.co/blog/feed.xml",
                "https://openai.com/news/rss.xml",
                "https://rss.arxiv.org/rss/cs.AI",
            ],
            "most": 20,
        },
    },
    "git_backup": {
        "enabled": False,
        "schedule": "0 2 * * *",
        "recipe": "git_backup",
        "options": {"destination": "/mnt/backup/git", "owner": "your-name"},
    },
    "comment_monitor": {
        "enabled": False,
        "schedule": "0 */4 * * *",
        "recipe": "comment_monitor",
        "options": {"sources": [{"kind": "youtube", "channel": "CHANNEL-ID", "secret": "youtube"}]},
    },
    "health_check": {
        "enabled": False,
        "schedule": "*/30 * * * *",
        "recipe": "health_check",
        "options": {"certificates": [], "endpoints": [], "units": []},
    },
}
