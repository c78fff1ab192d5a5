"""Raw input to drafts: text, documents, tables and chats, without a model.

Owns: what `add` can be given (`files`), how it is cut (`split`), how times are read (`times`).
Does not own: what is stored of it, nor what is known already (`operations/batch`).
Imports nothing itself: a search that only reads a time loads no document reader.
"""
