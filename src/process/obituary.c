#include "process/obituary.h"

#include <string.h>
#include <sys/wait.h>

void obituary_print_slot(const struct slot *slot, struct text *out)
{
    const char *hook = slot_hook_name(slot->hook);
    if (slot->hook == SLOT_HOOK_NONE || (slot->filter[0] == '\0' && hook[0] == '\0'))
        return;
    if (slot->filter[0] != '\0' && slot->hook == SLOT_HOOK_LOAD)
        text_print(out, ", in library '%s'", slot->filter);
    else if (slot->filter[0] != '\0')
        text_print(out, ", in filter '%s'", slot->filter);
    else
        text_print(out, ", in a filter");
    if (hook[0] != '\0')
        text_print(out, " (%s)", hook);
    if (slot->request[0] != '\0')
        text_print(out, " for request %s", slot->request);
}

void obituary_print(const struct death *death, struct text *out)
{
    text_print(out, "worker %d of generation %u ", (int)death->pid, death->generation);
    if (WIFSIGNALED(death->status)) {
        int number = WTERMSIG(death->status);
        text_print(out, "was killed by signal %d (%s)", number, strsignal(number));
    } else {
        text_print(out, "exited with status %d", WEXITSTATUS(death->status));
    }
    text_print(out, " after %.3f s", (double)death->lived_us / 1e6);
    obituary_print_slot(&death->slot, out);
}
