"""From Markdown to what a platform can show: styled text, and pieces within a platform's limits."""
