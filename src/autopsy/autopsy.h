#ifndef FLEXILIB_AUTOPSY_AUTOPSY_H
#define FLEXILIB_AUTOPSY_AUTOPSY_H

/* The third role of the program: a short-lived child of the supervisor that makes a backtrace of a crash record, from
 * the files that the dead worker had mapped, and ends. Whatever is wrong with record or files costs nobody but it: it
 * has the rights that the worker had, limits of its own, and the supervisor does not wait for it. */

/* Never returns. */
void autopsy_run(int count, char **arguments) __attribute__((noreturn));

#endif
