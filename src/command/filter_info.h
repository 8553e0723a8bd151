#ifndef FLEXILIB_COMMAND_FILTER_INFO_H
#define FLEXILIB_COMMAND_FILTER_INFO_H

/* `flexilib filter info`: what a library offers, for people and for programs. */

/* Runs the tool; its name is the first argument. Returns the exit status. */
int filter_info_run(char **arguments);

#endif
