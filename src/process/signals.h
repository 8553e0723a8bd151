#ifndef FLEXILIB_PROCESS_SIGNALS_H
#define FLEXILIB_PROCESS_SIGNALS_H

/* The signals the supervisor lives by, as a descriptor to read: no handler runs anywhere. */

/* Blocks HUP, INT, QUIT, TERM, USR1, USR2 and CHLD, ignores PIPE, and returns a non-blocking descriptor that becomes
 * readable when one of them came; -1 with errno set. */
int signals_open(void);

/* Takes the next signal's number, 0 where none came. */
int signals_take(int fd);

/* What a worker does about signals meant for the supervisor, which a terminal or a service manager sends to every
 * process of the group: nothing. They come to it blocked, so that none strikes before. What its libraries start, by
 * exec or by fork alone, gets them as any process does. To be called once. */
void signals_ignore(void);

#endif
