"""Raw input to drafts: text, documents, tables and chats, without a model.

Owns: what `add` can be given (`files`), how it is cut (`split`), how times are read (`times`).
Does not own: what is stored of it, nor what is known already (`operations/add`).
"""

from memos_cli.reader.files import ReadOptions, read_paths, read_stdin, read_text
from memos_cli.reader.times import absolute_time, parse_time

__all__ = ["ReadOptions", "absolute_time", "parse_time", "read_paths", "read_stdin", "read_text"]
