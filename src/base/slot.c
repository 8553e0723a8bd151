#include "base/slot.h"

#include <stddef.h>

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
