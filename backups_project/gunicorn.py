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
# ACCESS_LOG=- writes one line a request; the path goes without its query, which
# may hold the token of a download link.
accesslog = os.environ.get("ACCESS_LOG")
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s bytes %(L)s s'
