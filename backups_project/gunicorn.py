"""gunicorn's configuration: threads, because downloads and backups take long."""

import os

wsgi_app = "backups_project.wsgi"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8090')}"
worker_class = "gthread"
workers = int(os.environ.get("WORKERS", "2"))
threads = int(os.environ.get("THREADS", "8"))
# The time that a worker has to send its answers when it is replaced.
graceful_timeout = 30
control_socket_disable = True
