#ifndef FLEXILIB_CONFIG_INI_H
#define FLEXILIB_CONFIG_INI_H

/* The original's proxy.ini, read into routes: `PREFIX = LIBRARY` and `HEADER: VALUEPREFIX PATHPREFIX = LIBRARY`, one on
 * a line, "#" begins a comment, the first that matches wins. Paths are relative to the start folder, and libraries may
 * be missing. */

#include "config/settings_reader.h"

/* Reads the file into reader->settings. Returns false and fills error. */
bool ini_read(struct settings_reader *reader, const char *path);

#endif
