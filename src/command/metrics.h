#ifndef FLEXILIB_COMMAND_METRICS_H
#define FLEXILIB_COMMAND_METRICS_H

/* `flexilib metrics`: what filters have counted, in Prometheus' text format. */

/* Asks the FlexiLib that serves the configuration, and prints; file may be NULL where $FLEXILIB_CONTROL names the
 * socket. Returns the exit status: 0 or 1. */
int metrics_run(const char *file);

#endif
