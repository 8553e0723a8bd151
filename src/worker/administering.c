#include "worker/administering.h"

#include "base/log.h"
#include "worker/listening.h"

bool administering_open(struct proxy *proxy, struct uplink *uplink, const struct settings *settings,
                        const struct admin_sources *sources, bool is_first, struct error *error)
{
    const struct admin_settings *admin = &settings->admin;
    struct error problem = ERROR_INIT;
    if (!admin->is_on)
        return true;
    int fd = listening_open(uplink, CHANNEL_ADMIN, &admin->listener, admin->is_usual ? &problem : error);
    if (fd != -1)
        proxy_add_admin(proxy, sources, fd);
    else if (is_first && admin->is_usual)
        log_line(LOG_LEVEL_WARNING, "there is no admin listener: %s; 'admin' says where it shall be, or 'admin: off'",
                 problem.message);
    return fd != -1 || admin->is_usual;
}
