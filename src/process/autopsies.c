#include "process/autopsies.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/spawn.h"
#include "process/console.h"
#include "process/crash_place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ARGUMENT_COUNT = 6,
    MOST_AUTOPSIES = 8, /* at a time; what exceeds them is told without */
    LIMIT_MS = 5000,
    ANSWER_BYTES = 32768,
};

struct autopsy {
    struct autopsy *next;
    struct autopsies *autopsies;
    pid_t pid;
    bool is_reaped;
    uint64_t deadline_us;
    struct poller_watch output;
    struct text answer; /* what the child has written */
    enum log_level level;
    struct text sentence, addition;
    struct text place, frames; /* as the supervisor tells them */
    struct held_snapshot *snapshot;
};

bool autopsy_role_parse(int count, char **arguments, struct autopsy_role *role)
{
    uint64_t uid, gid;
    if (count != ARGUMENT_COUNT || fcntl(AUTOPSY_RECORD_FD, F_GETFD) == -1 ||
        !slice_parse_number(slice_from_text(arguments[4]), &uid) || uid > UINT32_MAX ||
        !slice_parse_number(slice_from_text(arguments[5]), &gid) || gid > UINT32_MAX)
        return false;
    *role = (struct autopsy_role){arguments[2], arguments[3], (uint32_t)uid, (uint32_t)gid};
    return true;
}

void autopsies_init(struct autopsies *autopsies, struct poller *poller, const struct program *program)
{
    *autopsies = (struct autopsies){.poller = poller, .program = program};
}

/* The rule for whatever a worker or a library may have had a hand in. */
static void print_clean(struct slice words, struct text *out)
{
    for (size_t i = 0; i < words.length; ++i) {
        unsigned char c = (unsigned char)words.data[i];
        text_add_char(out, c < 0x20 || c >= 0x7f ? '?' : (char)c);
    }
}

static struct slice next_line(struct slice *rest)
{
    size_t end = slice_find(*rest, '\n');
    struct slice line = slice_of(rest->data, end);
    *rest = slice_skip(*rest, end < rest->length ? end + 1 : end);
    return line;
}

/* One after the other, so that nothing comes between. */
static void write_lines(const struct autopsy *autopsy, struct slice place, struct slice frames)
{
    struct text line = TEXT_INIT;
    text_print(&line, "%s: ", log_level_name(autopsy->level));
    text_add(&line, text_slice(&autopsy->sentence));
    if (place.length != 0) {
        text_print(&line, ", at ");
        print_clean(place, &line);
    }
    text_add(&line, text_slice(&autopsy->addition));
    console_write(getpid(), text_slice(&line));
    while (frames.length != 0) {
        text_clear(&line);
        text_print(&line, "    ");
        print_clean(next_line(&frames), &line);
        console_write(getpid(), text_slice(&line));
    }
    text_finish(&line);
}

/* A child that died on its way has not said everything, or nothing that makes sense. */
static bool is_complete(struct slice answer)
{
    return slice_ends_with(answer, SLICE("\n" AUTOPSY_END "\n"));
}

static void tell(const struct autopsy *autopsy)
{
    struct slice answer = text_slice(&autopsy->answer);
    if (is_complete(answer)) {
        answer.length -= strlen(AUTOPSY_END "\n");
        struct slice place = next_line(&answer);
        write_lines(autopsy, place, answer);
    } else {
        write_lines(autopsy, text_slice(&autopsy->place), text_slice(&autopsy->frames));
    }
}

static void destroy(struct autopsy *autopsy)
{
    text_finish(&autopsy->answer);
    text_finish(&autopsy->sentence);
    text_finish(&autopsy->addition);
    text_finish(&autopsy->place);
    text_finish(&autopsy->frames);
    held_snapshot_release(autopsy->snapshot);
    free(autopsy);
}

/* Says what is known, and is rid of it. */
static void end(struct autopsy *autopsy)
{
    struct autopsies *autopsies = autopsy->autopsies;
    struct autopsy **link = &autopsies->list;
    while (*link != autopsy)
        link = &(*link)->next;
    *link = autopsy->next;
    --autopsies->count;
    int fd = autopsy->output.fd;
    poller_forget(autopsies->poller, &autopsy->output);
    close(fd);
    if (!autopsy->is_reaped)
        kill(autopsy->pid, SIGKILL);
    tell(autopsy);
    destroy(autopsy);
}

static void on_output(void *data)
{
    struct autopsy *autopsy = data;
    char buffer[4096];
    ssize_t length = read(autopsy->output.fd, buffer, sizeof(buffer));
    if (length > 0 && autopsy->answer.length + (size_t)length <= ANSWER_BYTES)
        text_add(&autopsy->answer, slice_of(buffer, (size_t)length));
    else if (length >= 0 || (errno != EAGAIN && errno != EINTR))
        end(autopsy);
}

/* A copy for the child: the slot's own is wiped for its next worker. */
static int copy_record(const struct crash_record *record)
{
    int fd = memfd_create("flexilib-crash", MFD_CLOEXEC);
    if (fd != -1 && file_write_all(fd, slice_of((const char *)record, sizeof(*record))))
        return fd;
    if (fd != -1)
        close(fd);
    return -1;
}

static void print_number(uint32_t number, char text[16])
{
    snprintf(text, 16, "%u", number);
}

static pid_t execute(const struct autopsies *autopsies, const struct autopsy_order *order, const char *snapshot,
                     int output, int record)
{
    char uid[16], gid[16];
    const char *user = order->snapshot->user;
    print_number(order->snapshot->uid, uid);
    print_number(order->snapshot->gid, gid);
    const char *const arguments[] = {
        "flexilib", ROLE_AUTOPSY, snapshot, user == NULL ? "" : user, uid, gid, NULL,
    };
    const int descriptors[] = {-1, output, -1, record};
    struct spawn spawn = {
        .program_fd = autopsies->program->fd,
        .arguments = (char *const *)(uintptr_t)arguments,
        .descriptors = descriptors,
        .descriptor_count = sizeof(descriptors) / sizeof(descriptors[0]),
    };
    return spawn_program(&spawn);
}

/* Returns false where no child can be had. */
static bool start(struct autopsy *autopsy, const struct autopsy_order *order, const char *snapshot)
{
    struct autopsies *autopsies = autopsy->autopsies;
    int ends[2] = {-1, -1}, record = copy_record(order->record);
    autopsy->pid = -1;
    if (record != -1 && pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
        poller_watch(autopsies->poller, &autopsy->output, ends[0], on_output, autopsy))
        autopsy->pid = execute(autopsies, order, snapshot, ends[1], record);
    if (autopsy->pid == -1 && ends[0] != -1) {
        poller_forget(autopsies->poller, &autopsy->output);
        close(ends[0]);
    }
    if (ends[1] != -1)
        close(ends[1]);
    if (record != -1)
        close(record);
    return autopsy->pid != -1;
}

static struct autopsy *make(struct autopsies *autopsies, const struct autopsy_order *order, const char *snapshot)
{
    struct autopsy *autopsy = mem_zalloc(sizeof(*autopsy));
    autopsy->autopsies = autopsies;
    autopsy->output = POLLER_WATCH_NONE;
    autopsy->level = order->level;
    autopsy->deadline_us = clock_monotonic_us() + LIMIT_MS * UINT64_C(1000);
    autopsy->snapshot = held_snapshot_use(order->snapshot);
    text_add(&autopsy->sentence, order->sentence);
    text_add(&autopsy->addition, order->addition);
    if (order->record != NULL) {
        crash_place_print(order->record, crash_place_find(order->record, snapshot).address, &autopsy->place);
        crash_place_print_frames(order->record, &autopsy->frames);
    }
    return autopsy;
}

void autopsies_tell(struct autopsies *autopsies, const struct autopsy_order *order)
{
    char *snapshot = realpath(order->snapshot->folder, NULL);
    struct autopsy *autopsy = make(autopsies, order, snapshot);
    bool is_wanted = order->record != NULL && snapshot != NULL && autopsies->count < MOST_AUTOPSIES;
    if (is_wanted && start(autopsy, order, snapshot)) {
        autopsy->next = autopsies->list;
        autopsies->list = autopsy;
        ++autopsies->count;
    } else {
        tell(autopsy);
        destroy(autopsy);
    }
    free(snapshot);
}

bool autopsies_bury(struct autopsies *autopsies, pid_t pid)
{
    for (struct autopsy *autopsy = autopsies->list; autopsy != NULL; autopsy = autopsy->next) {
        if (autopsy->pid == pid && !autopsy->is_reaped) {
            autopsy->is_reaped = true;
            return true;
        }
    }
    return false;
}

void autopsies_step(struct autopsies *autopsies, uint64_t now_us)
{
    struct autopsy *next;
    for (struct autopsy *autopsy = autopsies->list; autopsy != NULL; autopsy = next) {
        next = autopsy->next;
        if (autopsy->deadline_us <= now_us)
            end(autopsy);
    }
}

uint64_t autopsies_deadline(const struct autopsies *autopsies)
{
    uint64_t deadline_us = 0;
    for (const struct autopsy *autopsy = autopsies->list; autopsy != NULL; autopsy = autopsy->next) {
        if (deadline_us == 0 || autopsy->deadline_us < deadline_us)
            deadline_us = autopsy->deadline_us;
    }
    return deadline_us;
}

bool autopsies_need(const struct autopsies *autopsies, const struct held_snapshot *snapshot)
{
    for (const struct autopsy *autopsy = autopsies->list; autopsy != NULL; autopsy = autopsy->next) {
        if (autopsy->snapshot == snapshot)
            return true;
    }
    return false;
}

bool autopsies_are_under_way(const struct autopsies *autopsies)
{
    return autopsies->count != 0;
}

void autopsies_finish(struct autopsies *autopsies)
{
    while (autopsies->list != NULL)
        end(autopsies->list);
}
