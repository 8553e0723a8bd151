#ifndef FLEXILIB_FILTER_REQUEST_TEXT_H
#define FLEXILIB_FILTER_REQUEST_TEXT_H

/* What filters may put into the line of a request: nothing that could end it, or begin another part of it. Fields are
 * headers.h's. Each gives NULL, or what is wrong. */

#include "base/slice.h"

const char *request_text_judge_method(struct slice method);
const char *request_text_judge_authority(struct slice authority);
const char *request_text_judge_path(struct slice path);
const char *request_text_judge_query(struct slice query);

#endif
