#ifndef FLEXILIB_WORKER_WATCHDOG_H
#define FLEXILIB_WORKER_WATCHDOG_H

/* Notices that the worker's loop stands still because something on it blocks, and tells the supervisor (BLOCKED): which
 * filter and hook it is for which request, and that there is a record of where the thread is. When the loop goes on it
 * says so too (MOVED). What becomes of a worker whose loop does not is the supervisor's business (process/stall.h).
 *
 * It is a thread that looks at the loop's beat every now and then while the loop has something to do, and otherwise
 * sleeps until the loop rouses it; so it costs the loop neither a system call nor a look at the clock. It takes no
 * lock, asks for no memory and writes to no stream, as what blocks may hold them. Time that the thread itself did not
 * get does not count: where a machine has too much to do, or all threads stand in a debugger, the loop is not to blame.
 */

struct crash_record;
struct loop;
struct slot;
struct watchdog;

/* Watches the loop, which runs on this thread. slot is the worker's own. Without a thread it is not watched, after a
 * line in the log, and NULL is returned. */
struct watchdog *watchdog_start(struct loop *loop, struct slot *slot, const struct crash_record *capture, int channel);

/* Ends the thread and frees it; the loop does not run any more. NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

#endif
