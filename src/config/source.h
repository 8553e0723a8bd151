#ifndef FLEXILIB_CONFIG_SOURCE_H
#define FLEXILIB_CONFIG_SOURCE_H

/* Where a configuration comes from: the live file system and environment, or a snapshot of them. Everything a
 * generation is made from is read through here. Live reading with a snapshot folder given records each thing as it is
 * read, so that siblings, replacements and rollback see exactly the same; reading from a snapshot never looks outside
 * of it.
 *
 * A snapshot mirrors what it holds: /etc/x.yaml stands in SNAPSHOT/root/etc/x.yaml, so relative layouts survive; the
 * variables that were looked up stand in SNAPSHOT/environment. */

#include "base/error.h"
#include "base/watch.h"

struct source;

/* What was found at a path, so that somebody else can tell whether it changes: see base/content.h. */
struct source_sight {
    enum watch_kind kind;
    const char *path; /* absolute */
    uint64_t content; /* 0: it is missing, or cannot be read. Of a pattern: which files match */
    uint64_t status;
};

/* Reads live. snapshot_folder, where not NULL, exists, is writable, and receives copies. */
struct source *source_create_live(const char *snapshot_folder);

/* Reads from what source_create_live recorded there. */
struct source *source_create_snapshot(const char *snapshot_folder);

void source_destroy(struct source *source);

/* False for a snapshot: whatever is to be warned of was, when it was recorded. */
bool source_is_live(const struct source *source);

/* Reads a whole regular file (16 MB at most), at an absolute path: what else there is could not be read once more for a
 * reload. The content lives as long as the source. Returns false with errno set. */
bool source_read(struct source *source, const char *path, struct slice *content);

/* The same for a file that is a part of the configuration: without the byte order mark that some editors put in front
 * of a text. */
bool source_read_text(struct source *source, const char *path, struct slice *content);

/* The paths of all files that were read so far, NULL-terminated; owned by the source. */
char *const *source_files_read(const struct source *source);

/* Why something could not be put into the snapshot, whereupon all reading fails: an errno; 0: nothing has failed. */
int source_record_errno(const struct source *source);

/* Says in words why reading failed with this errno. */
const char *source_refusal(int number);

/* The value of an environment variable, or NULL. Lives as long as the source. */
const char *source_environment(struct source *source, const char *name);

/* Expands a shell pattern ("conf.d/" followed by "*.yaml") at an absolute path: a sorted, NULL-terminated array of
 * absolute paths, owned by the source. */
char *const *source_glob(struct source *source, const char *pattern);

/* Says whether a regular file stands at that absolute path. */
bool source_has_file(struct source *source, const char *path);

/* Says whether a folder stands at that absolute path. What is in it is not recorded: whoever serves files from a folder
 * reads them as they are. In a snapshot every folder that was asked for is there. */
bool source_has_folder(const struct source *source, const char *path);

/* Where to dlopen the library at this absolute path from: its copy in the snapshot where there is one, otherwise path
 * itself. What it needs and is not the system's is copied with it. The text lives as long as the source. Returns NULL
 * and fills error where that cannot be. */
const char *source_library(struct source *source, const char *path, struct error *error);

/* Notes a file that is missing now and would change the outcome if it appeared. */
void source_want(struct source *source, enum watch_kind kind, const char *path);

/* Has a live source tell of everything that it sees and has seen: before anybody does anything with it. The sight is
 * only lent. */
void source_observe(struct source *source, void (*on_sight)(void *data, const struct source_sight *sight), void *data);

#endif
