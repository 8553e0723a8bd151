#ifndef FLEXILIB_COMMAND_RELOAD_H
#define FLEXILIB_COMMAND_RELOAD_H

/* `flexilib reload`, `flexilib rollback` and `flexilib upgrade`: have the FlexiLib that serves a configuration take up
 * what it says now, go back to what it said before, or go on as the program that is on disk now; wait for the outcome
 * and tell what changed, or what is wrong. */

/* file may be NULL where $FLEXILIB_CONTROL is set. Returns the exit status: 78 where the new configuration or one of
 * its libraries is refused. */
int reload_run(const char *file);
int rollback_run(const char *file);
int upgrade_run(const char *file);

#endif
