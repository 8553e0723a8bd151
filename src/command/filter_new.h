#ifndef FLEXILIB_COMMAND_FILTER_NEW_H
#define FLEXILIB_COMMAND_FILTER_NEW_H

/* `flexilib filter new NAME [--language c|cpp|rust|go]`: makes a folder of that name with a small filter that works,
 * its scenario file and a Makefile, out of those in filters/new. */

/* arguments begin with the tool's own name. Returns the exit status: 0, 1, or 2 where the command line is wrong. */
int filter_new_run(char **arguments);

#endif
