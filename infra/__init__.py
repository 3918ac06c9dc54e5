"""Everything that opens sockets and files or reads the environment: settings, clients, servers, logs, metrics."""
