#ifndef FLEXILIB_RUNNER_CALL_WATCH_H
#define FLEXILIB_RUNNER_CALL_WATCH_H

/* Sees to it that no call into the library takes longer than it may, or more of a CPU, on the loop or on a thread of
 * the pool: a thread of its own looks at what the runner's slot says every now and then, and at the clocks of threads.
 * A call that takes too much is named in the log, its request is told to the workers, and the process ends itself,
 * hard: the supervisor starts another one. What threads of the library's own do is not looked at; its start (load and
 * create) may take as much of a CPU as fits into the time; and time in which the process was stopped counts little. */

#include "base/slot.h"
#include "config/settings.h"
#include "net/loop.h"
#include "runner/progress.h"

struct call_watch;

/* Called on the loop's thread, whose beat the slot shows from now on. slot and threads are the process's own; of the
 * settings it is told how much a call may take. Returns NULL with errno set where no thread can be had. */
struct call_watch *call_watch_start(struct loop *loop, struct slot *slot, const struct slot_threads *threads,
                                    const struct runner_settings *settings);
void call_watch_stop(struct call_watch *watch);

/* Who is told of the request: workers that come and go. */
void call_watch_add(struct call_watch *watch, struct progress *progress);
void call_watch_remove(struct call_watch *watch, const struct progress *progress);

#endif
