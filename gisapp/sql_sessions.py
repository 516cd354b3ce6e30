"""The sentence that proves at every tile who asks for it."""

from __future__ import annotations

#: One row while the session runs and its account is, in all that decides on rights, what it was; else none. None
#: either when the last use should be written, or the password must be changed first. To stand in another statement.
PROOF = """
SELECT 1 FROM gisapp.sessions AS s JOIN gisapp.accounts AS a ON a.id = s.account_id
 WHERE s.digest = %(session)s AND a.active AND NOT a.must_change_password AND a.fs_uniquifier = %(mark)s
   AND a.id = %(account)s::uuid AND a.username = %(username)s AND a.role = %(role)s
   AND a.squadron_code IS NOT DISTINCT FROM %(squadron)s
   AND s.seen_at > now() - least(%(idle)s::interval, %(touch)s::interval)
   AND s.created_at > now() - %(longest)s::interval
"""
