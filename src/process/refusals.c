#include "process/refusals.h"

#include "process/console.h"
#include "process/generation_own.h"
#include "process/manifest.h"

/* The first line of a library that is refused; NULL where there is none. */
static const struct manifest_line *find_refused(const struct manifest *manifest, const struct crash_policy *policy,
                                                const struct generation *serving)
{
    for (size_t i = 0; i < manifest->count; ++i) {
        const struct manifest_line *line = &manifest->lines[i];
        if (crash_policy_refuses(policy, line->name, line->digest) &&
            (serving == NULL || !manifest_has_content(serving->snapshot->folder, line->name, line->digest)))
            return line;
    }
    return NULL;
}

static void print_reason(const struct manifest_line *line, const struct refused_file *file, struct text *reason)
{
    text_print(reason,
               "library '%.*s' (%.*s) is refused: it was rolled back for crashing; it is taken when its content has "
               "changed",
               SLICE_ARG(line->name), SLICE_ARG(manifest_short_digest(line->digest)));
    if (file->is_kept)
        text_print(reason, ", or a reload finds '%s' removed", file->path);
}

static bool forbid(struct supplies *supplies, const struct held_snapshot *snapshot, const struct generation *serving,
                   struct text *reason)
{
    struct manifest manifest;
    refusals_heed_removal(supplies);
    if (supplies->crashes.refused == NULL || !manifest_open(&manifest, snapshot->folder))
        return false;
    const struct manifest_line *line = find_refused(&manifest, &supplies->crashes, serving);
    if (line != NULL)
        print_reason(line, &supplies->refused_file, reason);
    manifest_close(&manifest);
    return line != NULL;
}

bool refusals_forbid(const struct generation *ready, const struct generation *serving, struct text *reason)
{
    return forbid(ready->supplies, ready->snapshot, serving, reason);
}

bool refusals_forbid_snapshot(struct supplies *supplies, const struct held_snapshot *snapshot, struct text *reason)
{
    return forbid(supplies, snapshot, NULL, reason);
}

void refusals_accept(const struct generation *serving)
{
    struct manifest manifest;
    struct crash_policy *policy = &serving->supplies->crashes;
    if (policy->refused == NULL || !manifest_open(&manifest, serving->snapshot->folder))
        return;
    for (size_t i = 0; i < manifest.count; ++i) {
        const struct manifest_line *line = &manifest.lines[i];
        if (manifest_is_file(line) && line->digest.length != 0)
            crash_policy_accept(policy, line->name, line->digest);
    }
    manifest_close(&manifest);
}

void refusals_heed_removal(struct supplies *supplies)
{
    if (!refused_file_was_removed(&supplies->refused_file))
        return;
    console_log(LOG_LEVEL_INFO, "'%s' was removed: what stood there is refused no longer", supplies->refused_file.path);
    crash_policy_accept_all(&supplies->crashes);
}
