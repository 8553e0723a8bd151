#include "worker/privileges.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "process/identity.h"
#include "process/watch_way.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool become_user(const struct identity *identity, struct error *error)
{
    if (!identity_assume(identity, error))
        return false;
    /* The kernel forgets it when the user changes. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return true;
}

bool privileges_take_told(const struct role *role, struct error *error)
{
    struct identity identity = {.name = role->user, .uid = role->uid, .gid = role->gid};
    return role->user[0] == '\0' || become_user(&identity, error);
}

/* The original's file has no word for a user, and goes on to work as it did. */
static bool stay_who_we_are(const struct role *role, const struct settings *settings, struct error *error)
{
    if (geteuid() != 0 || identity_may_root_serve())
        return true;
    if (settings->style == SETTINGS_INI && role->is_live)
        log_line(LOG_LEVEL_WARNING, "workers run as root: in a YAML file `user: NAME` has them run as somebody else");
    return settings->style == SETTINGS_INI ||
           error_set(error,
                     "root has started FlexiLib, and nothing says who is to serve: the configuration may name a "
                     "user (`user: nobody`) or say that it shall be root (`user: root`), or %s=1 does for "
                     "all configurations",
                     IDENTITY_ROOT_VARIABLE);
}

/* The links and files on the way to each file that was read, one after the other: who can change one of them leads root
 * elsewhere. They are looked for as root, who may pass folders that hide from the user where a link in them leads. */
static struct watch_way *find_ways(const struct source *source)
{
    char *const *paths = source_files_read(source);
    size_t count = 0;
    while (paths[count] != NULL)
        ++count;
    struct watch_way *ways = mem_zalloc((count + 1) * sizeof(*ways));
    for (size_t i = 0; i < count; ++i)
        watch_way_find(&ways[i], paths[i], false);
    return ways;
}

static void free_ways(struct watch_way *ways)
{
    for (struct watch_way *way = ways; way->count != 0; ++way)
        watch_way_finish(way);
    free(ways);
}

/* NULL: nothing. The caller frees it. */
static char *find_writable(const struct identity *identity, const struct watch_way *way)
{
    char *offender = NULL;
    for (size_t i = 0; i < way->count && offender == NULL; ++i) {
        if (way->steps[i].kind != WATCH_STEP_NAME)
            continue;
        char *entry = file_absolute(way->steps[i].place, way->steps[i].name);
        offender = identity_find_writable(identity, entry);
        free(entry);
    }
    return offender;
}

/* Root reads it at each reload, with all that it names: who can change it can have root open any file. */
static bool check_configuration(const struct identity *identity, const struct watch_way *ways,
                                const struct settings *settings, struct error *error)
{
    char *offender = NULL;
    for (const struct watch_way *way = ways; way->count != 0 && offender == NULL; ++way)
        offender = find_writable(identity, way);
    if (offender == NULL)
        return true;
    error_set_at(error, settings->user_place,
                 "user '%s' may change %s, and so what root reads as the configuration: that and the folders above it "
                 "have to be somebody else's",
                 identity->name, offender);
    free(offender);
    return false;
}

static bool change_user(struct uplink *uplink, const struct role *role, const struct source *source,
                        const struct settings *settings, const struct identity *identity, struct error *error)
{
    uplink_tell(uplink, MESSAGE_USER, settings->user, identity->uid, identity->gid, 0);
    if (!identity_give_folder(identity, role->snapshot))
        return error_set(error, "cannot give the snapshot to user '%s': %s", identity->name, strerror(errno));
    struct watch_way *ways = find_ways(source);
    bool is_changed = become_user(identity, error) && check_configuration(identity, ways, settings, error);
    free_ways(ways);
    return is_changed;
}

static bool find_named(const struct settings *settings, struct identity *identity, struct error *error)
{
    if (!identity_find(identity->name, settings->user_place, identity, error))
        return false;
    return geteuid() == 0 || identity->uid == geteuid() ||
           error_set_at(error, settings->user_place, "only root can run workers as user '%s'", identity->name);
}

bool privileges_take_configured(struct uplink *uplink, const struct role *role, const struct source *source,
                                const struct settings *settings, struct error *error)
{
    bool is_taken = true;
    if (settings->user.length == 0) {
        is_taken = stay_who_we_are(role, settings, error);
    } else if (role->user[0] == '\0') {
        char *name = mem_copy_text(settings->user.data, settings->user.length);
        struct identity identity = {.name = name};
        is_taken = find_named(settings, &identity, error) &&
                   (identity.uid == geteuid() || change_user(uplink, role, source, settings, &identity, error));
        free(name);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return is_taken;
}
