"""The tutor in a browser: a server that gives each visitor a process of the terminal program, by textual-serve.

It imports the rooms up to lessonfiles, and no screen: the program runs in the visitors' processes. It is the only room
that imports textual-serve and aiohttp, an extra. Read first: `server.py`, what is answered to what; then `door.py`, who
may come in, and `visitor.py`, the process. What a visitor's process may open is `tutor/confined.py`.
"""
