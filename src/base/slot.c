#include "base/slot.h"

#include <stddef.h>

const struct slot_request slot_no_request;

void slot_show_name(struct slice name, char shown[SLOT_FILTER_BYTES])
{
    static const char cut[] = "...";
    const size_t most = SLOT_FILTER_BYTES - 1;
    if (name.length <= most) {
        memcpy(shown, name.data, name.length);
        return;
    }
    const size_t kept = most - strlen(cut);
    memcpy(shown, cut, strlen(cut));
    memcpy(shown + strlen(cut), name.data + name.length - kept, kept);
}

static size_t add(char *shown, size_t length, size_t capacity, struct slice more)
{
    size_t room = capacity - 1 - length;
    size_t count = more.length < room ? more.length : room;
    if (count != 0)
        memcpy(shown + length, more.data, count);
    return length + count;
}

void slot_show_request(struct slice id, struct slice method, struct slice target, struct slot_request *request)
{
    static const char cut[] = "...";
    add(request->id, 0, sizeof(request->id), id);
    size_t length = add(request->line, 0, sizeof(request->line), method);
    length = add(request->line, length, sizeof(request->line), SLICE(" "));
    add(request->line, length, sizeof(request->line), target);
    if (method.length + 1 + target.length >= sizeof(request->line))
        memcpy(request->line + sizeof(request->line) - sizeof(cut), cut, sizeof(cut));
}

static void make_printable(char *name, size_t capacity)
{
    name[capacity - 1] = '\0';
    for (unsigned char *text = (unsigned char *)name; *text != '\0'; ++text) {
        if (*text < 0x20 || *text >= 0x7f || *text == '\'')
            *text = '?';
    }
}

void slot_make_printable(struct slot_call *call)
{
    make_printable(call->filter, sizeof(call->filter));
    make_printable(call->request.id, sizeof(call->request.id));
    make_printable(call->request.line, sizeof(call->request.line));
}

__attribute__((no_sanitize_thread)) uint32_t slot_call_hook(const struct slot_call *call)
{
    return *(const volatile uint32_t *)&call->hook;
}

bool slot_call_is_running(const struct slot_call *call)
{
    return slot_call_hook(call) != SLOT_HOOK_NONE;
}

__attribute__((no_sanitize_thread)) void slot_call_copy(const struct slot_call *call, struct slot_call *copy)
{
    const volatile char *from = (const volatile char *)call;
    char *to = (char *)copy;
    for (size_t i = 0; i < sizeof(*copy); ++i)
        to[i] = from[i];
}

const char *slot_hook_name(uint32_t hook)
{
    static const char *const names[] = {
        "",
        "loading",
        "create",
        "destroy",
        "on_request_head",
        "on_request_body",
        "on_response_head",
        "on_response_body",
        "on_resume",
        "on_end",
        "on_reply_body",
        "on_time",
        "offload",
        "handle_request",
        "on_head",
        "on_body",
        "on_room",
        "on_over",
        "quiesce",
        "wake",
    };
    return hook < sizeof(names) / sizeof(names[0]) ? names[hook] : "";
}
