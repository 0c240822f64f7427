"""The kinds of jobs, each with what it does when its time comes."""
