#ifndef FLEXILIB_COMMAND_VERSION_H
#define FLEXILIB_COMMAND_VERSION_H

/* Which FlexiLib this is. */

/* Prints `flexilib 0.1.0`. */
void version_print(void);

/* Prints the filter contract's version and those of the libraries it was built with too. */
void version_print_all(void);

#endif
