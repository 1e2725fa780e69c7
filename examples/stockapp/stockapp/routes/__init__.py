"""HTTP routes, one module a part of the product."""
from functools import wraps

from flask import abort, current_app, g


def services():
    return current_app.extensions["stockapp"]


def signed_in(view):
    """Refuses callers who have not logged in."""

    @wraps(view)
    def guarded(*args, **kwargs):
        if g.user_id is None:
            abort(401, "log in first")
        return view(*args, **kwargs)

    return guarded
