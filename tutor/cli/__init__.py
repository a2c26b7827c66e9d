"""The command line: the commands, line mode, and exports as text, JSON and Markdown.

It imports every room, each command only what it needs. Read first: `arguments.py`, what can be said; then
`commands.py`, the table of commands.
"""
