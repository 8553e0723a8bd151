#include "process/generation_own.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* As the kernel's list of mappings has it. The caller frees it; NULL where there is none. */
static char *find_folder(const struct generation *generation)
{
    return generation->snapshot->folder == NULL ? NULL : realpath(generation->snapshot->folder, NULL);
}

void generation_judge_death(const struct generation *generation, struct death *death)
{
    char *folder = find_folder(generation);
    bool is_killed = WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGKILL;
    death->was_for_want_of_memory = is_killed && memory_kills_have_grown(&generation->supplies->memory_kills);
    blame_find(death, folder, &death->blame);
    free(folder);
}

/* Whoever kills a worker counts that himself, as he knows what for. */
static void count_crash(const struct generation *generation, const struct worker_process *worker,
                        const struct death *death)
{
    enum supervision_crash kind = WIFSIGNALED(death->status) ? SUPERVISION_CRASH_SIGNAL : SUPERVISION_CRASH_EXIT;
    if (worker->state != WORKER_KILLED)
        supervision_count_crash(generation->supplies->supervision.supervision,
                                death->library == NULL ? kind : SUPERVISION_CRASH_RUNNER);
}

static void tell(const struct generation *generation, const struct death *death, enum log_level level,
                 const struct text *sentence, const struct text *addition)
{
    const struct autopsy_order order = {
        .level = level,
        .sentence = text_slice(sentence),
        .addition = text_slice(addition),
        .record = death->record,
        .snapshot = generation->snapshot,
    };
    autopsies_tell(&generation->supplies->autopsies, &order);
}

void generation_report_death(struct generation *generation, const struct worker_process *worker,
                             const struct death *death)
{
    struct text sentence = TEXT_INIT, cause = TEXT_INIT;
    count_crash(generation, worker, death);
    obituary_print(death, &sentence);
    obituary_print_cause(death, &cause);
    if (worker->failure == NULL)
        tell(generation, death, LOG_LEVEL_ALERT, &sentence, &cause);
    else
        console_log(LOG_LEVEL_ERROR, "worker %d of generation %u could not start: %s", (int)death->pid,
                    generation->number, worker->failure);
    text_finish(&sentence);
    text_finish(&cause);
}

static void tell_backtrace(const struct generation *generation, const struct death *death)
{
    struct text sentence = TEXT_INIT, nothing = TEXT_INIT;
    text_print(&sentence, "worker %d of generation %u died", (int)death->pid, generation->number);
    tell(generation, death, LOG_LEVEL_ERROR, &sentence, &nothing);
    text_finish(&sentence);
}

void generation_mourn(struct generation *generation, const struct death *death)
{
    struct text reason = TEXT_INIT;
    char *folder = find_folder(generation);
    obituary_print(death, &reason);
    obituary_print_place(death, folder, &reason);
    obituary_print_cause(death, &reason);
    generation_fail(generation, reason.data);
    if (death->record != NULL)
        tell_backtrace(generation, death);
    text_finish(&reason);
    free(folder);
}
