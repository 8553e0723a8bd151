#ifndef FLEXILIB_COMMAND_FILTER_TEST_H
#define FLEXILIB_COMMAND_FILTER_TEST_H

/* `flexilib filter test [--chunk N] [--library [NAME=]PATH] [--verbose] FILE...`: plays scenario files, each scenario
 * in a process of its own that is thrown away, and says in TAP which of them hold; why others do not goes to standard
 * error. */

/* arguments begin with the tool's own name. Returns the exit status: 0 where all scenarios hold, 1 where one does not
 * or a file cannot be read, 2 where the command line is wrong. */
int filter_test_run(char **arguments);

#endif
