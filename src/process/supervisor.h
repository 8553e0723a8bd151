#ifndef FLEXILIB_PROCESS_SUPERVISOR_H
#define FLEXILIB_PROCESS_SUPERVISOR_H

/* The parent of all workers. It reads no configuration, loads no library and speaks no HTTP: it owns the sockets, logs
 * and snapshots, starts a generation of workers, replaces it on a reload once the new one is ready, replaces workers
 * that crash, and ends all of them when told to. */

/* Runs until it is told to stop by a signal, or cannot start. config is the file's name as the operator gave it.
 * Returns the exit status: 0, 1, or 78 where the configuration is refused. */
int supervisor_run(const char *config);

#endif
