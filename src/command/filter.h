#ifndef FLEXILIB_COMMAND_FILTER_H
#define FLEXILIB_COMMAND_FILTER_H

/* `flexilib filter ...`: the tools of those who write filters. Each has its own arguments. */

/* Runs the tool that the first argument names; NULL stands behind the last one. Returns the exit status: 2
 * where the command line is wrong. */
int filter_run(char **arguments);

/* For the tools: says what is wrong with the arguments of the one of that name. Always 2. */
int filter_refuse(const char *name, const char *sentence);

#endif
