"""The sentences that prove at every request of the short ways who asks."""

from __future__ import annotations

# The account is, in all that decides on rights, what it was, and need not change its password first.
_ACCOUNT = """
   AND a.active AND NOT a.must_change_password
   AND a.id = %(account)s::uuid AND a.username = %(username)s AND a.role = %(role)s
   AND a.squadron_code IS NOT DISTINCT FROM %(squadron)s
"""

#: One row while the session runs and its account is, in all that decides on rights, what it was; else none. None
#: either when the last use should be written, or the password must be changed first. To stand in another statement.
PROOF = f"""
SELECT 1 FROM gisapp.sessions AS s JOIN gisapp.accounts AS a ON a.id = s.account_id
 WHERE s.digest = %(digest)s AND a.fs_uniquifier = %(mark)s {_ACCOUNT}
   AND s.seen_at > now() - least(%(idle)s::interval, %(touch)s::interval)
   AND s.created_at > now() - %(longest)s::interval
"""  # noqa: S608  (the account's part is text of ours)
#: The same of a machine client's token.
TOKEN_PROOF = f"""
SELECT 1 FROM gisapp.api_tokens AS t JOIN gisapp.accounts AS a ON a.id = t.account_id
 WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND t.expires_at > now() {_ACCOUNT}
   AND t.last_used_at > now() - %(touch)s::interval
"""  # noqa: S608
#: By who brings the claim.
PROOFS = {"session": PROOF, "token": TOKEN_PROOF}
