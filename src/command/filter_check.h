#ifndef FLEXILIB_COMMAND_FILTER_CHECK_H
#define FLEXILIB_COMMAND_FILTER_CHECK_H

/* `flexilib filter check`: loads a library and creates its filters, as a worker would, without a configuration. */

/* Runs the tool; its name is the first argument. Returns the exit status. */
int filter_check_run(char **arguments);

#endif
