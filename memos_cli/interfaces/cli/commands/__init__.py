"""One small file per command or family of commands: parse, call one operation, show the answer."""
