#include "base/slot.h"

#include <stddef.h>

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
    };
    return hook < sizeof(names) / sizeof(names[0]) ? names[hook] : "";
}
