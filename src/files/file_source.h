#ifndef FLEXILIB_FILES_FILE_SOURCE_H
#define FLEXILIB_FILES_FILE_SOURCE_H

/* Answers exchanges with files: `files`. A file is read by demand, a piece at a time, so that its size costs no memory.
 * The response's length is that of the file when it was opened: one that shrinks meanwhile ends the connection. */

#include "net/loop.h"
#include "upstream/response_source.h"

struct response_source file_source_start(struct loop *loop, struct exchange *exchange,
                                         const struct files_settings *files,
                                         void (*on_over)(struct exchange *exchange));

#endif
