"""memos: a memory operating system for LLMs and agents, kept in directories called MemCubes."""
