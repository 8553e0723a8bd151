#include "process/obituary.h"

#include "process/crash_place.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    MOST_CALLS_TOLD = 4,
};

/* Calls of one hook of one filter, or of what could not be told apart. */
struct told_call {
    const struct slot_call *call;
    unsigned count;
};

static bool is_call(const struct slot_call *call)
{
    return call->hook != SLOT_HOOK_NONE && (call->filter[0] != '\0' || slot_hook_name(call->hook)[0] != '\0');
}

/* Returns how many of the places are in use. */
static unsigned add_call(const struct slot_call *call, struct told_call told[MOST_CALLS_TOLD], unsigned count)
{
    if (!is_call(call))
        return count;
    for (unsigned i = 0; i < count; ++i) {
        if (told[i].call->hook == call->hook && strcmp(told[i].call->filter, call->filter) == 0) {
            ++told[i].count;
            return count;
        }
    }
    if (count < MOST_CALLS_TOLD)
        told[count++] = (struct told_call){.call = call, .count = 1};
    return count;
}

static void print_call(const struct told_call *told, struct text *out)
{
    const struct slot_call *call = told->call;
    const char *hook = slot_hook_name(call->hook);
    if (call->filter[0] != '\0' && call->hook == SLOT_HOOK_LOAD)
        text_print(out, "in library '%s'", call->filter);
    else if (call->filter[0] != '\0')
        text_print(out, "in filter '%s'", call->filter);
    else
        text_print(out, "in a filter");
    if (hook[0] != '\0')
        text_print(out, " (%s)", hook);
    if (told->count > 1)
        text_print(out, " for one of %u requests", told->count);
    else if (call->request.id[0] != '\0')
        text_print(out, " for request %s", call->request.id);
    if (told->count == 1 && call->request.line[0] != '\0')
        text_print(out, " (%s)", call->request.line);
}

void obituary_print_slot(const struct slot *slot, const struct slot_threads *threads, struct text *out)
{
    struct told_call told[MOST_CALLS_TOLD];
    unsigned count = add_call(&slot->call, told, 0);
    for (uint32_t i = 0; threads != NULL && i < threads->count; ++i)
        count = add_call(&threads->calls[i], told, count);
    for (unsigned i = 0; i < count; ++i) {
        text_print(out, i == 0 ? ", " : " or ");
        print_call(&told[i], out);
    }
}

void death_finish(struct death *death)
{
    free(death->record);
    death->record = NULL;
}

/* The thread that died has said what it ran; what others ran does not matter. */
static void print_thread(const struct death *death, struct text *out)
{
    const struct crash_record *record = death->record;
    const char *library = death->blame.library, *slash = strrchr(library, '/');
    if (record->call.hook != SLOT_HOOK_NONE) {
        const struct slot slot = {.call = record->call};
        obituary_print_slot(&slot, NULL, out);
    } else if (record->thread == CRASH_THREAD_OTHER && library[0] != '\0') {
        text_print(out, ", in a thread of library '%s'", slash == NULL ? library : slash + 1);
    } else if (record->thread == CRASH_THREAD_OTHER) {
        text_print(out, ", in thread '%s'", record->thread_name);
    }
}

void obituary_print(const struct death *death, struct text *out)
{
    if (death->library == NULL)
        text_print(out, "worker %d of generation %u ", (int)death->pid, death->generation);
    else
        text_print(out, "runner %d of library '%s', generation %u, ", (int)death->pid, death->library,
                   death->generation);
    if (WIFSIGNALED(death->status)) {
        int number = WTERMSIG(death->status);
        text_print(out, "was killed by signal %d (%s)", number, strsignal(number));
    } else {
        text_print(out, "exited with status %d", WEXITSTATUS(death->status));
    }
    text_print(out, " after %.3f s", (double)death->lived_us / 1e6);
    if (death->record != NULL)
        print_thread(death, out);
    else
        obituary_print_slot(&death->slot, &death->threads, out);
}

void obituary_print_place(const struct death *death, const char *snapshot, struct text *out)
{
    if (death->record == NULL)
        return;
    text_print(out, ", at ");
    crash_place_print(death->record, crash_place_find(death->record, snapshot).address, out);
}

void obituary_print_cause(const struct death *death, struct text *out)
{
    const struct crash_record *record = death->record;
    if (death->was_for_want_of_memory)
        text_print(out, ", likely by the kernel for want of memory");
    if (record == NULL)
        return;
    if (record->kind == CRASH_EXIT)
        text_print(out, ", by a call of exit");
    else if (record->sender != 0 && record->sender != death->pid)
        text_print(out, ", sent by process %d", record->sender);
    else if (record->sender == 0 && (record->signal == SIGSEGV || record->signal == SIGBUS))
        text_print(out, ", touching address 0x%" PRIx64, record->fault_address);
}
