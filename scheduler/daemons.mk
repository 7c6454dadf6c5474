# The pool's daemons: coordinator, station, master, starter.
