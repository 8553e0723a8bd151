#ifndef FLEXILIB_FILES_FILE_LOOKUP_H
#define FLEXILIB_FILES_FILE_LOOKUP_H

/* Which file answers a request: the one that its path names, a folder's index, the fallback, and of these the form that
 * was compressed beforehand where the client takes it. */

#include "filter/exchange.h"

#include <sys/stat.h>

enum file_lookup_result {
    FILE_FOUND = 0,
    FILE_IS_FOLDER, /* named without the "/" behind it */
    FILE_MISSING,   /* answer 404 */
    FILE_BROKEN,    /* answer 503; the log says why */
};

struct file_lookup {
    int fd; /* of a regular file, the caller's to close; -1 but for FILE_FOUND */
    struct stat status;
    struct slice name;   /* below the root, without what a coding adds */
    struct slice coding; /* empty where the file is as it is */
};

/* Texts of the result live in the exchange's arena. */
enum file_lookup_result file_lookup_find(struct exchange *exchange, const struct files_settings *files,
                                         struct file_lookup *lookup);

#endif
