#include "worker/uplink.h"

#include "base/fork_guard.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Nothing can be done for anybody any more; exit handlers of libraries would only delay it. */
static void leave(void)
{
    _exit(EXIT_FAILURE);
}

void uplink_init(struct uplink *uplink, int fd)
{
    *uplink = (struct uplink){.fd = fd, .reopened_log_fd = -1};
    fork_guard_add(fd);
}

void uplink_tell(struct uplink *uplink, enum message_kind kind, struct slice text, int64_t first, int64_t second,
                 int64_t third)
{
    struct message message = {.kind = kind, .numbers = {first, second, third}, .text = text, .fd = -1};
    if (message.text.length > CHANNEL_TEXT_BYTES)
        message.text.length = CHANNEL_TEXT_BYTES;
    if (!channel_send(uplink->fd, &message))
        leave();
}

/* True for a message, false where there is none now. */
static bool receive(struct uplink *uplink, struct message *message, bool is_patient)
{
    switch (channel_receive(uplink->fd, message, is_patient, true)) {
    case CHANNEL_MESSAGE:
        return true;
    case CHANNEL_EMPTY:
        return false;
    case CHANNEL_BROKEN:
        log_line(LOG_LEVEL_ALERT, "the supervisor sent what is no message");
        break;
    case CHANNEL_ENDED:
        break;
    }
    leave();
    return false;
}

static void keep_reopened_log(struct uplink *uplink, const struct message *message)
{
    if (uplink->reopened_log_fd != -1)
        close(uplink->reopened_log_fd);
    uplink->reopened_log_fd = message->fd;
}

static void wait_for_answer(struct uplink *uplink, enum message_kind kind, int64_t index, struct message *message)
{
    while (receive(uplink, message, true) && (message->kind != kind || message->numbers[0] != index)) {
        if (message->kind == MESSAGE_REOPEN)
            keep_reopened_log(uplink, message);
    }
}

static int wait_for_descriptor(struct uplink *uplink, int64_t index)
{
    struct message message;
    wait_for_answer(uplink, MESSAGE_OPENED, index, &message);
    errno = (int)message.numbers[1];
    return message.fd;
}

int uplink_open_log(struct uplink *uplink, int64_t index, struct slice path)
{
    uplink_tell(uplink, MESSAGE_OPEN, path, index, 0, 0);
    return wait_for_descriptor(uplink, index);
}

int uplink_listen(struct uplink *uplink, int64_t index, const struct listen_options *options, struct slice name,
                  struct slice address)
{
    struct text text = TEXT_INIT;
    listen_options_print(options, &text);
    text_add(&text, name);
    text_add(&text, address);
    uplink_tell(uplink, MESSAGE_LISTEN, text_slice(&text), index, (int64_t)name.length, 0);
    text_finish(&text);
    return wait_for_descriptor(uplink, index);
}

void uplink_number_servers(struct uplink *uplink, int64_t first, size_t count, struct slice text, uint32_t *numbers)
{
    struct message message;
    uplink_tell(uplink, MESSAGE_SERVERS, text, first, (int64_t)count, 0);
    wait_for_answer(uplink, MESSAGE_NUMBERED, first, &message);
    for (size_t i = 0; i < count; ++i) {
        uint64_t number;
        if (slice_parse_number(slice_next_item(&message.text, ' '), &number) && number < UINT32_MAX)
            numbers[i] = (uint32_t)number;
    }
}

void uplink_ask_runner(struct uplink *uplink, unsigned runner, unsigned instance, unsigned instances,
                       struct slice library)
{
    uplink_tell(uplink, MESSAGE_RUNNER, library, runner, instance, instances);
}

int uplink_join_runner(struct uplink *uplink, unsigned runner, unsigned instance, unsigned instances,
                       struct slice library)
{
    struct message message;
    uplink_ask_runner(uplink, runner, instance, instances, library);
    wait_for_answer(uplink, MESSAGE_JOINED, runner, &message);
    errno = (int)message.numbers[2];
    return message.fd;
}

bool uplink_take(struct uplink *uplink, struct message *message)
{
    return receive(uplink, message, false);
}
