#ifndef FLEXILIB_COMMAND_HEALTHCHECK_H
#define FLEXILIB_COMMAND_HEALTHCHECK_H

/* `flexilib healthcheck`: asks a running FlexiLib one question, for containers that have no curl. */

/* Sends GET / (or the URL's path) to target: host:port, [address]:port, unix:/path or an http URL. Where it is NULL,
 * asks the admin listener that file names for /healthz, or, where there is none, the first listener. Returns the exit
 * status: 0 for an answer below 500, 1 otherwise, 78 where the configuration cannot be read. */
int healthcheck_run(const char *target, const char *file);

#endif
