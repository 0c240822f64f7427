"""The board: tasks, who takes them, how they are executed, and what happens when that fails."""
