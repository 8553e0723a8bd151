#include "process/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct shape {
    const char *name;
    unsigned number_count;
    bool has_text;
};

static const struct shape shapes[] = {
    [MESSAGE_HELLO] = {"HELLO", 1, false},
    [MESSAGE_USER] = {"USER", 2, true},
    [MESSAGE_OPEN] = {"OPEN", 1, true},
    [MESSAGE_LOADING] = {"LOADING", 0, false},
    [MESSAGE_WATCH] = {"WATCH", 3, true},
    [MESSAGE_LISTEN] = {"LISTEN", 2, true},
    [MESSAGE_READY] = {"READY", 3, false},
    [MESSAGE_FAILED] = {"FAILED", 0, true},
    [MESSAGE_STOPPED] = {"STOPPED", 0, false},
    [MESSAGE_OPENED] = {"OPENED", 2, false},
    [MESSAGE_REOPEN] = {"REOPEN", 1, false},
    [MESSAGE_GO] = {"GO", 0, false},
    [MESSAGE_SERVERS] = {"SERVERS", 2, true},
    [MESSAGE_NUMBERED] = {"NUMBERED", 1, true},
    [MESSAGE_WAITING] = {"WAITING", 1, false},
    [MESSAGE_DRAIN] = {"DRAIN", 2, false},
    [MESSAGE_CUT] = {"CUT", 0, false},
    [MESSAGE_QUARANTINE] = {"QUARANTINE", 0, true},
    [MESSAGE_SHUTDOWN_DELAY] = {"SHUTDOWN_DELAY", 1, false},
    [MESSAGE_EXCLUSIVE] = {"EXCLUSIVE", 1, true},
    [MESSAGE_QUIET] = {"QUIET", 0, false},
    [MESSAGE_QUIESCE] = {"QUIESCE", 2, true},
    [MESSAGE_WAKE] = {"WAKE", 1, false},
    [MESSAGE_MAX_GENERATIONS] = {"MAX_GENERATIONS", 1, false},
    [MESSAGE_LEAVING] = {"LEAVING", 1, false},
    [MESSAGE_QUIESCED] = {"QUIESCED", 1, true},
    [MESSAGE_WATCHING] = {"WATCHING", 2, false},
    [MESSAGE_STUCK_TIMEOUT] = {"STUCK_TIMEOUT", 1, false},
    [MESSAGE_BLOCKED] = {"BLOCKED", 2, true},
    [MESSAGE_MOVED] = {"MOVED", 2, false},
    [MESSAGE_RUNNER] = {"RUNNER", 3, true},
    [MESSAGE_JOINED] = {"JOINED", 3, false},
    [MESSAGE_PEER] = {"PEER", 1, false},
    [MESSAGE_TROUBLE] = {"TROUBLE", 0, false},
};

bool channel_open(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

const char *message_name(enum message_kind kind)
{
    return shapes[kind].name;
}

size_t message_encode(const struct message *message, char out[CHANNEL_PACKET_BYTES])
{
    const struct shape *shape = &shapes[message->kind];
    if (message->text.length > CHANNEL_TEXT_BYTES || memchr(shape->name, '\0', 1) != NULL)
        return 0;
    int length = snprintf(out, CHANNEL_PACKET_BYTES, "%s", shape->name);
    for (unsigned i = 0; i < shape->number_count; ++i)
        length += snprintf(out + length, CHANNEL_PACKET_BYTES - (size_t)length, " %" PRId64, message->numbers[i]);
    if (!shape->has_text)
        return (size_t)length;
    out[length++] = ' ';
    if (message->text.length != 0)
        memcpy(out + length, message->text.data, message->text.length);
    return (size_t)length + message->text.length;
}

static struct slice take_word(struct slice *rest)
{
    size_t end = slice_find(*rest, ' ');
    struct slice word = slice_of(rest->data, end);
    *rest = slice_skip(*rest, end < rest->length ? end + 1 : end);
    return word;
}

static bool parse_number(struct slice word, int64_t *number)
{
    bool is_negative = word.length > 1 && word.data[0] == '-';
    uint64_t magnitude;
    if (!slice_parse_number(slice_skip(word, is_negative ? 1 : 0), &magnitude) || magnitude > INT64_MAX)
        return false;
    *number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static enum message_kind find_kind(struct slice name)
{
    for (size_t i = MESSAGE_HELLO; i < sizeof(shapes) / sizeof(shapes[0]); ++i) {
        if (slice_equals(name, slice_from_text(shapes[i].name)))
            return (enum message_kind)i;
    }
    return 0;
}

bool message_parse(struct message *message, size_t length)
{
    struct slice rest = slice_of(message->packet, length);
    message->kind = find_kind(take_word(&rest));
    message->text = SLICE_NONE;
    memset(message->numbers, 0, sizeof(message->numbers));
    if (message->kind == 0)
        return false;
    const struct shape *shape = &shapes[message->kind];
    for (unsigned i = 0; i < shape->number_count; ++i) {
        if (!parse_number(take_word(&rest), &message->numbers[i]))
            return false;
    }
    if (!shape->has_text)
        return rest.length == 0;
    message->text = rest;
    return rest.length <= CHANNEL_TEXT_BYTES && memchr(rest.data, '\0', rest.length) == NULL;
}

bool channel_add_server(struct text *text, struct slice upstream, struct slice url)
{
    size_t length = text->length;
    text_print(text, "%zu %zu ", upstream.length, url.length);
    text_add(text, upstream);
    text_add(text, url);
    if (text->length <= CHANNEL_TEXT_BYTES)
        return true;
    text->length = length;
    return false;
}

bool channel_take_server(struct slice *rest, struct slice *upstream, struct slice *url)
{
    uint64_t lengths[2];
    for (int i = 0; i < 2; ++i) {
        if (!slice_parse_number(take_word(rest), &lengths[i]) || lengths[i] > CHANNEL_TEXT_BYTES)
            return false;
    }
    if (lengths[0] + lengths[1] > rest->length)
        return false;
    *upstream = slice_of(rest->data, (size_t)lengths[0]);
    *url = slice_of(rest->data + lengths[0], (size_t)lengths[1]);
    *rest = slice_skip(*rest, (size_t)(lengths[0] + lengths[1]));
    return true;
}

bool channel_send(int channel, const struct message *message)
{
    char packet[CHANNEL_PACKET_BYTES];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = packet, .iov_len = message_encode(message, packet)};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (piece.iov_len == 0) {
        errno = EMSGSIZE;
        return false;
    }
    if (message->fd != -1) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *first = CMSG_FIRSTHDR(&header);
        *first = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(first), &message->fd, sizeof(int));
    }
    ssize_t sent;
    while ((sent = sendmsg(channel, &header, MSG_NOSIGNAL)) == -1 && errno == EINTR)
        ;
    return sent != -1;
}

static int take_descriptor(struct msghdr *header)
{
    int fd = -1;
    struct cmsghdr *first = header->msg_controllen == 0 ? NULL : CMSG_FIRSTHDR(header);
    if (first != NULL && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
        first->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(first), sizeof(int));
    return fd;
}

enum channel_result channel_receive(int channel, struct message *message, bool is_patient, bool takes_descriptors)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec piece = {.iov_base = message->packet, .iov_len = sizeof(message->packet)};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (takes_descriptors) {
        /* CMSG_SPACE would have room for a second descriptor, which nobody would close. */
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_LEN(sizeof(int));
    }
    ssize_t length;
    while ((length = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | (is_patient ? 0 : MSG_DONTWAIT))) == -1 &&
           errno == EINTR)
        ;
    if (length == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return CHANNEL_EMPTY;
    if (length <= 0)
        return CHANNEL_ENDED;
    message->fd = takes_descriptors ? take_descriptor(&header) : -1;
    if ((header.msg_flags & MSG_TRUNC) == 0 && message_parse(message, (size_t)length))
        return CHANNEL_MESSAGE;
    if (message->fd != -1)
        close(message->fd);
    message->fd = -1;
    return CHANNEL_BROKEN;
}
