#include "process/supervisor_handover.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/channel.h"
#include "process/console.h"
#include "process/handover_generation.h"
#include "process/handover_supplies.h"
#include "process/refusals.h"
#include "process/role.h"
#include "process/supervisor_own.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    STATUS_USAGE = 2,
};

static void write_state(const struct supervisor *supervisor, struct handover *handover)
{
    handover_begin(handover, FLEXILIB_VERSION);
    handover_add_record(handover, "supervisor");
    handover_add_text(handover, supervisor->supplies.config);
    handover_add_number(handover, CHANNEL_VERSION);
    handover_add_number(handover, supervisor->supplies.is_without_filters);
    handover_add_number(handover, supervisor->is_under_starter);
    handover_add_number(handover, supervisor->upgrade.id);
    handover_supplies_add(handover, &supervisor->supplies, &supervisor->upgrade.next);
    handover_generations_add(handover, &supervisor->reloads);
    control_hand_over(&supervisor->control, handover);
    notify_hand_over(&supervisor->notify, handover);
}

unsigned supervisor_want_upgrade(struct supervisor *supervisor)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    if (supervisor->stop != STOP_NONE || supervisor->delayed_stop != STOP_NONE) {
        console_log(LOG_LEVEL_INFO, "no upgrade: FlexiLib is stopping");
        return 0;
    }
    refusals_heed_removal(&supervisor->supplies); /* the next program would write anew what is still refused */
    if (upgrade->state != UPGRADE_NONE)
        console_log(LOG_LEVEL_INFO, "the upgrade is under way already");
    else
        upgrade_begin(upgrade, reloads_next_id(&supervisor->reloads));
    return upgrade->id;
}

void supervisor_on_upgrade_failed(void *data, unsigned id, const char *sentence)
{
    struct supervisor *supervisor = data;
    struct text answer = TEXT_INIT;
    control_end_answer(&answer, SUPERVISOR_FAILED, "the upgrade failed: %s; flexilib %s goes on", sentence,
                       FLEXILIB_VERSION);
    control_finish(&supervisor->control, id, text_slice(&answer));
    text_finish(&answer);
}

static const char *find_obstacle(const struct supervisor *supervisor)
{
    const struct generations *generations = &supervisor->generations;
    if (generations->starting != NULL || supervisor->reloads.current != NULL ||
        supervisor->reloads.wanted_rollback != NULL)
        return "a generation is starting";
    if (supervisor->supplies.succession.successor != NULL)
        return "a generation that failed gives back what it has taken";
    if (autopsies_are_under_way(&supervisor->supplies.autopsies))
        return "a crash is being looked at";
    if (supervisor->last_good.writer.pid != 0)
        return "what serves is being kept on disk";
    if (refused_file_is_busy(&supervisor->supplies.refused_file, &supervisor->supplies.crashes))
        return "which libraries are refused is being kept on disk";
    return generations->serving != NULL && generations->is_announced ? NULL : "no generation serves yet";
}

void supervisor_upgrade_step(struct supervisor *supervisor, uint64_t now_us)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    upgrade_step(upgrade, now_us);
    if (upgrade->state != UPGRADE_WANTED && upgrade->state != UPGRADE_PROBED)
        return;
    const char *obstacle = find_obstacle(supervisor);
    if (obstacle != NULL) {
        upgrade_tell_wait(upgrade, obstacle);
        return;
    }
    struct handover handover;
    if (upgrade->state == UPGRADE_WANTED && !upgrade_open(upgrade))
        return;
    write_state(supervisor, &handover);
    if (upgrade->state == UPGRADE_WANTED)
        upgrade_probe(upgrade, &handover);
    else
        upgrade_execute(upgrade, &handover);
    handover_finish(&handover);
}

struct resumption {
    struct supervisor *supervisor;
    struct handover_reader reader;
    char *config; /* NULL: its record has not come */
    unsigned id;  /* of the upgrade, which whoever has asked for it waits for */
};

static void take_supervisor(struct resumption *resumption)
{
    struct handover_reader *reader = &resumption->reader;
    struct supervisor *supervisor = resumption->supervisor;
    char *config = handover_need_text(reader);
    int64_t version = handover_take_number(reader, 0, INT_MAX);
    supervisor->supplies.is_without_filters = handover_take_bool(reader);
    supervisor->is_under_starter = handover_take_bool(reader);
    resumption->id = (unsigned)handover_take_number(reader, 1, INT_MAX);
    if (!handover_end_record(reader) || resumption->config != NULL) {
        handover_refuse(reader, "it stands there twice");
        free(config);
        return;
    }
    resumption->config = config;
    supervisor->supplies.config = config;
    supervisor->control.config = config;
    last_good_finish(&supervisor->last_good);
    last_good_init(&supervisor->last_good, config);
    refused_file_finish(&supervisor->supplies.refused_file);
    refused_file_init(&supervisor->supplies.refused_file, config);
    if (version != CHANNEL_VERSION)
        error_set(reader->error, "the workers that run speak another version of the channel (%d, this program %d)",
                  (int)version, CHANNEL_VERSION);
}

static void take_record(struct resumption *resumption)
{
    struct handover_reader *reader = &resumption->reader;
    struct supervisor *supervisor = resumption->supervisor;
    if (handover_is(reader, "supervisor"))
        take_supervisor(resumption);
    else if (!notify_take_over(&supervisor->notify, reader) && !control_take_over(&supervisor->control, reader) &&
             !handover_supplies_take(reader, &supervisor->supplies) &&
             !handover_generations_take(reader, &supervisor->reloads))
        handover_refuse(reader, "this program does not know such a record");
}

static bool restore(struct resumption *resumption, int state_fd, struct error *error)
{
    struct supervisor *supervisor = resumption->supervisor;
    if (!supplies_begin(&supervisor->supplies, error) || !handover_open(&resumption->reader, state_fd, error))
        return false;
    while (handover_next(&resumption->reader))
        take_record(resumption);
    if (error->is_set)
        return false;
    if (resumption->config == NULL)
        return error_set(error, "the state does not say which file is served");
    return handover_supplies_complete(&supervisor->supplies, error) &&
           handover_generations_complete(&supervisor->generations, error);
}

/* Nothing is closed: sockets, folders and locks belong to who asked. */
static int probe(struct resumption *resumption, int state_fd)
{
    struct error error = ERROR_INIT;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (restore(resumption, state_fd, &error))
        printf(UPGRADE_APPROVAL "%s\n", FLEXILIB_VERSION);
    else
        printf(UPGRADE_REFUSAL "%s\n", error.message);
    fflush(NULL);
    _exit(error.is_set ? SUPERVISOR_FAILED : SUPERVISOR_OK);
}

/* A new generation follows, which is the rest of the upgrade: those that wait for it wait for that. */
static void begin_generation(struct resumption *resumption)
{
    struct supervisor *supervisor = resumption->supervisor;
    struct text line = TEXT_INIT;
    unsigned reload = reloads_follow(&supervisor->reloads, resumption->id);
    control_add_field(&line, SLICE("upgrade"));
    control_add_field(&line, slice_from_text(resumption->reader.version));
    control_add_field(&line, SLICE(FLEXILIB_VERSION));
    control_end_line(&line);
    control_go_on(&supervisor->control, resumption->id, reload, text_slice(&line));
    text_finish(&line);
}

static void take_over(struct resumption *resumption)
{
    struct supervisor *supervisor = resumption->supervisor;
    supervisor->has_served = true;
    supervision_name_program(supervisor->supplies.supervision.supervision, FLEXILIB_VERSION);
    console_log(LOG_LEVEL_INFO, "flexilib %s has taken over from flexilib %s", FLEXILIB_VERSION,
                resumption->reader.version);
    begin_generation(resumption);
    /* Where that had not come to it: what is kept already is not written again. */
    supervisor_note_good(supervisor);
    handover_close(&resumption->reader);
    supervisor_bury_dead(supervisor);
}

/* Signals wait, blocked, from before the exec until their descriptor is there. */
static int resume(struct resumption *resumption, int state_fd)
{
    struct supervisor *supervisor = resumption->supervisor;
    struct error error = ERROR_INIT;
    if (!supervisor_open_signals(supervisor, &error) || !restore(resumption, state_fd, &error) ||
        !supervisor_watch_signals(supervisor, &error)) {
        console_log(LOG_LEVEL_ALERT, "cannot go on from the state that was handed over: %s", error.message);
        return SUPERVISOR_FAILED;
    }
    close(state_fd);
    take_over(resumption);
    int status = supervisor_serve(supervisor);
    supervisor_close(supervisor);
    return status;
}

static int parse_descriptor(const char *text)
{
    uint64_t fd;
    return slice_parse_number(slice_from_text(text), &fd) && fd > STDERR_FILENO && fd < INT_MAX ? (int)fd : -1;
}

int supervisor_resume(int count, char **arguments)
{
    int state_fd = count >= 4 ? parse_descriptor(arguments[3]) : -1;
    bool is_probe = count == 4 && strcmp(arguments[2], ROLE_SUPERVISOR_PROBE) == 0;
    bool is_resumption = count == 6 && strcmp(arguments[2], ROLE_SUPERVISOR_RESUME) == 0;
    if (state_fd == -1 || (!is_probe && !is_resumption)) {
        fprintf(stderr, "flexilib: %s is how a supervisor starts its successor; it is of no other use\n",
                ROLE_SUPERVISOR);
        return STATUS_USAGE;
    }
    struct resumption resumption = {.supervisor = mem_alloc(sizeof(struct supervisor))};
    /* Executed from a descriptor, the process would be called by its number. */
    prctl(PR_SET_NAME, "flexilib");
    supervisor_prepare(resumption.supervisor, &(struct supervisor_options){.config = ""});
    int status = is_probe ? probe(&resumption, state_fd) : resume(&resumption, state_fd);
    free(resumption.supervisor);
    free(resumption.config);
    return status;
}
