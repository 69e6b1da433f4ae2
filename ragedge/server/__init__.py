"""The HTTP service and what it needs: routes, security, streaming. Start with `app.create_app`."""
