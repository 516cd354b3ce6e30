"""Accounts: people and machines that may sign in, their sessions and tokens, and the access log.

    people       make, disable, enable, reset, give a role; own password and language
    sign_in      name and password, paced by pacing, remembered for basic auth by verdicts
    sessions     browser sessions          tokens    keys of machine clients
    first        the accounts of a new installation
    log          `record(connection, act, actor, …)` for every service that does something worth evidence
"""

from gisapp.accounts.callers import Caller
from gisapp.accounts.first import ensure_first_accounts
from gisapp.accounts.log import record
from gisapp.accounts.people import actor_of
from gisapp.accounts.rows import Account
from gisapp.accounts.sign_in import SignIn

__all__ = ["Account", "Caller", "SignIn", "actor_of", "ensure_first_accounts", "record"]
