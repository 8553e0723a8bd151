#include "worker/patience.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LONG_SLICE_NS = 100 * 1000 * 1000, /* the longest that there is */
};

void patience_set(bool is_patient)
{
    struct sched_attr attributes = {.size = sizeof(attributes)};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0)
        return;
    attributes.sched_flags = SCHED_FLAG_RESET_ON_FORK; /* which only root could take back */
    attributes.sched_runtime = is_patient ? LONG_SLICE_NS : 0;
    /* It is a favour: where it is refused, all goes on as without. */
    if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
        return;
}
