#ifndef FLEXILIB_COMMAND_CHECK_H
#define FLEXILIB_COMMAND_CHECK_H

/* `flexilib check`: does what a worker does up to the point of being ready, but for opening sockets and logs, in a
 * process that is thrown away, since libraries run code when they are loaded. */

/* Prints `FILE: ok`, or what is wrong. Returns the exit status: 0, 1 or 78. */
int check_run(const char *file);

#endif
