#include "process/notify.h"

#include "process/console.h"
#include "process/handover.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RETRY_US = 50 * 1000,
    MOST_WAITING = 4096,
};

static bool set_address(struct notify *notify, struct slice name)
{
    notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (name.length < 2 || name.length >= sizeof(notify->address.sun_path) ||
        (name.data[0] != '/' && name.data[0] != '@'))
        return false;
    memcpy(notify->address.sun_path, name.data, name.length);
    /* A name in the abstract namespace begins with a zero byte and ends with its length. */
    if (name.data[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.length + (name.data[0] == '/'));
    return true;
}

/* Another process may be meant: one that has started us, say. */
static uint64_t read_watchdog(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t interval_us, wanted;
    if (interval == NULL || !slice_parse_number(slice_from_text(interval), &interval_us))
        return 0;
    if (pid != NULL && (!slice_parse_number(slice_from_text(pid), &wanted) || wanted != (uint64_t)getpid()))
        return 0;
    return interval_us;
}

void notify_open(struct notify *notify, uint64_t now_us)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){.fd = -1};
    if (name != NULL && !set_address(notify, slice_from_text(name)))
        console_log(LOG_LEVEL_WARNING, "NOTIFY_SOCKET: '%s' is no unix socket", name);
    if (notify->length != 0)
        notify->watchdog_us = read_watchdog();
    notify->next_us = notify->watchdog_us == 0 ? 0 : now_us;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
    if (notify->fd != -1)
        close(notify->fd);
    notify->fd = -1;
    text_finish(&notify->waiting);
    text_finish(&notify->status);
}

static bool send_now(struct notify *notify, struct slice message)
{
    if (notify->fd == -1)
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd == -1)
        return true;
    ssize_t sent = sendto(notify->fd, message.data, message.length, MSG_NOSIGNAL,
                          (const struct sockaddr *)&notify->address, notify->length);
    if (sent != -1)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
        return false;
    /* Where nobody is there, or not any more, nothing can be told. */
    if (!notify->was_failure_told)
        console_log(LOG_LEVEL_WARNING, "NOTIFY_SOCKET: whoever it names cannot be told how things stand: %s",
                    strerror(errno));
    notify->was_failure_told = true;
    return true;
}

/* A later message may carry what an earlier one could not; a sign of life is worth nothing later. */
static void send_message(struct notify *notify, struct slice message, uint64_t now_us)
{
    if (notify->length == 0)
        return;
    if (notify->waiting.length + message.length > MOST_WAITING)
        text_clear(&notify->waiting);
    text_add(&notify->waiting, message);
    if (send_now(notify, text_slice(&notify->waiting)))
        text_clear(&notify->waiting);
    notify->retry_us = now_us + RETRY_US;
}

static void describe(const struct notify_state *state, struct text *out)
{
    if (state->is_stopping)
        text_print(out, "stopping");
    else if (state->is_serving)
        text_print(out, "generation %u, %u worker%s", state->generation, state->workers,
                   state->workers == 1 ? "" : "s");
    else
        text_print(out, "starting");
    if (state->draining != 0)
        text_print(out, "; %u older one%s still at work", state->draining, state->draining == 1 ? " is" : "s are");
    if (state->has_failed && !state->is_busy && !state->is_stopping)
        text_print(out, "; the last reload has failed");
    text_print(out, " (flexilib %s)", FLEXILIB_VERSION);
}

static void tell_status(struct notify *notify, const struct notify_state *state, struct text *message)
{
    struct text status = TEXT_INIT;
    describe(state, &status);
    if (!slice_equals(text_slice(&status), text_slice(&notify->status))) {
        text_print(message, "STATUS=%s\n", status.data);
        text_clear(&notify->status);
        text_add(&notify->status, text_slice(&status));
    }
    text_finish(&status);
}

/* Each reload that is asked for is told with the time at which that was noticed: systemd waits for a later one than its
 * own signal. */
static void tell_state(struct notify *notify, const struct notify_state *state, uint64_t now_us, struct text *message)
{
    if (state->is_stopping) {
        if (!notify->told.is_stopping)
            text_print(message, "STOPPING=1\n");
        return;
    }
    bool is_new = notify->was_ready ? state->is_busy : state->is_busy && state->last_id != notify->told.last_id;
    if (state->is_serving && notify->told.is_serving && is_new)
        text_print(message, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", now_us);
    else if (state->is_serving && !state->is_busy && !notify->was_ready)
        text_print(message, "READY=1\nMAINPID=%d\n", (int)getpid());
    notify->was_ready = state->is_serving && !state->is_busy;
}

void notify_step(struct notify *notify, const struct notify_state *state, uint64_t now_us)
{
    struct text message = TEXT_INIT;
    if (notify->length == 0)
        return;
    tell_state(notify, state, now_us, &message);
    tell_status(notify, state, &message);
    notify->told = *state;
    if (notify->watchdog_us != 0 && notify->next_us <= now_us) {
        text_print(&message, "WATCHDOG=1\n");
        notify->next_us = now_us + notify->watchdog_us / 2;
    }
    if (message.length != 0 || (notify->waiting.length != 0 && notify->retry_us <= now_us))
        send_message(notify, text_slice(&message), now_us);
    text_finish(&message);
}

void notify_failure(struct notify *notify, const char *sentence)
{
    struct text message = TEXT_INIT;
    struct slice line = slice_from_text(sentence);
    text_print(&message, "STATUS=%.*s\n", (int)slice_find(line, '\n'), sentence);
    send_message(notify, text_slice(&message), 0);
    text_finish(&message);
}

uint64_t notify_deadline(const struct notify *notify)
{
    if (notify->waiting.length == 0)
        return notify->next_us;
    return notify->next_us != 0 && notify->next_us < notify->retry_us ? notify->next_us : notify->retry_us;
}

void notify_hand_over(const struct notify *notify, struct handover *handover)
{
    handover_add_record(handover, "notify");
    handover_add_slice(handover, slice_of((const char *)&notify->address, notify->length));
    handover_add_unsigned(handover, notify->watchdog_us);
    handover_add_unsigned(handover, notify->next_us);
    handover_add_number(handover, notify->was_ready);
    handover_add_unsigned(handover, notify->told.last_id);
    handover_add_slice(handover, text_slice(&notify->waiting));
}

bool notify_take_over(struct notify *notify, struct handover_reader *reader)
{
    if (!handover_is(reader, "notify"))
        return false;
    struct slice address = handover_take_slice(reader);
    notify->watchdog_us = handover_take_unsigned(reader);
    notify->next_us = handover_take_unsigned(reader);
    notify->was_ready = handover_take_bool(reader);
    notify->told.last_id = (unsigned)handover_take_number(reader, 0, UINT32_MAX);
    notify->told.is_serving = true;
    struct slice waiting = handover_take_slice(reader);
    if (!handover_end_record(reader) || address.length > sizeof(notify->address)) {
        handover_refuse(reader, "that is no address");
    } else {
        if (address.length != 0)
            memcpy(&notify->address, address.data, address.length);
        notify->length = (socklen_t)address.length;
        text_add(&notify->waiting, waiting);
    }
    free((char *)(uintptr_t)address.data);
    free((char *)(uintptr_t)waiting.data);
    return true;
}
