"""The WSGI application, for granian, gunicorn or any other server: `wsgi:app`."""

from gisapp import create_app

app = create_app()
